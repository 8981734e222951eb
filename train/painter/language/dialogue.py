"""Captions and dialogues about a painting: what is asked in which order, and how long it may get."""

import random
from collections.abc import Callable, Iterable

from train.painter import vocabulary
from train.painter.facts import Facts, Thing
from train.painter.language import answers, words
from train.painter.language.answers import paragraph, say, sentence
from train.painter.language.questions import ASK, QUESTIONS, it

#: Share of the painter's pictures in which each thing is visible (measured on 900), so that asking can be balanced.
SHARE: dict[str, float] = {
    "water": 0.23,
    "house": 0.23,
    "clouds": 0.21,
    "person": 0.18,
    "tree": 0.17,
    "sun": 0.16,
    "path": 0.13,
    "bird": 0.12,
    "pine": 0.11,
    "mountain": 0.11,
    "lit window": 0.1,
    "hill": 0.09,
    "flowers": 0.09,
    "fog": 0.09,
    "fruit": 0.09,
    "tower": 0.08,
    "table": 0.07,
    "hat": 0.07,
    "vase": 0.06,
    "boat": 0.06,
    "circle": 0.06,
    "snow": 0.06,
    "rain": 0.06,
    "waves": 0.06,
    "sail": 0.05,
    "line": 0.04,
    "bowl": 0.04,
    "drips": 0.03,
    "stars": 0.03,
    "square": 0.03,
    "moon": 0.03,
    "triangle": 0.03,
    "lightning": 0.02,
    "bridge": 0.02,
}

Answer = Callable[[Facts, random.Random], str]

#: The answer to each kind of question that needs nothing but the facts.
ANSWER: dict[str, Answer] = {
    "subject": lambda facts, rng: _filled([answers.say_subject(facts, rng)], facts, rng),
    "manner": lambda facts, rng: paragraph([answers.say_manner(facts, rng)]),
    "light": lambda facts, rng: paragraph([answers.say_light(facts, rng)]),
    "leading colour": lambda facts, rng: _filled([answers.say_leading(facts, rng)], facts, rng),
    "palette": lambda facts, rng: paragraph([answers.say_palette(facts, rng), answers.say_tones(facts, rng)]),
    "brightness": lambda facts, rng: _tone("brightness", facts, rng),
    "saturation": lambda facts, rng: _tone("saturation", facts, rng),
    "warmth": lambda facts, rng: _tone("warmth", facts, rng),
    "contrast": lambda facts, rng: paragraph([answers.say_contrast(facts, rng), answers.say_tones(facts, rng)]),
    "density": lambda facts, rng: paragraph([answers.say_density(facts, rng)]),
    "horizon": lambda facts, rng: paragraph([answers.say_horizon(facts, rng), answers.say_subject(facts, rng)]),
    "side": lambda facts, rng: paragraph([answers.say_side(facts, rng)]),
    "short description": lambda facts, rng: answers.description(facts, rng, False, "short"),
    "description": lambda facts, rng: answers.description(facts, rng, False, "long"),
    "content": lambda facts, rng: paragraph([answers.say_subject(facts, rng, False), answers.say_things(facts, rng)]),
    "colours and light": lambda facts, rng: paragraph(
        [
            answers.say_palette(facts, rng),
            answers.say_tones(facts, rng),
            answers.say_light(facts, rng) if facts.light else answers.say_contrast(facts, rng),
        ]
    ),
    "emotion": answers.feeling,
    "why": answers.why,
    "second emotion": answers.second_emotion,
    "people": answers.people,
    "both sides": answers.both_sides,
    "which colour": answers.which_colour,
    "emotional description": lambda facts, rng: answers.description(facts, rng, True, "long"),
    "title": answers.title,
    "change": answers.change,
    "curator": answers.curator,
}


def _filled(sentences: list[str], facts: Facts, rng: random.Random) -> str:
    """With something about the tones, always if it would be very short."""
    if len(" ".join(sentences).split()) < 8 or rng.random() < 0.3:
        sentences.append(answers.say_tones(facts, rng))
    return paragraph(sentences)


def _tone(name: str, facts: Facts, rng: random.Random) -> str:
    """Brightness, saturation or warmth on its own, with the leading colour."""
    adjective = {"brightness": words.BRIGHTNESS, "saturation": words.SATURATION, "warmth": words.WARMTH}[name][
        getattr(facts, name)
    ]
    return paragraph(
        [
            say(rng, "[overall it is|as a whole it is|taken together it is] {adjective}", adjective=adjective),
            rng.choice((answers.say_palette, answers.say_leading))(facts, rng),
        ]
    )


def caption(facts: Facts, rng: random.Random, emotional: bool) -> str:
    """A description of one to five sentences, at most 70 words; with the mood and its reasons if `emotional`."""
    return answers.description(facts, rng, emotional, rng.choices(("short", "medium", "long"), (0.25, 0.35, 0.4))[0])


def answer(kind: str, facts: Facts, rng: random.Random) -> str:
    """What is answered to `QUESTIONS[kind]`; raises `KeyError` for a kind that is not one of `ANSWER`."""
    return ANSWER[kind](facts, rng)


NEUTRAL: dict[str, float] = {
    "subject": 2,
    "manner": 2,
    "light": 1.5,
    "leading colour": 1.5,
    "palette": 1.5,
    "brightness": 0.7,
    "saturation": 0.7,
    "warmth": 0.7,
    "contrast": 0.5,
    "density": 0.5,
    "horizon": 0.5,
    "side": 0.3,
    "short description": 1.5,
    "description": 2,
    "content": 1.5,
    "colours and light": 1,
    "place": 1,
    "thing": 5,
    "subject check": 0.7,
    "light check": 0.7,
    "colour check": 0.7,
    "manner check": 0.5,
    "small talk": 4,
}
EMOTIONAL: dict[str, float] = {
    "emotion": 5,
    "feeling check": 1.2,
    "people": 1.2,
    "both sides": 1.5,
    "emotional description": 3,
    "title": 2.5,
    "change": 1.5,
    "curator": 0.8,
    "why": 0.7,
    "second emotion": 0.5,
    "neutral": 4.5,
}
#: What is likely to be asked once the emotion has been named.
AFTER_EMOTION: dict[str, float] = {"why": 6, "second emotion": 1, "which colour": 1, "people": 1, "change": 0.7}
SMALL_TALK_KINDS = {
    "who": 1.5,
    "when": 1,
    "price": 0.7,
    "where made": 1,
    "who is": 0.7,
    "how many": 1,
    "hello": 1.5,
    "who are you": 0.7,
    "sure": 0.7,
    "thanks": 1,
    "off topic": 1.2,
    "nonsense": 1,
}


def _draw(weights: dict[str, float], rng: random.Random, without: Iterable[str] = ()) -> str:
    left = [name for name in weights if name not in without]
    return rng.choices(left, [weights[name] for name in left])[0]


def _typed(question: str, rng: random.Random) -> str:
    """As somebody might type it: sometimes without capital or closing mark, sometimes politely."""
    chance = rng.random()
    if chance < 0.06:
        return question.lower().rstrip("?.!")
    if chance < 0.1:
        return question[0].lower() + question[1:]
    if chance < 0.13:
        return question.rstrip("?.!")
    return question


def _ask(kind: str, rng: random.Random, **slots: str) -> str:
    question = say(rng, it(rng.choice(ASK[kind])), **slots)
    question = question[0].upper() + question[1:]
    if kind in QUESTIONS and rng.random() < 0.15:
        question = QUESTIONS[kind]
    return question if kind == "both sides" else _typed(question, rng)


def fair_no(facts: Facts, name: str) -> bool:
    """Whether "no" is plainly right for a thing: it is neither visible nor implied, and nothing like it is there."""
    seen = {thing.name for thing in facts.things} | {facts.subject, facts.light}
    implied = words.IMPLIED.get(facts.subject, frozenset())
    return name not in seen and name not in implied and not words.NEAR.get(name, frozenset()) & seen


def _thing_to_ask(facts: Facts, rng: random.Random) -> tuple[str, Thing | None]:
    """A thing and, if it is visible, where; about as often visible as not, whichever the thing."""
    visible = {thing.name: thing for thing in facts.things}
    if facts.subject in words.ABSTRACT:
        near, often = words.ABSTRACT_THINGS, 3.5
    elif facts.subject in words.INDOOR:
        near, often = words.INDOOR_THINGS, 3.5
    else:
        near, often = words.OUTDOOR_THINGS, 1.0
    for _ in range(1000):
        name = rng.choice(vocabulary.THINGS)
        share = SHARE[name]
        wanted = min(share, 0.05)
        if name in visible:
            if rng.random() < wanted / share:
                return name, visible[name]
        elif fair_no(facts, name):
            # Mostly what could well be there, or a "no" would be known from the subject alone.
            if rng.random() < wanted / (1 - share) * (often if name in near else 0.5):
                return name, None
    raise ValueError(f"nothing can be asked about a picture of {facts.subject!r} with {sorted(visible)}")


def _yes_or_no(yes: bool, text: str) -> str:
    return sentence(f"{'yes' if yes else 'no'}, {text}")


def _thing_rounds(facts: Facts, rng: random.Random) -> list[tuple[str, str]]:
    name, thing = _thing_to_ask(facts, rng)
    question = _ask("thing", rng, a=words.THING[name][1])
    if words.THING[name][2]:
        question = question.replace("Is there", "Are there").replace("is there", "are there")
    else:
        question = question.replace("Are there", "Is there").replace("are there", "is there")
    if thing is None:
        return [(question, answers.thing_no(facts, rng, name))]
    rounds = [(question, answers.thing_yes(facts, rng, thing))]
    if rng.random() < 0.3:
        if thing.colour and name not in words.COLOURLESS and rng.random() < 0.5:
            rounds.append((_ask("what colour", rng), answers.colour_of(facts, rng, thing)))
        elif name not in words.PLACELESS:
            rounds.append((_ask("where", rng, noun=words.THING[name][0]), answers.where_is(facts, rng, thing)))
    return rounds


def _check_rounds(kind: str, facts: Facts, rng: random.Random) -> list[tuple[str, str]]:
    """Questions to be answered with yes or no, half of them each."""
    yes = rng.random() < 0.5
    if kind == "subject check":
        like = words.ABSTRACT if facts.subject in words.ABSTRACT else set(vocabulary.SUBJECTS) - words.ABSTRACT
        others = sorted((set(vocabulary.SUBJECTS) if rng.random() < 0.3 else set(like)) - {facts.subject})
        if {facts.subject} <= {
            "boat",
            "sea",
            "river",
            "city",
            "village",
            "cabin",
            "forest",
            "tree",
            "portrait",
            "crowd",
        }:
            alike = ({"boat", "sea", "river"}, {"city", "village", "cabin"}, {"forest", "tree"}, {"portrait", "crowd"})
            others = [name for name in others if not any({name, facts.subject} <= group for group in alike)]
        subject = facts.subject if yes else rng.choice(others)
        question = _ask(kind, rng, subject=rng.choice(words.SUBJECT[subject]))
        return [(question, _yes_or_no(yes, answers.say_subject(facts, rng)))]
    if kind == "light check":
        if facts.light is None:
            light = rng.choice(vocabulary.LIGHTS)
            return [
                (
                    _ask(kind, rng, light=rng.choice(words.LIGHT[light])),
                    _yes_or_no(False, answers.say_light(facts, rng)),
                )
            ]
        light = facts.light if yes else rng.choice([name for name in vocabulary.LIGHTS if name != facts.light])
        question = _ask(kind, rng, light=rng.choice(words.LIGHT[light]))
        return [(question, _yes_or_no(yes, answers.say_light(facts, rng)))]
    if kind == "manner check":
        manner = facts.manner if yes else rng.choice([name for name in vocabulary.MANNERS if name != facts.manner])
        question = _ask(kind, rng, manner=rng.choice(words.MANNER[manner]))
        return [(question, _yes_or_no(yes, answers.say_manner(facts, rng)))]
    colours = (
        facts.colours if yes else [name for name in vocabulary.COLOURS if name not in facts.colours and name != "grey"]
    )
    colour = rng.choice(colours)
    among = "is one of its main colours" if yes else "is not one of its main colours"
    return [
        (
            _ask(kind, rng, colour=colour),
            paragraph([f"{'yes' if yes else 'no'}, {colour} {among}", answers.say_palette(facts, rng)]),
        )
    ]


def _feeling_check(facts: Facts, rng: random.Random) -> list[tuple[str, str]]:
    yes = rng.random() < 0.5
    if facts.emotion == "something else":
        yes = False
    others = [name for name in words.FEELING if name not in (facts.emotion, facts.second_emotion)]
    asked = facts.emotion if yes else rng.choice(others)
    question = _ask(
        "feeling check", rng, mood=rng.choice(words.MOOD[asked]), feeling=words.FEELING[asked], emotion=asked
    )
    question = (
        question.replace(" a eerie", " an eerie")
        .replace(" a uneasy", " an uneasy")
        .replace(" a unpleasant", " an unpleasant")
    )
    if yes:
        return [(question, paragraph(["yes, " + answers.say_emotion(facts, rng), answers.say_because(facts, rng)]))]
    return [
        (question, paragraph([f"no, not {asked}", answers.say_emotion(facts, rng), answers.say_because(facts, rng)]))
    ]


def _small_talk(facts: Facts, rng: random.Random) -> list[tuple[str, str]]:
    kind = _draw(SMALL_TALK_KINDS, rng)
    if kind == "nonsense":
        letters = "abcdefghijklmnopqrstuvwxyz"
        question = " ".join(
            "".join(rng.choices(letters, k=rng.randint(2, 7))) for _ in range(rng.randint(1, 3))
        ) + rng.choice(("", "?", "!"))
    else:
        things = rng.choice(("trees", "people", "houses", "boats", "birds", "flowers", "stars", "windows", "colours"))
        question = _ask(kind, rng, things=things)
    return [(question, answers.small_talk(kind, facts, rng))]


def _neutral(facts: Facts, rng: random.Random, emotional: bool, used: set[str]) -> list[tuple[str, str]]:
    """A round about what can be seen, of a kind not `used` yet."""
    kind = _draw(NEUTRAL, rng, used)
    if kind == "description" and emotional:
        kind = "subject"
    if kind != "thing":
        used.add(kind)
    if kind == "thing":
        return _thing_rounds(facts, rng)
    if kind.endswith("check"):
        return _check_rounds(kind, facts, rng)
    if kind == "small talk":
        return _small_talk(facts, rng)
    if kind == "place":
        side = rng.choice(vocabulary.SIDES)
        question = _ask("place centre" if side == "centre" else "place", rng, side=side)
        return [(question, answers.at_side(facts, rng, side))]
    return [(_ask(kind, rng), answer(kind, facts, rng))]


def _emotional(facts: Facts, rng: random.Random, said: bool, used: set[str]) -> list[tuple[str, str]]:
    """A round of the second stage; `said` when the emotion has been named before."""
    kind = _draw(AFTER_EMOTION if said and rng.random() < 0.6 else EMOTIONAL, rng, used)
    if kind == "neutral":
        return _neutral(facts, rng, True, used)
    used.add(kind)
    if kind == "feeling check":
        return _feeling_check(facts, rng)
    if kind == "why":
        asked = rng.choice(("why", "why follow")) if said else "why alone"
        return [(_ask(asked, rng, emotion=facts.emotion), answer("why", facts, rng))]
    return [(_ask(kind, rng), answer(kind, facts, rng))]


def dialogue(facts: Facts, rng: random.Random, emotional: bool) -> list[tuple[str, str]]:
    """One to four rounds of (question, answer), about 70 words in all.

    Without `emotional` the emotion is never named: that is the base model's. With it, most rounds are about what the
    picture evokes and why, and the rest keep up what the base can do.
    """
    rounds: list[tuple[str, str]] = []
    used: set[str] = set()
    enough = rng.uniform(30, 75)
    said = False
    while len(rounds) < 4 and sum(len(f"{q} {a}".split()) for q, a in rounds) < enough:
        new = _emotional(facts, rng, said, used) if emotional else _neutral(facts, rng, False, used)
        if not any(question == asked for question, _ in new for asked, _ in rounds):
            rounds += new
            said = said or (emotional and any(facts.emotion in answer for _, answer in new))
    return rounds[:4]
