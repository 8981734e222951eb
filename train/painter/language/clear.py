"""What of a picture is clear enough to be said unasked; asked for, everything is answered.

A model that is taught to name every measure and every small thing in passing learns to guess those it cannot see.
"""

from train.painter.emotion import scores
from train.painter.facts import Facts, Thing
from train.painter.language import things
from train.painter.measure import BORDERS

#: Distance from a class's border, in widths of the middle class, from which a measure counts as clear.
_APART = 0.3
#: Share of the picture from which on a thing is named unasked.
_LARGE = 0.02
#: Share of the picture from which on its colour is named unasked.
_COLOURED = 0.04
#: By what share of the picture's pixels a colour must lead another for their order to be told unasked.
_LEADS = 0.05
#: By what share a colour must be one of the picture's to be shown as one.
_LISTED = 0.02
#: By how much the second emotion's score must lead the third's: in about half of the pictures it does.
_AHEAD = 0.22


def measure_is_clear(facts: Facts, name: str) -> bool:
    """Whether a measure lies well within its class; what was not measured (facts without a picture) is clear."""
    if name not in facts.measures:
        return True
    low, high = BORDERS[name]
    return min(abs(facts.measures[name] - border) for border in (low, high)) > _APART * (high - low)


def leading(facts: Facts) -> list[str]:
    """The first colours whose order is clear: two, one or none; up to two for facts without a picture."""
    if "lead" not in facts.measures:
        return facts.colours[:2]
    if facts.measures["lead"] < _LEADS:
        return []
    return facts.colours[: 2 if facts.measures["second"] >= _LEADS else 1]


def ordered(facts: Facts) -> int:
    """How many of its colours, from the first on, are in an order that is clear: all of them, one or none."""
    count = len(facts.colours)
    if count == 1 or "lead" not in facts.measures:
        return count
    if facts.measures["lead"] < _LEADS:
        return 0
    return 1 if count == 3 and facts.measures["second"] < _LEADS else count


def colours(facts: Facts) -> list[str]:
    """Its colours without the last where that one hardly counts."""
    doubtful = len(facts.colours) > 1 and facts.measures.get("last", 1) < _LISTED
    return facts.colours[:-1] if doubtful else facts.colours


def side_is_clear(facts: Facts) -> bool:
    """Whether the largest thing that has a place lies where the weight does."""
    placed = [thing for thing in facts.things if thing.name not in things.PLACELESS]
    return facts.side is not None and bool(placed) and placed[0].side == facts.side


def colour_is_clear(thing: Thing) -> bool:
    """Whether a thing is large enough for its colour to be told."""
    return thing.area >= _COLOURED


def second_is_clear(facts: Facts) -> bool:
    """Whether the second emotion stands out from those behind it; always for facts without a picture."""
    if not facts.measures:
        return True
    _, second, third, *_ = sorted(scores(facts).values(), reverse=True)
    return second - third > _AHEAD


def reason_is_clear(facts: Facts, name: str) -> bool:
    """Whether one of `facts.reasons` can be seen well: a measure away from its borders, a thing that is not small."""
    if name in BORDERS:
        return measure_is_clear(facts, name)
    if name == "colours":
        return bool(leading(facts))
    of = [thing for thing in facts.things if f"things:{thing.name}" == name]
    return not of or of[0].area >= _LARGE


def evident(found: list[Thing]) -> list[Thing]:
    """The large ones of these things; the first alone where none is."""
    return [thing for thing in found if thing.area >= _LARGE] or found[:1]


def composition(facts: Facts) -> list[str]:
    """Which of "horizon", "contrast", "density" and "side" are clear, what is seen best first; else "contrast"."""
    found = ["horizon"] if facts.horizon else []
    found += [name for name in ("contrast", "density") if measure_is_clear(facts, name)]
    found += ["side"] if side_is_clear(facts) else []
    return found or ["contrast"]


def in_passing(facts: Facts) -> list[str]:
    """What of its `composition` is told when something else was asked: "horizon" and "contrast".

    A sentence is begun before it is clear how it ends: in passing, the embedded model's word on density was false in
    three of ten answers, and when asked for it, in one of ten.
    """
    return [name for name in composition(facts) if name in ("horizon", "contrast")] or ["contrast"]
