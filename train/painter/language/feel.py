"""What is felt, by those in the picture and those before it, why, and what would change it."""

import random

from train.painter.facts import Facts
from train.painter.language import clear, feelings
from train.painter.language.grammar import a, lead, listed, paragraph, say
from train.painter.language.statements import cited, felt, mood, reason, reasons, state


def feeling(facts: Facts, rng: random.Random, length: str = "medium") -> str:
    """What it makes a viewer feel: alone ("short"), with the reasons ("medium"), or with all that leads there."""
    register = rng.choices(("plain", "curator", "poetic"), (8, 1, 1))[0]
    first = lead(rng, state("emotion", facts, rng, register), 0.3)
    if length == "short":
        return paragraph([first])
    kinds = ["because"]
    if length == "long":
        kinds.append(rng.choice(("colours", "tones", "subject")))
        kinds.append(rng.choice(("manner", "thing", *clear.in_passing(facts))))
    if rng.random() < 0.35 and clear.second_is_clear(facts):
        kinds.append("second")
    return paragraph([first, *(state(kind, facts, rng) for kind in kinds)])


def why(facts: Facts, rng: random.Random) -> str:
    """The reasons for the emotion, weightiest first, and the emotion.

    Mostly the emotion comes first: behind the reasons, the embedded model named the one that fits them, not the
    picture's.
    """
    found = reasons(facts, rng, rng.randint(2, 4))
    feel = mood(facts, rng)
    named = felt(facts, rng)
    if not found:
        return paragraph([lead(rng, state("because", facts, rng)), say(rng, "what remains is {e}", e=named)])
    rest = ""
    if len(found) > 1:
        rest = say(rng, "[, helped by|, together with|, along with|, and also] {rest}", rest=listed(found[1:]))
    if clear.rival(facts, "emotion"):
        told = say(
            rng,
            "[it evokes {e}|I feel {e}|what I feel is {e}|one may feel {e}], because of {first}",
            e=named,
            first=found[0],
        )
        return paragraph([lead(rng, told + rest, 0.3)])
    if rng.random() < 0.75:
        told = say(
            rng,
            "[it evokes {e} because of|I feel {e} because of|it feels {mood} because of|the {mood} mood comes from|"
            "I find it {mood} because of|what I feel is {e}, because of|{a_mood} mood like this one comes from|"
            "one may feel {e} because of|I call it {mood} because of|its {mood} mood rests on|"
            "so {mood} a mood is owed to|that it feels {mood} comes above all from|what makes it {mood} lies in|"
            "this {mood} mood lies in|{e} is what I feel, because of] {first}",
            e=named,
            mood=feel,
            a_mood=a(feel),
            first=found[0],
        )
        return paragraph([lead(rng, told + rest, 0.3), state("thing", facts, rng) if rng.random() < 0.2 else ""])
    first = say(
        rng,
        "[it comes [mostly|above all|mainly] from|it is mostly because of|I point first to|look first at|"
        "it begins with|behind it stands above all|the first cause is|I say so because of|most of it comes from|"
        "much of this is because of|mainly because of|the reason lies in|it rests on|that is owed to|"
        "what does it, because it weighs most, is|thanks to] {first}",
        first=found[0],
    )
    if first.startswith("thanks to"):
        first = "it has this mood " + first
    second = say(
        rng,
        "[that makes it feel {mood}, and so it evokes|together this gives it {a_mood} mood and evokes|"
        "{a_mood} mood like that leads to|from this comes|so it turns {mood}, and evokes|and the feeling is then] {e}",
        mood=feel,
        a_mood=a(feel),
        e=named,
    )
    return paragraph([lead(rng, first + rest, 0.3), second])


def second_emotion(facts: Facts, rng: random.Random) -> str:
    """The stronger feeling, and the weaker one where one stands out."""
    stronger = say(
        rng,
        "[the stronger feeling is|what prevails is|what comes first is|above all it evokes|the one that leads is|"
        "what I am sure of is|the first and clearest is|most of all I feel|it evokes above all|what is strongest is|"
        "the feeling that prevails is|first comes|to begin with, it evokes|what leads is] {e}",
        e=felt(facts, rng),
    )
    if clear.second_is_clear(facts):
        return paragraph([lead(rng, stronger), state("second", facts, rng)])
    close = say(
        rng,
        "[a second one does not stand out|I cannot say which comes second|several are about as strong behind the first|"
        "which one comes second is too close to call|behind the first I find several, none ahead of the others|"
        "what comes next is not decided]",
    )
    return paragraph([lead(rng, stronger), close])


def people(facts: Facts, rng: random.Random) -> str:
    """What those in it feel."""
    return paragraph([state("people", facts, rng), state("subject", facts, rng)])


def both_sides(facts: Facts, rng: random.Random) -> str:
    """What those in it feel, what the viewer may feel, and why."""
    viewer = say(
        rng,
        "[the viewer[, looking on,|] may feel|in the viewer it stirs|for the viewer the strongest feeling is|"
        "whoever looks at it is left with|on your side of the frame, you may feel|"
        "you, who look at it, may feel something else than they do, or the same: it evokes] {e}",
        e=felt(facts, rng),
    ).replace("may feel something else than they do, or the same: it evokes", "may feel as follows: it evokes")
    kinds = ["because"] + (["second"] if rng.random() < 0.3 and clear.second_is_clear(facts) else [])
    return paragraph([state("people", facts, rng), viewer, *(state(kind, facts, rng) for kind in kinds)])


def which_colour(facts: Facts, rng: random.Random) -> str:
    """The leading colour, and whether colour is a reason at all."""
    first = lead(rng, state("leading", facts, rng))
    named = felt(facts, rng)
    if {"warmth", "saturation", "colours"} & set(facts.reasons):
        return paragraph([first, say(rng, "[this does much to evoke|that is part of what evokes] {e}", e=named)])
    if not cited(facts):
        return paragraph([first, "no colour decides the mood here"])
    other = reason(facts, cited(facts)[0], rng)
    return paragraph([first, f"the mood, though, comes less from a colour than from {other}"])


def changes(facts: Facts) -> list[str]:
    """What would turn its reasons round, weightiest first."""
    found = []
    for name in facts.reasons:
        text = feelings.CHANGE.get((name, str(getattr(facts, name, None))))
        if text and text not in found:
            found.append(text)
    return found


def change(facts: Facts, rng: random.Random) -> str:
    """What would move it towards another emotion than the one it evokes, which is named first.

    Behind what it might become, the embedded model at times named the very same emotion as the one it has.
    """
    found = changes(facts) or ["other tones and other weather" if facts.light else "other tones and other colouring"]
    supposed = say(
        rng,
        "[with {c}, it would [move towards|come nearer to|turn towards] {t}|{c} would [move it towards|bring it to] {t}|"  # noqa: E501
        "it would turn to {t} with {c}|give it {c}, and it would come nearer to {t}|"
        "one would need {c}, and then it would move towards {t}|"
        "the mood would change with {c}, towards {t}|for {t}, it would need {c}|it might become a picture of {t} "
        "with {c}|if it had {c}, one would feel {t}]",
        c=listed(found[:2]),
        t=feelings.TURNED[facts.emotion],
    )
    now = say(
        rng,
        "[as it is, it evokes|now it evokes|as it stands, what prevails is|at present the feeling is|"
        "what it evokes now is|today it makes one feel|so far it evokes|I feel, as it is,|as painted, it evokes|"
        "what I feel now is|the feeling now is|for now it evokes|what prevails now is|it now evokes] {e}",
        e=felt(facts, rng),
    )
    return paragraph([lead(rng, now, 0.5), supposed, state("because", facts, rng) if rng.random() < 0.4 else ""])


def view(facts: Facts, rng: random.Random, viewer: str) -> str:
    """How one of `feelings.VIEWERS` might take it, and what in the picture speaks to that."""
    text = feelings.VIEWERS[viewer][1][feelings.SORT[facts.emotion]]
    supposed = say(
        rng,
        "[{v} might {t}|I think that {v} might {t}|perhaps {v} might {t}|I can imagine that {v} might {t}|"
        "before this picture, {v} might {t}|to {v} it could be otherwise: they might {t}|I suppose that {v} might {t}]",
        v=viewer,
        t=text,
    )
    found = reasons(facts, rng, 2)
    speaks = say(rng, "[what speaks to them is|they look at it so because of] {r}", r=listed(found)) if found else ""
    if not found:
        speaks = state("colours", facts, rng)
    own = say(rng, "[to me it evokes|for me the feeling is|I myself feel] {e}", e=felt(facts, rng))
    return paragraph([lead(rng, supposed, 0.5), speaks, own])


def premise(facts: Facts, rng: random.Random, asked: str, word: str) -> str:
    """An answer to "why is it so `word`?", where `word` belongs to the emotion `asked`."""
    near = (facts.emotion, clear.rival(facts, "emotion") or facts.emotion)
    if any(asked == name or {asked, name} <= akin for akin in feelings.AKIN for name in near):
        return why(facts, rng)
    gently = say(
        rng,
        "[I would not call it {w}|{w} is not the word I would use|to me it would not be {w}|"
        "I see why one might ask, but I would not say {w}|I would not say that it is {w}|that it is {w} I would not say]",  # noqa: E501
        w=word,
    )
    return paragraph([gently, state("emotion", facts, rng), state("because", facts, rng)])
