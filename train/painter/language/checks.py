"""Answers to what is asked with yes or no, and about single things."""

import random

from train.painter.facts import Facts, Thing
from train.painter.language import things, words
from train.painter.language.grammar import lead, listed, paragraph, say
from train.painter.language.statements import state
from train.painter.vocabulary import UNKNOWN


def thing_yes(facts: Facts, rng: random.Random, thing: Thing, alone: bool = False) -> str:
    """Yes, at times with its place or colour; unless `alone`, half of the time also what the whole shows."""
    several = thing.name in things.SEVERAL
    coloured, other, placed = rng.random() < 0.3, rng.random() < 0.5, rng.random() < 0.3
    inside = coloured and rng.random() < 0.5
    text = say(
        rng,
        "yes, [there {be} {t}|I can see {t}|it shows {t}|I see {t}|one can see {t}|you can find {t}|I find {t}|"
        "it has {t}|here {be} {t}|{t} can be seen|I made out {t}|look: {t}]",
        be="are" if several else "is",
        t=things.phrase(thing, inside, placed, other),
    )
    if coloured and not inside and thing.colour and thing.name not in things.COLOURLESS:
        text += say(
            rng,
            "[, [mostly |]{c} in colour|, and {it} mostly {c}|; {it} {c}]",
            c=thing.colour,
            it="they are" if several else "it is",
        )
    return paragraph([text, state("subject", facts, rng) if not alone and rng.random() < 0.5 else ""])


def thing_no(facts: Facts, rng: random.Random, name: str, alone: bool = False) -> str:
    """No; unless `alone`, also what is there instead."""
    text = say(
        rng,
        "no, [there {be} no {n} in it|I see no {n} in it|I cannot find {any} {n} in it|it shows no {n}|it has no {n}|"
        "I find no {n}|no {n} can be seen|I do not see {any} {n}|there {be} no {n} here|I can make out no {n}|"
        "it is without {any} {n}|you will find no {n} in it]",
        be="are" if name in things.SEVERAL else "is",
        n=things.NOUN[name],
        any="any" if name in things.BARE else "a",
    )
    if text.endswith(" in it") and facts.subject == UNKNOWN and rng.random() < 0.5:
        text += ", as far as I can tell"
    return paragraph([text, "" if alone else state("subject", facts, rng)])


def absent(facts: Facts, rng: random.Random, name: str) -> str:
    """To a question that takes an absent thing for granted: there is none."""
    text = thing_no(facts, rng, name).removeprefix("No, ")
    return text[0].upper() + text[1:]


def colour_of(rng: random.Random, thing: Thing) -> str:
    """A thing's own colour, and where it is."""
    several = thing.name in things.SEVERAL
    return paragraph(
        [
            lead(
                rng,
                say(
                    rng,
                    "[the {n} {p} {be} [mostly|mainly] {c}|the {n} {p} {be} {c}[ in colour|]|"
                    "{p} there {be} {t}, {c} in colour]",
                    n=things.NOUN[thing.name],
                    t=things.named(thing.name),
                    p=things.place(thing, rng.random() < 0.5),
                    be="are" if several else "is",
                    c=thing.colour,
                ),
            )
        ]
    )


def where_is(rng: random.Random, thing: Thing) -> str:
    """A thing's place."""
    return paragraph(
        [
            lead(
                rng,
                say(
                    rng,
                    "[the {n} {be} {p}|I see the {n} {p}|you find the {n} {p}|look for the {n} {p}|one sees the {n} {p}]"  # noqa: E501
                    "[ of the picture|, as seen by the viewer|, seen from here|]",
                    n=things.NOUN[thing.name],
                    be="are" if thing.name in things.SEVERAL else "is",
                    p=things.place(thing, rng.random() < 0.5),
                ),
            )
        ]
    )


def at_side(facts: Facts, rng: random.Random, side: str) -> str:
    """The things on one side, largest first."""
    where = "in the middle" if side == "centre" else f"on the {side}"
    found = [thing for thing in facts.things if thing.side == side and thing.name not in things.PLACELESS][:3]
    if not found:
        text = say(
            rng,
            "[nothing in particular stands {w}|{w} nothing stands out|I see nothing in particular {w}|"
            "{w} I find nothing that has a name]",
            w=where,
        )
        return paragraph([lead(rng, text), state("subject", facts, rng)])
    text = listed([things.phrase(thing, rng.random() < 0.2, False) for thing in found])
    text = say(rng, "[{w} I see|{w} one can see|I see {w}|{w} you find|what stands {w}:|{w}:] {t}", w=where, t=text)
    return paragraph([lead(rng, text), state("subject", facts, rng) if rng.random() < 0.5 else ""])


def subject_check(facts: Facts, rng: random.Random, yes: bool, asked: str) -> str:
    """Whether it shows what was `asked`, a phrase of `words.SUBJECT`."""
    if facts.subject == UNKNOWN:
        text = say(
            rng,
            "[I cannot tell|no, I do not see one|I cannot say that|no, not that I can see|I am not sure|"
            "I do not see one, but I am not certain|I cannot see one|no, I cannot recognise one]",
        )
        return paragraph([text, state("subject", facts, rng), state("colours", facts, rng)])
    if yes:
        return paragraph(["yes, " + lead(rng, state("subject", facts, rng))])
    text = say(
        rng,
        "no, [not {x}|this is not {x}|it is not {x}|I do not see {x}|it does not show {x}|I see another subject|"
        "that is not what I see|it shows another subject]",
        x=asked,
    )
    return paragraph([text, state("subject", facts, rng)])


def light_check(facts: Facts, rng: random.Random, yes: bool, asked: str) -> str:
    """Whether it is set in what was `asked`, a phrase of `words.LIGHT`."""
    if yes:
        return paragraph(["yes, " + lead(rng, state("light", facts, rng), 0.3)])
    if facts.light is None:
        return paragraph(["no, " + lead(rng, state("light", facts, rng), 0.3)])
    return paragraph(
        [say(rng, "no, [not {x}|it is not {x}|not that|that is not so]", x=asked), state("light", facts, rng)]
    )


def manner_check(facts: Facts, rng: random.Random, yes: bool, asked: str) -> str:
    """Whether it is made in what was `asked`, a phrase of `words.MANNER`."""
    if facts.manner is None:
        return paragraph([lead(rng, state("manner", facts, rng))])
    if yes:
        return paragraph(["yes, " + lead(rng, state("manner", facts, rng), 0.3)])
    text = say(rng, "no, [not {x}|it is not made {x}|not that|I think not]", x=asked)
    return paragraph([text, state("manner", facts, rng)])


def colour_check(facts: Facts, rng: random.Random, yes: bool, colour: str) -> str:
    """Whether a colour is one of the main ones."""
    frame = (
        "yes, [{c} is one of its main colours|{c} is among its main colours|there is much {c} in it|I see much {c}|"
        "{c} plays a part]"
        if yes
        else "no, [{c} is not one of its main colours|{c} is not among its main colours|there is hardly any {c} in it|"
        "not much {c}|I see no great part of {c}]"
    )
    return paragraph([say(rng, frame, c=colour), _colours(facts, rng)])


def tone_check(facts: Facts, rng: random.Random, name: str, asked: str) -> str:
    """Whether brightness, saturation or warmth is as `asked`, a value of it."""
    value = words.TONE[name][getattr(facts, name)]
    if getattr(facts, name) == asked:
        first = say(rng, "yes, [overall|as a whole|on the whole|all in all|taken together] it is {v}", v=value)
    else:
        first = say(
            rng,
            "no, [overall|as a whole|on the whole|all in all|taken together] it is [not {x}, but {v}|{v}, not {x}|{v}]",
            v=value,
            x=words.TONE[name][asked],
        )
    return paragraph([first, _colours(facts, rng)])


def _colours(facts: Facts, rng: random.Random) -> str:
    """Mostly nothing; else a sentence on the colours."""
    return state(rng.choice(("colours", "leading")), facts, rng) if rng.random() < 0.35 else ""


def mood_check(facts: Facts, rng: random.Random, yes: bool, asked: str) -> str:
    """Whether it evokes the emotion that was asked."""
    if yes:
        first = "yes, " + state("emotion", facts, rng)
    else:
        first = say(rng, "no, [not {x}|not so much {x}|I would not say {x}|not {x} in the first place]", x=asked)
    middle = "" if yes else state("emotion", facts, rng)
    return paragraph([first, middle, state("because", facts, rng)])


def people_check(facts: Facts, rng: random.Random, yes: bool, asked: str) -> str:
    """Whether those in it look as `asked`."""
    if facts.people is None:
        return paragraph([lead(rng, state("people", facts, rng)), state("subject", facts, rng)])
    if yes:
        return paragraph(["yes, " + state("people", facts, rng)])
    return paragraph(
        [say(rng, "no, [not {x}|I do not think they are {x}|they are not {x}]", x=asked), state("people", facts, rng)]
    )
