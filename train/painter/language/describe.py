"""Descriptions of the whole: in one sentence or in many, plain, as a curator or poetically, and by its means alone."""

import random

from train.painter.facts import Facts
from train.painter.language import clear
from train.painter.language.grammar import lead, paragraph
from train.painter.language.statements import REGISTERS, state
from train.painter.vocabulary import UNKNOWN

#: How many words a description may have at most, by its length.
MOST = {"short": 30, "medium": 55, "long": 90}


def description(facts: Facts, rng: random.Random, emotional: bool, length: str, register: str = "plain") -> str:
    """One ("short"), two to four ("medium") or more sentences ("long"), with the mood and its reasons if `emotional`.

    Args:
        length: a key of `MOST`.
        register: one of `REGISTERS`.
    """
    first = lead(rng, state("subject", facts, rng, register), 0.3)
    rest = ["colours", "tones", rng.choice(clear.in_passing(facts)), "manner"]
    if facts.people:
        rest.append("people")
    if clear.evident(facts, facts.things):
        rest.append(rng.choice(("thing", "things")))
    rng.shuffle(rest)
    if facts.subject == UNKNOWN:  # what can be told of it is its colours
        rest.remove("colours")
        rest.insert(0, "colours")
    count = {"short": 0 if emotional else rng.randint(0, 1), "medium": rng.randint(1, 2), "long": rng.randint(3, 4)}
    middle = rest[: count[length] - (length == "long" and emotional)]
    if facts.subject == UNKNOWN and not middle:
        middle = ["colours"]
    if emotional:
        middle.append("emotion")
        if length == "long" or (length == "medium" and rng.random() < 0.5):
            because = length == "long" or rng.random() < 0.7 or not clear.second_is_clear(facts)
            middle.append("because" if because else "second")
    if {"thing", "things"} & set(middle):
        first = lead(rng, state("sight", facts, rng, register), 0.3)
    text = paragraph([first, *(state(kind, facts, rng, register) for kind in middle)])
    while len(text.split()) > MOST[length] and len(middle) > 1:
        del middle[-3 if emotional and len(middle) > 2 else 0]
        text = paragraph([first, *(state(kind, facts, rng, register) for kind in middle)])
    return text


def caption(facts: Facts, rng: random.Random, emotional: bool) -> str:
    """A description of any length and register, at most 90 words; with the mood and its reasons if `emotional`."""
    length = rng.choices(("short", "medium", "long"), (0.25, 0.35, 0.4))[0]
    return description(facts, rng, emotional, length, rng.choices(REGISTERS, (6, 2, 1))[0])


def formal(facts: Facts, rng: random.Random) -> str:
    """One paragraph on colour, light, line and composition, in this order, without a word of feeling."""
    register = rng.choice(("plain", "curator"))
    kinds = ["colours", "tones", "manner", *clear.composition(facts, rng)[:3]]
    return paragraph([lead(rng, state(kinds[0], facts, rng, register), 0.7), *_spoken(kinds[1:], facts, rng, register)])


def _spoken(kinds: list[str], facts: Facts, rng: random.Random, register: str) -> list[str]:
    return [state(kind, facts, rng, register) for kind in kinds]


def things_in_it(facts: Facts, rng: random.Random) -> str:
    """What it shows and which things are in it."""
    sentences = [lead(rng, state("sight", facts, rng)), state("things", facts, rng)]
    if facts.subject == UNKNOWN:
        sentences.append(state("colours", facts, rng))
    return paragraph(sentences)


def colours_and_light(facts: Facts, rng: random.Random) -> str:
    """Colours, tones, and the light or the contrast."""
    kinds = ["colours", "tones", "light" if facts.light else "contrast"]
    if rng.random() < 0.3:
        kinds.append(rng.choice(clear.in_passing(facts)))
    first, *rest = kinds
    return paragraph([lead(rng, state(first, facts, rng)), *_spoken(rest, facts, rng, "plain")])


def curator(facts: Facts, rng: random.Random, emotional: bool) -> str:
    """A wall text."""
    kinds = ["manner", "colours", rng.choice((*clear.in_passing(facts), "thing"))]
    if emotional:
        kinds += ["emotion", "because"]
    return paragraph(
        [
            lead(rng, state("sight" if "thing" in kinds else "subject", facts, rng, "curator"), 0.3),
            *_spoken(kinds, facts, rng, "curator"),
        ]
    )


def poetic(facts: Facts, rng: random.Random, emotional: bool) -> str:
    """A few lines of prose that sing, and say nothing but what is there."""
    other = ("tones", "thing" if facts.things else "tones", "manner" if facts.manner else "tones")
    kinds = ["colours", rng.choice(other)]
    if facts.light and clear.sure(facts, "light"):
        kinds.append("light")
    rng.shuffle(kinds)
    if emotional:
        kinds.append("emotion")
    return paragraph([lead(rng, state("subject", facts, rng, "poetic"), 0.2), *_spoken(kinds, facts, rng, "poetic")])
