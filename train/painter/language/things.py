"""The words for things: their names, places and colours, and when their absence may be stated."""

from train.painter.facts import Facts, Thing
from train.painter.language.grammar import a
from train.painter.vocabulary import THINGS, UNKNOWN

#: Things that are spoken of as several.
SEVERAL = frozenset({"stars", "clouds", "waves", "flowers", "drips"})
#: Things without an article.
BARE = SEVERAL | {"rain", "snow", "fog", "water", "fruit"}
NOUN: dict[str, str] = {name: name for name in THINGS} | {
    "lightning": "flash of lightning",
    "drips": "drips of paint",
}
#: Things whose colour is not worth a word.
COLOURLESS = frozenset({"stars", "lightning", "rain", "snow", "fog", "person", "lit window"})
#: Things that are everywhere or nowhere.
PLACELESS = frozenset({"stars", "rain", "snow", "fog"})
ANIMALS = frozenset({"bird", "cat", "dog", "horse", "fish"})

#: Things that a subject's own name already says, and which a list of things beside it leaves out.
IMPLIED: dict[str, frozenset[str]] = {
    "sea": frozenset({"water"}),
    "mountains": frozenset({"mountain"}),
    "forest": frozenset({"tree"}),
    "village": frozenset({"house"}),
    "city": frozenset({"house"}),
    "boat": frozenset({"boat", "water"}),
    "cabin": frozenset({"house"}),
    "river": frozenset({"water"}),
    "tree": frozenset({"tree"}),
    "flowers": frozenset({"flowers"}),
    "fruit": frozenset({"fruit"}),
    "portrait": frozenset({"person"}),
    "crowd": frozenset({"person"}),
    "figure": frozenset({"person"}),
    "pair": frozenset({"person"}),
}
#: A "no" about the key would be unfair while one of these is in the picture, as a thing, its subject or its light.
NEAR: dict[str, frozenset[str]] = {
    "sun": frozenset({"sunset"}),
    "tree": frozenset({"pine", "forest", "tree"}),
    "pine": frozenset({"forest"}),
    "hill": frozenset({"mountain", "mountains"}),
    "mountain": frozenset({"hill", "mountains"}),
    "snow": frozenset({"snow"}),
    "fog": frozenset({"fog"}),
    "rain": frozenset({"storm"}),
    "clouds": frozenset({"storm", "fog"}),
    "water": frozenset({"sea", "river", "boat", "waves", "fish"}),
    "waves": frozenset({"sea"}),
    "boat": frozenset({"boat", "sail"}),
    "person": frozenset({"portrait", "crowd", "figure", "pair", "hat"}),
    "house": frozenset({"cabin", "village", "city", "tower", "lit window", "window", "door"}),
    "tower": frozenset({"city"}),
    "window": frozenset({"lit window", "city", "village", "cabin", "house"}),
    "door": frozenset({"city", "village", "cabin", "house"}),
    "lit window": frozenset({"window"}),
    "fruit": frozenset({"fruit"}),
    "flowers": frozenset({"flowers"}),
    "circle": frozenset({"splatter"}),
    "line": frozenset({"splatter", "colour field"}),
    "square": frozenset({"colour field"}),
    "drips": frozenset({"splatter"}),
}
_OUTDOOR = frozenset(
    "sun moon stars clouds lightning rain snow fog bird boat sail waves water mountain hill tree pine house tower path "
    "bridge horse dog".split()
) | {"lit window", "person"}
_INDOOR = frozenset("flowers vase fruit bowl table person hat window door chair lamp cat dog fish".split())
_ABSTRACT = frozenset({"circle", "triangle", "square", "line", "drips"})
ABSTRACT = frozenset({"geometric", "splatter", "colour field"})


def named(name: str) -> str:
    """A thing with its indefinite article, if it takes one."""
    return NOUN[name] if name in BARE else a(NOUN[name])


def place(thing: Thing, other: bool = False) -> str:
    """ "on the left", "at the top right", "in the middle"; or, in `other` words, "in the upper right" and so on."""
    side = "" if thing.side == "centre" else thing.side
    if thing.height == "middle":
        return f"on the {side}" if side else "in the centre" if other else "in the middle"
    if not other:
        return f"at the {thing.height} {side}".rstrip()
    half = "upper" if thing.height == "top" else "lower"
    return f"in the {half} {side or 'part'}"


def coloured(thing: Thing) -> str:
    """The noun with its colour, without an article."""
    return f"{thing.colour} {NOUN[thing.name]}" if thing.colour and thing.name not in COLOURLESS else NOUN[thing.name]


def phrase(thing: Thing, with_colour: bool, placed: bool, other: bool = False) -> str:
    """A thing as a noun phrase with its indefinite article, with its colour and place if wanted and worth a word."""
    noun = coloured(thing) if with_colour else NOUN[thing.name]
    text = noun if thing.name in BARE else a(noun)
    return f"{text} {place(thing, other)}" if placed and thing.name not in PLACELESS else text


def the(thing: Thing, with_colour: bool, placed: bool, other: bool = False) -> str:
    """Likewise with the definite article."""
    text = f"the {coloured(thing) if with_colour else NOUN[thing.name]}"
    return f"{text} {place(thing, other)}" if placed and thing.name not in PLACELESS else text


def beside(facts: Facts) -> list[Thing]:
    """The visible things that the subject's name does not already say, largest first."""
    implied = IMPLIED.get(facts.subject, frozenset())
    return [thing for thing in facts.things if thing.name not in implied]


def fair_no(facts: Facts, name: str) -> bool:
    """Whether "no" is plainly right for a thing: it is neither visible nor implied, and nothing like it is there."""
    return _fair_no(facts, name, {thing.name for thing in facts.things} | {facts.subject, facts.light})


def absent(facts: Facts) -> list[str]:
    """Every thing that `fair_no` holds for."""
    seen = {thing.name for thing in facts.things} | {facts.subject, facts.light}
    return [name for name in THINGS if _fair_no(facts, name, seen)]


def _fair_no(facts: Facts, name: str, seen: set[str | None]) -> bool:
    if name in seen or name in getattr(facts, "unclear", ()) or name in IMPLIED.get(facts.subject, frozenset()):
        return False
    if name in ANIMALS and facts.subject == "animal" and not ANIMALS & seen:
        return False
    return not NEAR.get(name, frozenset()) & seen


def likely(facts: Facts, name: str) -> bool:
    """Whether a thing could well be in such a picture, so that its absence is not known from the subject alone."""
    if facts.subject == UNKNOWN:
        return True
    if facts.subject in ABSTRACT:
        return name in _ABSTRACT
    return name in (_OUTDOOR if facts.light else _INDOOR)
