"""Reads back what an answer claims about a picture."""

import re

from artgpt4.emotions import EMOTIONS
from train.painter import vocabulary
from train.painter.language import words


def _any(alternatives: list[str] | tuple[str, ...]) -> str:
    return "(?:" + "|".join(re.escape(text) for text in sorted(alternatives, key=len, reverse=True)) + ")"


_SUBJECT = {
    "sea": r"\bsea\b",
    "mountains": r"\bmountains\b",
    "forest": r"\bforest\b|\bwoodland\b",
    "field": r"\bfield\b",
    "village": r"\bvillage\b",
    "city": r"\bcity\b",
    "boat": r"\bboat (?:out )?on (?:the|open) water\b",
    "cabin": r"\bcabin\b",
    "river": r"\briver\b",
    "tree": r"\b(?:single|lone) tree\b|\btree standing alone\b",
    "flowers": r"\bbouquet\b|\bbunch of flowers\b",
    "fruit": r"\bstill life of fruit\b|\bfruit laid out\b|\bpieces of fruit\b",
    "portrait": r"\bportrait\b",
    "crowd": r"\bcrowd\b|\bgroup of people\b",
    "geometric": r"\bgeometric\b",
    "splatter": r"\bsplatter\b|\bsplash",
}
_MANNER = {
    name: rf"\b{name}\b" for name in ("impressionist", "impasto", "watercolour", "pointillist", "ink", "chiaroscuro")
}
_MANNER |= {"flat": r"\bflat shapes\b", "soft": r"\bblurred\b"}
_LIGHT = {
    "day": r"\bdaylight\b|\blight of day\b",
    "sunset": r"\bsunset\b|\bevening light\b",
    "night": r"\bnight\b",
    "storm": r"\bstorm\b|\bstormy\b",
    "snow": r"\bwinter\b|\bsnowy\b",
    "fog": r"\bmist\b|\bmisty\b",
}
_COLOUR = _any(vocabulary.COLOURS)
_COLOURS = rf"({_COLOUR}(?:, {_COLOUR})*(?: and {_COLOUR})?)"
_PALETTE = re.compile(
    r"(?:main colours are|colours are mainly|painted mostly in|palette is|everything in it is|only colour is) "
    rf"{_COLOURS}\b"
)
_LEADING = re.compile(
    rf"(?:leading|main) colour is ({_COLOUR})\b(?:, (?:followed by|together with|with) {_COLOURS}\b)?"
)
_TONES = re.compile(r"(?:overall|as a whole|taken together) it is ([^.;:]*)")
_OTHER_EMOTION = re.compile(rf"\b(?:not|towards|nearer to|trace of|touch of|hint of) {_any(EMOTIONS)}|\"[^\"]*\"")
_SECOND = re.compile(rf"(?:trace|touch|hint) of ({_any(EMOTIONS)})")
_EMOTION = re.compile(rf"\b({_any(EMOTIONS)})\b")
_PEOPLE = re.compile(
    r"\b(?:people|person) in it looks? (happy|sad|angry|calm)\b|\bthe (happy|sad|angry|calm) (?:people|face)\b"
)


def _first(patterns: dict[str, str], text: str) -> str | None:
    """The name whose pattern is found first in the text."""
    found = [(match.start(), name) for name, pattern in patterns.items() if (match := re.search(pattern, text))]
    return min(found)[1] if found else None


def parse(text: str) -> dict[str, object]:
    """What an answer says, under the names of `Facts`; a key is there only if something was said about it.

    "colours" keeps their order and holds only the leading one where only that was named; "light" and "people" are None
    where the answer says that there are none; "yes" is True or False for an answer that begins with yes or no.
    """
    text = " ".join(text.lower().split())
    said: dict[str, object] = {}
    if match := re.match(r"(yes|no)\b(?! (?:colour|one))", text):
        said["yes"] = match[1] == "yes"
    for key, patterns in (("subject", _SUBJECT), ("manner", _MANNER), ("light", _LIGHT)):
        if name := _first(patterns, text):
            said[key] = name
    if "no time of day" in text:
        said["light"] = None
    palettes = [re.findall(_COLOUR, match[1]) for match in _PALETTE.finditer(text)]
    palettes += [[match[1], *re.findall(_COLOUR, match[2] or "")] for match in _LEADING.finditer(text)]
    if palettes:
        said["colours"] = max(palettes, key=len)
    for key, adjectives, nouns in (
        ("brightness", words.BRIGHTNESS, words.BRIGHTNESS_NOUN),
        ("saturation", words.SATURATION, words.SATURATION_NOUN),
        ("warmth", words.WARMTH, words.WARMTH_NOUN),
    ):
        tones = " ".join(_TONES.findall(text)).replace(words.WARMTH["neutral"], "balanced")
        patterns = {
            name: rf"\b{'balanced' if adjectives[name] == words.WARMTH['neutral'] else adjectives[name]}\b"
            for name in adjectives
        }
        name = _first(patterns, tones) or _first({name: rf"\b{noun}\b" for name, noun in nouns.items()}, text)
        if name:
            said[key] = name
    for key, nouns in (
        ("contrast", words.CONTRAST_NOUN),
        ("density", words.DENSITY_NOUN),
        ("horizon", words.HORIZON_NOUN),
    ):
        if name := _first({name: rf"\b{noun}\b" for name, noun in nouns.items()}, text):
            said[key] = name
    if "no clear horizon" in text:
        said["horizon"] = None
    if match := _PEOPLE.search(text):
        said["people"] = next(group for group in match.groups() if group)
    elif "no people in it" in text:
        said["people"] = None
    if match := _SECOND.search(text):
        said["second_emotion"] = match[1]
    if match := _EMOTION.search(_OTHER_EMOTION.sub(" ", text)):
        said["emotion"] = match[1]
    return said
