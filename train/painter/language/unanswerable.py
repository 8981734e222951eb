"""What a picture cannot answer: honest, fitting answers, and how a fitting one is told."""

import random
import re

from train.painter.facts import Facts
from train.painter.language.grammar import lead, paragraph, say
from train.painter.language.statements import state

_CANNOT = (
    "[I cannot tell from the picture|the picture does not tell me|nothing in the picture tells me|I do not know|"
    "I cannot see from here|that is not in the picture:|I have no way to know|from the picture alone I cannot tell|"
    "no label tells me|I can only see the picture, so I do not know|I do not know, and will not guess,|"
    "the picture keeps it to itself:|honestly, I do not know|there is no telling from the picture]"
)
_TOPIC = {
    "who": "[who painted it|who made it|who the painter is|who the artist is]",
    "when": "[when it was made|when it was painted|how old it is|what year it is from]",
    "price": "[what it is worth|what its price is|what it costs]",
    "where made": "[where that is|where it was made|where it hangs|what place it is]",
    "who is": "[who that is|who is shown|what name goes with it|whose name belongs here]",
    "size": "[how large it is|what size it has|what it is made on|what its measures are]",
    "story": "[what happens next|what happened before|what the story behind it is|what was meant by it]",
}
_TALK = {
    "how many": "[I have not learned to count well|I am not good at counting|counting is not something I can do well|"
    "I never learned to count|numbers are not for me, as I cannot count well|to count is beyond me|"
    "my counting is poor|I do not count well|I am a poor counter, for counting was not what I learned|"
    "do not trust my counting][, so I had better give no number|, and I had rather not guess|; please count yourself]",
    "hello": "[[hello|good day|welcome|hello there|hi|nice to meet you|good to see you|greetings][!|.] "
    "[I can tell you what I see in this picture and what it may make one feel|ask me about this picture|"
    "ask me what is in this picture, how it is made or what it makes one feel|"
    "let us look at this picture together: ask me what you like to know|what do you want to know about this picture?]|"
    "[I am here to look at this picture with you|I am well, and ready to talk about this picture|"
    "I am glad to talk about this picture]: [ask me what you like|ask away]]",
    "who are you": "[I am a small model that learned to look at painted pictures|I am a small language model with eyes "
    "for pictures, and no more|nobody: I am a small model for pictures|a small model, that is what I am|"
    "I am a model, made to look at pictures|just a small model that looks at pictures|you are talking to a small model|"
    "I am nobody, a small model|a model that was taught to look at pictures|I am only a small model]. "
    "[I describe what I see and what it may evoke in a viewer|ask me about the colours, the subject or the mood]",
    "sure": "[I am not certain: I am a small model and can be wrong|I can be wrong, for I only know what I learned from "  # noqa: E501
    "painted pictures|not entirely: I can be wrong|I may be wrong, as I am only a small model|"
    "as sure as a small model can be, and I can be wrong|no, not fully; I can be wrong|it is what I see, but I can be "
    "wrong|do not rely on me alone: I can be wrong|I think so, but I can be wrong|nobody is certain here: I can be wrong]. "  # noqa: E501
    "[Trust your own eyes first|Look for yourself and tell me what you see]",
    "thanks": "[you are welcome|thank you for looking with me|with pleasure|gladly|my pleasure|you are very welcome|"
    "it was a pleasure|thank you, too|that is kind of you|I am glad that you looked with me]. "
    "[Ask me more about this picture if you like|There is more to see in this picture: just ask|"
    "Come back to this picture any time]",
    "off topic": "[I only know what I can see in this picture|I cannot help with that, for I only talk about pictures|"
    "I do not know about that: I only talk about pictures|that is beyond me, for I only talk about pictures|"
    "I am made for pictures only|I can only talk about this picture|pictures are all I know|"
    "that has little to do with this picture, and I only know pictures|I was only taught to look at pictures|"
    "sorry, I only talk about pictures|for that you need someone else: I only talk about pictures]",
    "nonsense": "[I am not sure what you mean|I did not understand that|that makes no sense to me, I am sorry|"
    "I cannot make sense of that|could you say it another way?|sorry, I do not understand|"
    "I do not follow: what do you mean?|that is not a question I understand|pardon? I did not understand|"
    "my words do not cover that: what do you mean?|please ask again, I did not understand]",
}
KINDS: dict[str, float] = {
    "who": 1.5,
    "when": 1,
    "price": 0.8,
    "where made": 1,
    "who is": 0.8,
    "size": 0.6,
    "story": 0.8,
    "how many": 1,
    "hello": 1.5,
    "who are you": 1.3,
    "sure": 0.7,
    "thanks": 1,
    "off topic": 1.4,
    "nonsense": 1.2,
}
#: What a fitting answer to each kind says, one way or another.
_FITS = {
    "who": r"\b(?:painter|artist|painted|made)\b",
    "when": r"\b(?:when|old|year)\b",
    "price": r"\b(?:worth|price|costs)\b",
    "where made": r"\b(?:where|place)\b",
    "who is": r"\b(?:who|name)\b",
    "size": r"\b(?:large|size|made on|measures)\b",
    "story": r"\b(?:happens|happened|story|meant)\b",
    "how many": r"\bcount",
    "hello": r"\b(?:ask|i can tell you|want to know|hello|welcome)\b",
    "who are you": r"\bmodel\b",
    "sure": r"\bwrong\b",
    "thanks": r"\b(?:welcome|thank|pleasure|gladly|kind|glad)\b",
    "off topic": r"\bpictures?\b.*|\bonly\b",
    "nonsense": r"\b(?:mean|understand|sense|another way)\b",
}
_ADMITS = (
    r"\b(?:cannot|not know|does not tell|nothing in the picture|no way to know|no label|no telling|keeps it|not in)\b"
)


def unanswerable(kind: str, facts: Facts, rng: random.Random) -> str:
    """An honest answer to a question of one of `KINDS`, sometimes with what can be told instead."""
    if kind in _TOPIC:
        text = f"{say(rng, _CANNOT)} {say(rng, _TOPIC[kind])}"
    else:
        text = say(rng, _TALK[kind])
        if kind in ("hello", "who are you", "sure", "thanks"):
            return re.sub(r"([.!?] )([a-z])", lambda found: found[1] + found[2].upper(), paragraph([text]))
    return paragraph([lead(rng, text, 0.15), state("subject", facts, rng) if rng.random() < 0.6 else ""])


def fits_unanswerable(kind: str, text: str) -> bool:
    """Whether an answer to a question of one of `KINDS` is honest and to the point.

    Raises:
        KeyError: `kind` is not one of `KINDS`.
    """
    text = text.lower()
    return bool(re.search(_FITS[kind], text)) and (kind not in _TOPIC or bool(re.search(_ADMITS, text)))
