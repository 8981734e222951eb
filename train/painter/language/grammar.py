"""How sentences are put together: templates with alternatives, lists, capitals and full stops."""

import random
from collections.abc import Iterable, Sequence
from functools import cache


class _Slot(str):
    """The name of something to fill in."""


def _parse(template: str, at: int) -> tuple[list, int]:
    """The alternatives from `at` to the closing bracket, each a list of texts, slots and nested alternatives."""
    alternatives: list[list] = [[]]
    while at < len(template) and template[at] != "]":
        if template[at] == "[":
            nested, at = _parse(template, at + 1)
            alternatives[-1].append(tuple(nested))
        elif template[at] == "|":
            alternatives.append([])
        elif template[at] == "{":
            end = template.index("}", at)
            alternatives[-1].append(_Slot(template[at + 1 : end]))
            at = end
        else:
            end = at
            while end < len(template) and template[end] not in "[]|{":
                end += 1
            alternatives[-1].append(template[at:end])
            at = end - 1
        at += 1
    return alternatives, at


@cache
def _compiled(template: str) -> tuple:
    alternatives, _ = _parse(template, 0)
    return tuple(alternatives)


def say(rng: random.Random, template: str, **slots: str) -> str:
    """Draws one of the `|`-separated alternatives in every (nested) square bracket and of the whole, fills `{slots}`."""  # noqa: E501
    parts: list[str] = []

    def draw(alternatives: tuple) -> None:
        for part in alternatives[int(rng.random() * len(alternatives))]:
            if type(part) is tuple:
                draw(part)
            else:
                parts.append(slots[part] if type(part) is _Slot else part)

    draw(_compiled(template))
    return "".join(parts)


def listed(items: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def sentence(text: str) -> str:
    """With a capital at the start and a full stop at the end."""
    return text[0].upper() + text[1:] + ("" if text[-1] in '.!?"`' else ".")


def paragraph(sentences: Iterable[str]) -> str:
    """The sentences, one after the other; empty ones are left out."""
    return " ".join(sentence(text) for text in sentences if text)


def opening(text: str) -> str:
    """The first three words: texts that share them have the same frame."""
    return " ".join(text.split()[:3])


def a(noun: str) -> str:
    """With its indefinite article."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


#: What an answer may begin with, whatever it says.
LEADS = (
    "at first sight, |to my eye, |as I see it, |looking closely, |at a glance, |seen as a whole, |judging by eye, |"
    "on a first look, |after a second look, |to put it simply, |to my mind, |put plainly, |taking my time, |"
    "in my view, |for my part, |as far as I can see, |let me look: |let me see: |what strikes me: |from here, |"
    "well, |looking at it, |I take a step back: |if you ask me, |as it appears to me, |coming closer, |to be exact, |"
    "letting my eye wander, |with a little patience, |standing before it, "
)


def lead(rng: random.Random, text: str, often: float = 0.4) -> str:
    """The sentence, `often` behind one of `LEADS`."""
    return say(rng, LEADS) + text if rng.random() < often else text
