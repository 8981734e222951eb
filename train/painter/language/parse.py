"""Reads back what an answer claims about a picture, and holds it against the facts."""

import re
from collections.abc import Iterable

from artgpt4.emotions import EMOTIONS
from train.painter import vocabulary
from train.painter.facts import Facts
from train.painter.language import feelings, things, words
from train.painter.vocabulary import UNKNOWN

#: What is said of a picture: the name of the fact, and its value. "not ..." are denials, "things" a thing's name with
#: its colour, side and height, each None where nothing is said of it; "among colours" several named in no order;
#: "either" two tuples of claims, one of which is said to be so ("perhaps this or that").
Claim = tuple[str, object]


def _any(alternatives: Iterable[str]) -> str:
    return "(?:" + "|".join(re.escape(text) for text in sorted(alternatives, key=len, reverse=True)) + ")"


def _table(phrases: dict[str, Iterable[str]]) -> tuple[re.Pattern, dict[str, str]]:
    """A pattern that finds any of the phrases, and the value that each stands for."""
    values = {phrase.lower(): value for value, of_value in phrases.items() for phrase in of_value}
    return re.compile(rf"(not (?:see |show )?)?\b({_any(values)})\b"), values


_SUBJECT_WORDS = {
    "sea": ("sea",),
    "mountains": ("mountains",),
    "forest": ("forest", "woodland"),
    "field": ("field",),
    "village": ("village",),
    "city": ("city",),
    "boat": ("boat on the open water",),
    "cabin": ("cabin",),
    "river": ("river",),
    "tree": ("lone tree", "single tree"),
    "flowers": ("bouquet",),
    "fruit": ("still life of fruit",),
    "portrait": ("portrait",),
    "crowd": ("crowd", "group of people"),
    "figure": ("single figure", "lone figure"),
    "pair": ("two people", "two figures", "pair of figures"),
    "interior": ("interior", "room seen from within"),
    "animal": ("animal",),
    "geometric": ("geometric",),
    "splatter": ("splatter", "splashes", "splashed"),
    "colour field": ("colour field", "fields of pure colour", "areas of abstract colour"),
    UNKNOWN: (
        "not sure what this", "not sure what it", "not sure what the", "cannot tell what this shows",
        "cannot tell what it shows", "what it shows, i cannot", "i cannot say what this is", "do not recognise what",
        "cannot make out what this", "subject is not clear to me", "subject of this work is not clear to me",
        "what this is, i am not sure", "cannot name", "no subject that i could swear to", "do not recognise",
        "cannot make out", "what the work depicts, i cannot say",
    ),
}  # fmt: skip
_SUBJECT = _table({name: (*words.SUBJECT[name], *_SUBJECT_WORDS[name]) for name in words.SUBJECT})
_MANNER_WORDS = {name: (name,) for name in vocabulary.MANNERS} | {
    "flat": ("flat shapes", "flat, clean shapes"),
    "soft": ("blurred",),
    "ink": ("ink",),
}
_MANNER = re.compile(rf"\b{_any(word for of_name in _MANNER_WORDS.values() for word in of_name)}\b")
_NOT_MANNER = re.compile(r"\bnot (?:made )?(?:in|like)\b[a-z, ]{0,24}$")
_MANNER_VALUE = {word: name for name, of_name in _MANNER_WORDS.items() for word in of_name}
_LIGHT = _table(
    {
        name: (*words.LIGHT[name], *words.LIGHT_NOUN[name], *more)
        for name, more in {
            "day": ("daylight",),
            "sunset": ("sunset", "evening light"),
            "night": ("night",),
            "storm": ("storm", "stormy"),
            "snow": ("winter", "wintry"),
            "fog": ("mist", "misty"),
        }.items()
    }
)
_COLOUR = _any(vocabulary.COLOURS)
_COLOURS = re.compile(
    rf"\b{_COLOUR}(?:(?:, and hardly|, and little|)(?:, followed by |, then |, together with |, with |, and again |, | and ){_COLOUR})*\b"  # noqa: E501
)
#: Behind a list of colours: without it the first is said to lead, the second to come next.
_IN_NO_ORDER = re.compile(r", in (?:no|any) order\b")
_LEADS = re.compile(
    r"(?:leading|main|dominant|strongest|so much|colour that leads is|what leads is|taken by|most of all there is|"
    r"most of it is|anything it is|seen most is|dominated by|share goes to|place goes to) $|colour is $"
)
_PALETTES = re.compile(
    r"(?:the main it is|it is chiefly|mostly in|palette is|of it is|for colours it has|consists of|find above all|"
    r"made up of|eye meets|what i find is|lives in|above all it is|built on|palette to|scheme rests on|work rests on|"
    r"held in|song of|dreams in|paint says|works above all with) $"
)
_PLACES = {
    things.place(vocabulary_thing, other): (vocabulary_thing.side if vocabulary_thing.side != "centre" else "centre",
                                            vocabulary_thing.height)
    for side in vocabulary.SIDES
    for height in ("top", "middle", "bottom")
    for other in (False, True)
    for vocabulary_thing in [things.Thing("sun", side, height, 0.1)]
}  # fmt: skip
_NOUN = {noun: name for name, noun in things.NOUN.items()}
_THING = re.compile(
    rf"(?P<no>\bno |\bnot (?:see|show|find) (?:any |a |an )|\bcannot find (?:any |a |an )|\bwithout (?:any |a |an ))?"
    rf"(?:(?P<colour>{_COLOUR}) )?\b(?P<noun>{_any(_NOUN)})\b(?: (?:(?:is|are) )?(?P<place>{_any(_PLACES)}))?"
    rf"(?:(?:(?: can be seen)?(?:,? and|;) (?:it is|they are)| is| are)(?: mostly| mainly)? (?P<said>{_COLOUR})\b"
    rf"|,(?: mostly| mainly)? (?P<last>{_COLOUR}) in colour)?"
)
_TONES = {
    "brightness": {"dark": r"dark", "medium": r"middle brightness", "bright": r"bright"},
    "saturation": {"muted": r"muted", "moderate": r"moderately colourful|moderate colours|moderate strength",
                   "vivid": r"vivid"},
    "warmth": {"cool": r"cool", "neutral": r"neither warm nor cool|balance of temperature|balanced in temperature",
               "warm": r"warm"},
    "contrast": {name: rf"{name} contrasts?" for name in vocabulary.CONTRAST},
    "density": {"sparse": r"sparse|empty space", "balanced": r"evenly filled", "busy": r"busy"},
    "horizon": {"low": r"low horizon|horizon (?:that )?lies low", "high": r"high horizon|horizon (?:that )?lies high",
                "middle": r"horizon (?:that lies |lies )?near the middle"},
}  # fmt: skip
_TONE = {
    key: [(value, re.compile(rf"(not (?:of )?)?\b(?:{pattern})\b")) for value, pattern in of_key.items()]
    for key, of_key in _TONES.items()
}
_PEOPLE = re.compile(r"(not |not think they are )?\b(happy|sad|angry|calm)\b")
_SECOND = re.compile(rf"(?:trace|touch|hint|note) of ({_any(EMOTIONS)})")
_EMOTION = re.compile(rf"(not (?:so much )?)?\b({_any(EMOTIONS)})\b")
_MOOD = _table(feelings.MOOD)
_SIDE = re.compile(
    r"(?:weight|heaviest|matters lies|eye lies|what lies)[^.]*? (?:in the (centre)|on the (left|right))\b"
)
_EITHER = re.compile(r"\bperhaps (.+?) or (.+?)(?=[,.;:!?]|$)")
_SUPPOSED = re.compile(r"\b(?:would|might|could)\b")
_CAUSE = re.compile(
    r"because|comes? (?:mostly |above all |mainly |less from a colour than )?from|owes?|owed|rests? on|lies in|work of|"
    r"brought about|behind (?:it|that)|thanks to|speaks to|point first|look first|begins with|first cause|listen to"
)
_TITLE = re.compile(r'"([^"]*)"')
_SPLIT = re.compile(r"(?<=[.!?])\s+")
_CODE = re.compile(r"(#[0-9a-f]{3}) for (" + _COLOUR + ")")


def _title_claims(title: str) -> list[Claim]:
    heads = {head.lower(): name for name, head in words.TITLE.items()}
    found: list[Claim] = []
    text = title.lower()
    if match := re.search(rf"\b{_any(heads)}\b", text):
        found.append(("subject", heads[match[0]]))
        text = text.replace(match[0], " ", 1)
    if match := re.search(r"with (?:an? )?(.+)$", text):
        if match[1] in _NOUN:
            found.append(("things", (_NOUN[match[1]], None, None, None)))
        text = text[: match.start()]
    found += [("light", name) for name, phrase in words.TITLE_LIGHT.items() if phrase.lower() in text]
    if match := re.search(rf"\b{_COLOUR}\b", text):
        found.append(("colours", (match[0],)))
        text = text.replace(match[0], " ")
    return found + _tone_claims(text) + [("people", match[2]) for match in _PEOPLE.finditer(text)]


def _tone_claims(text: str) -> list[Claim]:
    found: list[Claim] = []
    text_left = text
    for key, patterns in _TONE.items():
        for value, pattern in sorted(patterns, key=lambda pair: pair[0] != "neutral"):
            for match in list(pattern.finditer(text_left)):
                found.append((f"not {key}" if match[1] else key, value))
                if value == "neutral":
                    text_left = text_left.replace(match[0], " ")
    return found


def _phrases(key: str, table: tuple[re.Pattern, dict[str, str]], text: str) -> tuple[list[Claim], str]:
    """The claims of one table, and the text without its phrases."""
    pattern, values = table
    found = [
        (f"not {key}" if match[1] and not match[2].startswith("not") else key, values[match[2]])
        for match in pattern.finditer(text)
    ]
    return found, pattern.sub(" _ ", text)


def claims(text: str) -> list[Claim]:
    """Everything that an answer claims, in its order; what is only supposed ("would", "might", "could") is left out."""
    found: list[Claim] = []
    for title in _TITLE.findall(text):
        found += _title_claims(title)
    text = re.sub(r"```.*", " ", text, flags=re.S)
    text = _TITLE.sub(" ", text)
    text = " ".join(text.lower().split())
    found += [("code", (match[2], match[1])) for match in _CODE.finditer(text)]
    text = _CODE.sub(" ", text)
    for part in _SPLIT.split(text):
        if not _SUPPOSED.search(part.replace("could swear", "")):
            found += _sentence_claims(part)
    return found


def _sentence_claims(text: str) -> list[Claim]:
    if match := _EITHER.search(text):
        before, after = text[: match.start()], text[match.end() :]
        first, second = (_sentence_claims(before + match[i] + after) for i in (1, 2))
        apart = tuple(c for c in first if c not in second), tuple(c for c in second if c not in first)
        shared = [claim for claim in first if claim in second]
        # Where only one of the two claims anything, it is not left open.
        return [*shared, ("either", apart)] if all(apart) else [*shared, *apart[0], *apart[1]]
    found: list[Claim] = []
    if re.search(r"no time of day|neither a time of day|nothing in it tells the time", text):
        found.append(("light", None))
    if "no clear horizon" in text:
        found.append(("horizon", None))
    if re.search(r"\bno side\b|weight is spread|find no side|outweighs", text):
        found.append(("side", None))
    elif match := _SIDE.search(text):
        found.append(("side", match[1] or match[2] or "centre"))
        text = text[: match.start()] + " " + text[match.end() :]
    if re.search(r"\bno people\b|nobody is in it", text):
        found.append(("people", None))
    if "at ease" in text:
        found.append(("people", None))
    if re.search(r"cannot be made out|no feeling can be read|feeling cannot be", text):
        found.append(("people", "unread"))
        text = text.replace("cannot be made out", " ")
    if re.search(r"(?:cannot tell|not clear|make out|recognise|no|which) (?:how it|how|to me the|the|its)? ?(?:manner|way it is|it is painted)"  # noqa: E501
                 r"|technique i cannot|made i cannot|manner is not|manner is no|no manner", text):  # fmt: skip
        found.append(("manner", None))
        text = re.sub(r"not clear to me|cannot make out|do not recognise|cannot say|cannot tell", " ", text)
    reading, text = _phrases("subject", _SUBJECT, text.replace("recognise one", " ").replace("the story", " "))
    found += reading
    for match in _MANNER.finditer(text):
        denied = _NOT_MANNER.search(text[: match.start()])
        found.append(("not manner" if denied else "manner", _MANNER_VALUE[match[0]]))
    text = _MANNER.sub("_", text)
    reading, text = _phrases("light", _LIGHT, text)
    found += reading
    things_said, text = _thing_claims(text)
    found += things_said
    colours_said, text = _colour_claims(text)
    found += colours_said
    found += _tone_claims(text)
    for match in _PEOPLE.finditer(text):
        found.append(("not people" if match[1] else "people", match[2]))
    for match in _SECOND.finditer(text):
        found.append(("second_emotion", match[1]))
    for match in _EMOTION.finditer(_SECOND.sub(" ", text)):
        found.append(("not emotion" if match[1] else "emotion", match[2]))
    found += _phrases("emotion", _MOOD, text.replace("energetically", " "))[0]
    return found


def _thing_claims(text: str) -> tuple[list[Claim], str]:
    found: list[Claim] = []
    for match in _THING.finditer(text):
        name = _NOUN[match["noun"]]
        if match["no"]:
            found.append(("not things", name))
        else:
            side, height = _PLACES[match["place"]] if match["place"] else (None, None)
            if match["place"] in ("on the left", "on the right", "in the middle"):
                height = None
            elif match["place"] in ("at the top", "at the bottom", "in the upper part", "in the lower part"):
                side = "centre"
            found.append(("things", (name, match["colour"] or match["said"] or match["last"], side, height)))
    return found, _THING.sub(" _ ", text)


def _colour_claims(text: str) -> tuple[list[Claim], str]:
    found: list[Claim] = []
    for match in _COLOURS.finditer(text):
        names = tuple(re.findall(rf"\b{_COLOUR}\b", match[0]))
        before, after = text[: match.start()], text[match.end() :]
        if _IN_NO_ORDER.match(after):
            found.append(("among colours", names))
        elif len(set(names)) > 1:
            found.append(("colours", names))
        elif (
            re.search(r"(?:\bnot|\bnot much|hardly any|no great part of) $", before)
            and "hardly anything is not" not in before
        ):
            found.append(("not colour", names[0]))
        elif after.startswith((" is not one", " is not among")):
            found.append(("not colour", names[0]))
        elif "_" in before[-24:] and re.search(r"_[^.]{0,18}(?:is|are|,|mostly) $", before):
            continue  # a thing's
        elif _LEADS.search(before) or _PALETTES.search(before):
            found.append(("colours", names[:1]))
        elif after.startswith(" is the colour of"):
            continue
        else:
            found.append(("colour", names[0]))
    return found, _COLOURS.sub(" _ ", text)


def parse(text: str) -> dict[str, object]:
    """What an answer says, under the names of `Facts`; a key is there only if something was said about it.

    "colours" keeps their order, those named "in no order" last, and holds only the leading one where only that was
    named; "light", "people", "horizon", "side" and "manner" are None where the answer says that there is none or that
    it cannot be told; "things" and "absent" are lists of names; "yes" is True or False for an answer that begins with
    yes or no. Of "perhaps this or that" it is this.
    """
    said: dict[str, object] = {}
    if match := re.match(
        r"\s*(yes|no)\b(?! (?:colour|one|side|manner|people|time|label|person|clear|part|way))", text.lower()
    ):
        said["yes"] = match[1] == "yes"
    read = [of for key, value in claims(text) for of in (value[0] if key == "either" else [(key, value)])]
    for key, value in read:
        if key == "colours":
            said["colours"] = max(said.get("colours", []), list(value), key=len)
        elif key == "among colours":
            known = said.setdefault("colours", [])
            known += [name for name in value if name not in known]
        elif key == "things":
            said.setdefault("things", []).append(value[0])
        elif key == "not things":
            said.setdefault("absent", []).append(value)
        elif not key.startswith("not ") and key not in ("colour", "code"):
            said.setdefault(key, value)
    return said


def holds(claim: Claim, facts: Facts) -> bool:
    """Whether the facts bear a claim out."""
    key, value = claim
    if key == "either":
        return any(all(holds(one, facts) for one in of) for of in value)
    implied = things.IMPLIED.get(facts.subject, frozenset())
    visible = {thing.name: thing for thing in facts.things}
    if key == "things":
        name, colour, side, height = value
        thing = visible.get(name)
        if thing is None:
            return name in implied and (colour, side, height) == (None, None, None)
        same = ((colour, thing.colour), (side, thing.side), (height, thing.height))
        return all(said is None or said == true for said, true in same)
    if key == "not things":
        return value not in visible and value not in implied
    if key == "colours":
        return tuple(facts.colours[: len(value)]) == tuple(value)
    if key == "among colours":
        return set(value) <= set(facts.colours)
    if key == "colour":
        return value in facts.colours
    if key == "not colour":
        return value not in facts.colours
    if key == "code":
        return value[0] in facts.colours and words.HEX[value[0]] == value[1]
    if key == "people" and value == "unread":
        return facts.people is None
    if key.startswith("not "):
        return getattr(facts, key.removeprefix("not ")) != value
    return getattr(facts, key) == value


def contradictions(text: str, facts: Facts) -> list[str]:
    """What an answer claims and the facts do not bear out, in words; empty if all of it is so."""
    return [f"{key}: {value}" for key, value in claims(text) if not holds((key, value), facts)]


def reasons(text: str) -> list[Claim]:
    """The facts that an answer gives as reasons, each as a claim that `holds` can judge."""
    text = " ".join(_TITLE.sub(" ", text).lower().split())
    parts = [part for part in re.split(r"(?<=[.!?])\s+", text) if _CAUSE.search(part) and not _SUPPOSED.search(part)]
    kinds = ("subject", "manner", "light", "things", "colours", "people", *words.NOUNS)
    return [claim for part in parts for claim in _sentence_claims(part) if claim[0] in kinds]
