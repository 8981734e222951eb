"""What of a picture is clear enough to be said unasked; asked for, everything is answered.

A model that is taught to name every measure and every small thing in passing learns to guess those it cannot see. Where
a tower's sight of the picture is known (`Facts.sight`), what it is sure of is clear; else what is large and lies well
within its class.
"""

import random
from dataclasses import replace

from train.painter.emotion import scores
from train.painter.facts import Facts, Thing
from train.painter.language import things
from train.painter.measure import BORDERS
from train.painter.vocabulary import COLOURS, UNKNOWN

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
#: How probable the tower must find a colour for it to be shown on a page, and for it to be named in a palette, which
#: shall hold all of them. Trained on palettes that left their last colour open, the embedded model did so where there
#: was no further one: in one palette of fourteen, neither of the two was there.
SHOWN, NAMED = 0.9, 0.5
#: By how much the second emotion's score must lead the third's: in about half of the pictures it does.
_AHEAD = 0.22
#: How probable the tower must find a thing, a tone or a reason to be told among others, and any fact to be told alone.
#: A description makes eight claims: at .95 each, which is .98 on average, a third of them would hold something false.
#: A sentence is begun before it is clear how it ends: trained on descriptions that left the manner out where the tower
#: was not sure of it, the embedded model told it everywhere; where it may leave it open, it knows when to.
#: It reads the tower a little worse than the reader whose probabilities these are: from .97 and .9 on, one of its
#: answers in eighteen held something false.
SURE, TOLD_ALONE = 0.985, 0.93
#: The same for a reason: said in so many words to be why, a false one is worse than one that is left out.
CITED = 0.998


def sure(facts: Facts, *names: str, least: float = SURE) -> bool:
    """Whether the tower finds all these facts at least that probable; True where its sight is not known."""
    return all(facts.sight.get(name, 1.0) >= least for name in names)


def rival(facts: Facts, name: str) -> str | None:
    """The other value that shall be named beside the true one when it is asked for; None where that is told alone."""
    other = None if sure(facts, name, least=TOLD_ALONE) else facts.rivals.get(name)
    return other if name != "subject" or UNKNOWN not in (facts.subject, other) else None


def left_open(facts: Facts, name: str, true: str, other: str) -> str:
    """ "Perhaps this or that", from the words for the true value and for its rival.

    "Perhaps" is a word that the base has met. "Either" was not, and its pieces kept the embeddings that they began
    with: drawn answers misspelt it. The likelier one comes first, that it may hang on the picture alone: with the true
    one always first, the embedded model began with the likelier as well, and named it once more as the second. Of a
    measure the second is the first one's neighbour, whatever the picture: there the true one comes first, for at a
    border the reader errs further than a language model needs to.
    """
    rival_is_likelier = name not in BORDERS and facts.sight.get(f"rival {name}", 0.0) > facts.sight[name]
    first, second = (other, true) if rival_is_likelier else (true, other)
    return f"perhaps {first} or {second}"


#: From this probability on that nobody could name it, a picture is told as one that nobody could. On painted pictures
#: that loses one in a hundred that could be named; real ones, which the tower never met, are nearly all beyond it.
_UNNAMEABLE = 0.1


def as_told(facts: Facts) -> Facts:
    """The facts; of a picture that the tower might take for one that nobody could name, those of such a one."""
    if facts.subject == UNKNOWN or sure(facts, "nameable", least=1 - _UNNAMEABLE):
        return facts
    kept = (*BORDERS, *COLOURS, "leading", "second", "third", "emotion", "second_emotion")
    sight = {name: p for name, p in facts.sight.items() if name.removeprefix("rival ").removeprefix("colour ") in kept}
    reasons = [name for name in facts.reasons if name in BORDERS or name == "colours"]
    nothing = {"manner": None, "light": None, "side": None, "people": None, "horizon": None, "things": []}
    return replace(facts, subject=UNKNOWN, sight=sight, reasons=reasons, **nothing)


def measure_is_clear(facts: Facts, name: str) -> bool:
    """Whether a measure lies well within its class; what was not measured (facts without a picture) is clear."""
    if name in facts.sight:
        return sure(facts, name)
    if name not in facts.measures:
        return True
    low, high = BORDERS[name]
    return min(abs(facts.measures[name] - border) for border in (low, high)) > _APART * (high - low)


def leading(facts: Facts) -> list[str]:
    """The first colours whose order is clear: two, one or none; up to two for facts without a picture."""
    if facts.sight:
        return facts.colours[: sure(facts, "leading")]
    if "lead" not in facts.measures:
        return facts.colours[:2]
    if facts.measures["lead"] < _LEADS:
        return []
    return facts.colours[: 2 if facts.measures["second"] >= _LEADS else 1]


def colours(facts: Facts, least: float) -> list[str]:
    """Its colours without those that hardly count, or that the tower finds less probable than `least`.

    The heaviest first. Behind it those that the tower is sure of stand as in `COLOURS`: which of them has more of the
    picture is what it sees worst (the second colour in 70 of 100 pictures, whether a colour is there in 98 or more),
    and would have to be guessed.
    """
    if facts.sight:
        first, *others = facts.colours
        seen = [name for name in others if sure(facts, f"colour {name}", least=least)]
        return [first, *sorted(seen, key=COLOURS.index)]
    doubtful = len(facts.colours) > 1 and facts.measures.get("last", 1) < _LISTED
    return facts.colours[:-1] if doubtful else facts.colours


def surest_colour(facts: Facts) -> str:
    """The leading colour if it is seen well, else the one of its colours that is seen best."""
    seen = [facts.sight.get(f"colour {name}", 1.0) for name in facts.colours]
    return facts.colours[0 if seen[0] > 0.9 else seen.index(max(seen))]


def side_is_clear(facts: Facts) -> bool:
    """Whether the largest thing that has a place lies where the weight does."""
    if "side" in facts.sight:
        return facts.side is not None and sure(facts, "side")
    placed = [thing for thing in facts.things if thing.name not in things.PLACELESS]
    return facts.side is not None and bool(placed) and placed[0].side == facts.side


def colour_is_clear(facts: Facts, thing: Thing) -> bool:
    """Whether a thing is large enough for its colour to be told."""
    if facts.sight:
        return sure(facts, f"{thing.name} colour")
    return thing.area >= _COLOURED


def place_is_clear(facts: Facts, thing: Thing) -> bool:
    """Whether a thing's place can be told; always where the tower's sight is not known."""
    return sure(facts, f"{thing.name} side", f"{thing.name} height")


def second_is_clear(facts: Facts) -> bool:
    """Whether the second emotion stands out from those behind it; always for facts without a picture."""
    if "second_emotion" in facts.sight:
        return sure(facts, "emotion", "second_emotion", least=TOLD_ALONE)
    if not facts.measures:
        return True
    _, second, third, *_ = sorted(scores(facts).values(), reverse=True)
    return second - third > _AHEAD


def reason_is_clear(facts: Facts, name: str) -> bool:
    """Whether one of `facts.reasons` can be seen well: a measure away from its borders, a thing that is not small."""
    if facts.sight:
        return sure(facts, sight_of(name), least=CITED)
    if name in BORDERS:
        return measure_is_clear(facts, name)
    if name == "colours":
        return bool(leading(facts))
    of = [thing for thing in facts.things if f"things:{thing.name}" == name]
    return not of or of[0].area >= _LARGE


def sight_of(reason: str) -> str:
    """The name in `Facts.sight` of one of `Facts.reasons`."""
    return "leading" if reason == "colours" else reason.replace("things:", "thing ")


def evident(facts: Facts, found: list[Thing]) -> list[Thing]:
    """The large ones of these things; the first alone where none is."""
    if facts.sight:
        return [thing for thing in found if sure(facts, f"thing {thing.name}")]
    return [thing for thing in found if thing.area >= _LARGE] or found[:1]


def composition(facts: Facts, rng: random.Random) -> list[str]:
    """Which of "horizon", "contrast", "density" and "side" to tell.

    Those that are clear, what is seen best first, else "contrast"; where the tower's sight is known, the contrast and
    another, which is left open where it is not sure.
    """
    if facts.sight:
        others = ["density", *(name for name in ("horizon", "side") if getattr(facts, name))]
        return ["contrast", *([rng.choice(others)] if rng.random() < 0.6 else [])]
    found = ["horizon"] if facts.horizon else []
    found += [name for name in ("contrast", "density") if measure_is_clear(facts, name)]
    found += ["side"] if side_is_clear(facts) else []
    return found or ["contrast"]


def in_passing(facts: Facts) -> list[str]:
    """What of its composition is told when something else was asked: "horizon" and "contrast".

    A sentence is begun before it is clear how it ends: in passing, the embedded model's word on density was false in
    three of ten answers, and when asked for it, in one of ten.
    """
    if facts.sight:
        return ["horizon", "contrast"] if facts.horizon else ["contrast"]
    found = ["horizon"] if facts.horizon else []
    return found + (["contrast"] if measure_is_clear(facts, "contrast") or not found else [])
