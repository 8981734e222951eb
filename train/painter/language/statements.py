"""Single sentences about a picture, each made from its `Facts` and nothing else, without capital and full stop."""

import random
from collections.abc import Callable

from train.painter.facts import NONE, Facts
from train.painter.language import clear, feelings, things, words
from train.painter.language.frames import FRAMES
from train.painter.language.grammar import a, listed, say
from train.painter.vocabulary import UNKNOWN

REGISTERS = ("plain", "curator", "poetic")
#: Why two values of a fact are left open.
_WHICH = "[I cannot tell|I am not sure|I cannot say]"


def subject(facts: Facts, rng: random.Random) -> str:
    """A noun phrase for the subject, or two where it might as well be another."""
    return either(facts, "subject", lambda name: rng.choice(words.SUBJECT[name]))[0]


def lit(facts: Facts, rng: random.Random) -> str:
    """Where and when the subject is seen, with a space before it; empty where no light is told or none is clear."""
    return f" {rng.choice(words.LIGHT[facts.light])}" if facts.light and clear.sure(facts, "light") else ""


def either(facts: Facts, name: str, phrase: Callable[[str | None], str]) -> tuple[str, bool]:
    """The words for a fact that was asked for, and whether two values are left open."""
    true, other = getattr(facts, name), clear.rival(facts, name)
    if other is None:
        return phrase(true), False
    return clear.left_open(facts, name, phrase(true), phrase(None if other == NONE else other)), True


def mood(facts: Facts, rng: random.Random) -> str:
    """An adjective for the viewer's emotion."""
    return rng.choice(feelings.MOOD[facts.emotion])


def felt(facts: Facts, rng: random.Random) -> str:
    """The name of the viewer's emotion, or of the two between which it lies."""
    other = clear.rival(facts, "emotion")
    if other is None:
        return rng.choice(feelings.EMOTION[facts.emotion])
    return clear.left_open(facts, "emotion", facts.emotion, other)


def some_things(facts: Facts, rng: random.Random, most: int = 3) -> str:
    """Up to `most` evident things beside the subject, largest first; empty if there are none."""
    found = clear.evident(facts, things.beside(facts))[: rng.randint(1, most)]
    placed, other = rng.random() < 0.2, rng.random() < 0.5
    phrases = [
        things.phrase(
            thing,
            rng.random() < 0.15 and clear.colour_is_clear(facts, thing),
            placed and clear.place_is_clear(facts, thing),
            other,
        )
        for thing in found
    ]
    return listed(phrases) if phrases else ""


def reason(facts: Facts, name: str, rng: random.Random) -> str:
    """A noun phrase for one of `facts.reasons`, with place and colour where it is a thing.

    Raises:
        ValueError: there are no words for it.
    """
    if name.startswith("things:"):
        for thing in facts.things:
            if thing.name == name.removeprefix("things:"):
                coloured = rng.random() < 0.2 and clear.colour_is_clear(facts, thing)
                placed = rng.random() < 0.3 and clear.place_is_clear(facts, thing)
                return things.the(thing, coloured, placed, rng.random() < 0.5)
    if name in words.NOUNS:
        return rng.choice(words.NOUNS[name][getattr(facts, name)])
    if name == "light" and facts.light:
        return rng.choice(words.LIGHT_NOUN[facts.light])
    if name == "manner" and facts.manner:
        return words.MANNER_NOUN[facts.manner]
    if name == "subject":
        return f"the sight of {words.SUBJECT[facts.subject][0]}"
    if name == "people" and facts.people:
        return f"the {facts.people} {'face' if facts.subject == 'portrait' else 'people'}"
    if name == "colours":
        return say(rng, "[the leading|the dominant|so much] {colour}", colour=facts.colours[0])
    raise ValueError(f"no words for the reason {name!r} of this picture: it has none of that, or it is not a fact")


def cited(facts: Facts) -> list[str]:
    """The names of the reasons worth citing, weightiest first.

    Not "the flowers and the sight of a bouquet"; and a manner, which is taken for another in one picture of ten, only
    where there is nothing else.
    """
    implied = {f"things:{name}" for name in things.IMPLIED.get(facts.subject, ())}
    twice = bool(implied & set(facts.reasons))
    found = [name for name in facts.reasons if not (name == "subject" and (twice or facts.subject == UNKNOWN))]
    surest = max(found, key=lambda name: facts.sight.get(clear.sight_of(name), 0.0), default=None)
    found = [name for name in found if clear.reason_is_clear(facts, name)] or found and [surest]
    return [name for name in found if name != "manner"] or found


def reasons(facts: Facts, rng: random.Random, most: int = 3) -> list[str]:
    """Up to `most` reasons for the emotion as noun phrases, weightiest first."""
    return [reason(facts, name, rng) for name in cited(facts)[:most]]


def _made(manner: str | None, rng: random.Random, open_: bool) -> str:
    """How it is made; where two manners are left open, without a comma, which would end the second."""
    if manner is None:
        return "in no manner that I know"
    return rng.choice([text for text in words.MANNER[manner] if not (open_ and "," in text)])


def _slots(kind: str, facts: Facts, rng: random.Random) -> tuple[str, dict[str, str]]:
    """The frames and what to fill into them; which frames may depend on the facts."""
    if kind in ("subject", "sight"):
        if clear.rival(facts, "subject"):
            return "subject", {"s": subject(facts, rng), "lit": "", "with": ""}
        extra = some_things(facts, rng, 2) if kind == "subject" and rng.random() < 0.5 else ""
        if facts.subject == UNKNOWN and rng.random() < 0.8:
            return "unknown", {}
        with_ = say(rng, ", with {things}", things=extra) if extra else ""
        return "subject", {"s": subject(facts, rng), "lit": lit(facts, rng), "with": with_}
    if kind == "manner":
        m, open_ = either(facts, kind, lambda name: _made(name, rng, bool(clear.rival(facts, kind))))
        if open_ or facts.manner is None:
            return "no manner", {"m": m}
        return kind, {"m": m, "why": words.MANNER_EXPLAINED[facts.manner]}
    if kind == "light":
        told, _ = either(
            facts, kind, lambda name: rng.choice(words.LIGHT[name]) if name else "with no time of day in it"
        )
        return kind, {"s": subject(facts, rng), "lit": f" {told}"}
    if kind == "palette":
        told = clear.colours(facts, clear.NAMED) if facts.sight else facts.colours
        palette = listed(told)
        if len(told) > 1:  # the order is what is seen worst
            palette += say(rng, ", in [no|any] order")
        return kind, {"palette": palette}
    if kind == "colours":  # the third and the order are what is seen worst
        leading = clear.leading(facts)
        if leading and not facts.sight:
            return kind, {"colours": listed(leading[: 2 if rng.random() < 0.4 else 1])}
        return "much", {"one": clear.surest_colour(facts)}
    if kind == "leading":
        if rival := clear.rival(facts, kind):
            return kind, {"lead": clear.left_open(facts, kind, facts.colours[0], rival), "rest": ""}
        if rng.random() < 0.88 or facts.sight:
            rest = ""
        elif len(facts.colours) == 1:
            rest = say(rng, "[, and hardly another one plays a part|, and little else|, almost alone]")
        else:
            rest = say(
                rng,
                "[, together with {x}|, with {x} beside it]",
                x=listed(facts.colours[1:]),
            )
        return kind, {"lead": facts.colours[0], "rest": rest}
    if kind == "tones":
        names = [name for name in words.TONE if clear.measure_is_clear(facts, name)]
        if not names:
            names = [max(words.TONE, key=lambda name: facts.sight.get(name, rng.random()))]
        tones = [words.TONE[name][getattr(facts, name)] for name in names]
        rng.shuffle(tones)
        return kind, {"tones": listed(tones[: rng.randint(2, 3)])}
    if kind == "contrast":
        told, open_ = either(facts, kind, lambda name: words.NOUNS["contrast"][name][0].removeprefix("the "))
        return kind, {"contrast": told, "why": say(rng, _WHICH) if open_ else words.CONTRAST_EXPLAINED[facts.contrast]}
    if kind == "density":
        told, open_ = either(facts, kind, lambda name: a(words.NOUNS["density"][name][0].removeprefix("the ")))
        return kind, {"a": told, "why": say(rng, _WHICH) if open_ else words.DENSITY_EXPLAINED[facts.density]}
    if kind == "horizon":
        if facts.horizon is None:
            return kind, {"a": "no clear horizon", "effect": ""}
        told, open_ = either(
            facts,
            kind,
            lambda name: a(words.NOUNS["horizon"][name][0].removeprefix("the ")) if name else "no clear horizon",
        )
        effect = say(rng, "[: {x}|, so that {x}|; {x}]", x=words.HORIZON_EXPLAINED[facts.horizon])
        return kind, {"a": told, "effect": "" if open_ else effect}
    if kind == "side":
        places = {None: "on no side more than the other", "centre": "in the centre"}
        told, _ = either(facts, kind, lambda name: places.get(name, f"on the {name}"))
        return kind, {"where": told}
    if kind == "people":
        if facts.people is None:
            shown = {"portrait", "crowd", "figure", "pair", "person", "hat"}
            seen = {facts.subject} | {thing.name for thing in facts.things} | set(getattr(facts, "unclear", ()))
            nobody = not shown & seen
            nothing = (
                "[no people are in it|no people can be seen in it]"
                if nobody
                else "what the people in it feel cannot be made out"
            )
            return kind, {"felt": say(rng, nothing)}
        one = facts.subject in ("portrait", "figure")
        told, open_ = either(facts, kind, lambda name: name or "at ease")
        seeming = say(
            rng,
            "the {who} in it [{look} {people}|{seem} to be {people}|{seem} {people}]"
            "[, going by {sign}|, to judge by {sign}|: {why}|]",
            who="person" if one else "people",
            look="looks" if one else "look",
            seem="seems" if one else "seem",
            people=told,
            sign="the face" if facts.subject == "portrait" else "the posture",
            why=say(rng, _WHICH) if open_ else words.PEOPLE_EXPLAINED[facts.people],
        )
        return kind, {"felt": seeming}
    if kind == "things":
        found = some_things(facts, rng, 3)
        return ("things" if found else "no things"), {"things": found}
    if kind == "thing":
        found = clear.evident(facts, [thing for thing in facts.things if thing.name not in things.PLACELESS])[:3]
        if not found:
            return "no things", {}
        chosen = rng.choice(found)
        coloured = rng.random() < 0.3 and clear.colour_is_clear(facts, chosen)
        placed = rng.random() < 0.4 and clear.place_is_clear(facts, chosen)
        return kind, {"the": things.the(chosen, coloured, placed, rng.random() < 0.5)}
    if kind == "emotion" and clear.rival(facts, kind):
        return "emotion open", {"emotion": felt(facts, rng)}
    if kind == "emotion":
        feel = mood(facts, rng)
        return kind, {
            "mood": feel,
            "a_mood": a(feel),
            "emotion": felt(facts, rng),
        }
    if kind == "second":
        return kind, {"second": facts.second_emotion}
    if kind == "because":
        found = reasons(facts, rng, rng.randint(2, 3))
        frame = "because open" if clear.rival(facts, "emotion") else "because"
        return (frame if found else "no reason"), {
            "mood": mood(facts, rng),
            "reasons": listed(found) if found else "",
        }
    raise KeyError(kind)


def state(kind: str, facts: Facts, rng: random.Random, register: str = "plain") -> str:
    """One statement about the picture.

    Args:
        kind: "subject", "sight" (the subject without things beside it), "manner", "light", "palette", "colours" (the
            heaviest), "leading", "tones", "contrast", "density", "horizon", "side", "people", "things", "thing" (one
            that stands out), "emotion", "second" or "because".
        register: one of `REGISTERS`; kinds without frames of their own in it are said plainly.

    Raises:
        KeyError: another kind.
    """
    frame, slots = _slots(kind, facts, rng)
    frames = FRAMES[frame]
    return say(rng, frames.get(register, frames["plain"]), **slots)
