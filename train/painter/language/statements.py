"""Single sentences about a picture, each made from its `Facts` and nothing else, without capital and full stop."""

import random

from train.painter.facts import Facts
from train.painter.language import clear, feelings, things, words
from train.painter.language.frames import FRAMES
from train.painter.language.grammar import a, listed, say
from train.painter.vocabulary import UNKNOWN

REGISTERS = ("plain", "curator", "poetic")


def subject(facts: Facts, rng: random.Random) -> str:
    """A noun phrase for the subject."""
    return rng.choice(words.SUBJECT[facts.subject])


def lit(facts: Facts, rng: random.Random) -> str:
    """Where and when the subject is seen, with a space before it; empty where no light is told."""
    return f" {rng.choice(words.LIGHT[facts.light])}" if facts.light else ""


def mood(facts: Facts, rng: random.Random) -> str:
    """An adjective for the viewer's emotion."""
    return rng.choice(feelings.MOOD[facts.emotion])


def some_things(facts: Facts, rng: random.Random, most: int = 3) -> str:
    """Up to `most` evident things beside the subject, largest first; empty if there are none."""
    found = clear.evident(things.beside(facts))[: rng.randint(1, most)]
    placed, other = rng.random() < 0.2, rng.random() < 0.5
    phrases = [
        things.phrase(thing, rng.random() < 0.15 and clear.colour_is_clear(thing), placed, other) for thing in found
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
                coloured = rng.random() < 0.2 and clear.colour_is_clear(thing)
                return things.the(thing, coloured, rng.random() < 0.3, rng.random() < 0.5)
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
    found = [name for name in found if clear.reason_is_clear(facts, name)] or found[:1]
    return [name for name in found if name != "manner"] or found


def reasons(facts: Facts, rng: random.Random, most: int = 3) -> list[str]:
    """Up to `most` reasons for the emotion as noun phrases, weightiest first."""
    return [reason(facts, name, rng) for name in cited(facts)[:most]]


def _slots(kind: str, facts: Facts, rng: random.Random) -> tuple[str, dict[str, str]]:
    """The frames and what to fill into them; which frames may depend on the facts."""
    if kind in ("subject", "sight"):
        extra = some_things(facts, rng, 2) if kind == "subject" and rng.random() < 0.5 else ""
        if facts.subject == UNKNOWN and rng.random() < 0.8:
            return "unknown", {}
        with_ = say(rng, ", with {things}", things=extra) if extra else ""
        return "subject", {"s": subject(facts, rng), "lit": lit(facts, rng), "with": with_}
    if kind == "manner":
        if facts.manner is None:
            return "no manner", {"m": "in no manner that I know"}
        return kind, {"m": rng.choice(words.MANNER[facts.manner]), "why": words.MANNER_EXPLAINED[facts.manner]}
    if kind == "light":
        return kind, {"s": subject(facts, rng), "lit": lit(facts, rng) or " with no time of day in it"}
    if kind == "palette":
        sure = clear.ordered(facts)
        if sure == len(facts.colours):
            return kind, {"palette": listed(facts.colours)}
        if sure:
            return "palette and", {"lead": facts.colours[0], "rest": listed(facts.colours[1:])}
        return "palette alike", {"palette": listed(facts.colours)}
    if kind == "colours":  # the third and the order are what is seen worst
        leading = clear.leading(facts)
        if leading:
            return kind, {"colours": listed(leading[: 2 if rng.random() < 0.4 else 1])}
        return "much", {"one": facts.colours[0]}
    if kind == "leading":
        if rng.random() < 0.88:
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
        names = [name for name in words.TONE if clear.measure_is_clear(facts, name)] or [rng.choice(list(words.TONE))]
        tones = [words.TONE[name][getattr(facts, name)] for name in names]
        rng.shuffle(tones)
        return kind, {"tones": listed(tones[: rng.randint(2, 3)])}
    if kind == "contrast":
        nouns = words.NOUNS["contrast"][facts.contrast]
        return kind, {"contrast": nouns[0].removeprefix("the "), "why": words.CONTRAST_EXPLAINED[facts.contrast]}
    if kind == "density":
        noun = words.NOUNS["density"][facts.density][0].removeprefix("the ")
        return kind, {"a": a(noun), "why": words.DENSITY_EXPLAINED[facts.density]}
    if kind == "horizon":
        if facts.horizon is None:
            return kind, {"a": "no clear horizon", "effect": ""}
        noun = words.NOUNS["horizon"][facts.horizon][0].removeprefix("the ")
        effect = say(rng, "[: {x}|, so that {x}|; {x}]", x=words.HORIZON_EXPLAINED[facts.horizon])
        return kind, {"a": a(noun), "effect": effect}
    if kind == "side":
        if facts.side is None:
            return kind, {"where": "on no side more than the other"}
        return kind, {"where": "in the centre" if facts.side == "centre" else f"on the {facts.side}"}
    if kind == "people":
        if facts.people is None:
            shown = {"portrait", "crowd", "figure", "pair", "person", "hat"}
            seen = {facts.subject} | {thing.name for thing in facts.things} | set(getattr(facts, "unclear", ()))
            nobody = not shown & seen
            felt = (
                "[no people are in it|no people can be seen in it]"
                if nobody
                else "what the people in it feel cannot be made out"
            )
            return kind, {"felt": say(rng, felt)}
        one = facts.subject in ("portrait", "figure")
        felt = say(
            rng,
            "the {who} in it [{look} {people}|{seem} to be {people}|{seem} {people}]"
            "[, going by {sign}|, to judge by {sign}|: {why}|]",
            who="person" if one else "people",
            look="looks" if one else "look",
            seem="seems" if one else "seem",
            people=facts.people,
            sign="the face" if facts.subject == "portrait" else "the posture",
            why=words.PEOPLE_EXPLAINED[facts.people],
        )
        return kind, {"felt": felt}
    if kind == "things":
        found = some_things(facts, rng, 3)
        return ("things" if found else "no things"), {"things": found}
    if kind == "thing":
        found = clear.evident([thing for thing in facts.things if thing.name not in things.PLACELESS])[:3]
        if not found:
            return "no things", {}
        chosen = rng.choice(found)
        coloured = rng.random() < 0.3 and clear.colour_is_clear(chosen)
        return kind, {"the": things.the(chosen, coloured, rng.random() < 0.4, rng.random() < 0.5)}
    if kind == "emotion":
        feel = mood(facts, rng)
        return kind, {
            "mood": feel,
            "a_mood": a(feel),
            "emotion": rng.choice(feelings.EMOTION[facts.emotion]),
        }
    if kind == "second":
        return kind, {"second": facts.second_emotion}
    if kind == "because":
        found = reasons(facts, rng, rng.randint(2, 3))
        return ("because" if found else "no reason"), {
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
