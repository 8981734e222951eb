"""What is made after a picture: a title, and a small web page in its colours."""

import random

from train.painter.facts import Facts
from train.painter.language import clear, things, words
from train.painter.language.grammar import lead, say, sentence

#: The fixed parts of a page.
HTML: tuple[str, ...] = (
    "<!doctype html><title>",
    "</title><style>body{background:",
    ";color:",
    "}b{padding:1em}</style><h1>",
    "</h1>",
    '<b style="background:',
    '">',
    "</b>",
)


def title_words(facts: Facts, rng: random.Random) -> str:
    """The subject and one measured fact."""
    head = words.TITLE[facts.subject]
    leading = clear.leading(facts)
    forms = [f"{head} in {leading[0].title()}"] * 2 if leading else []
    lit = facts.light and clear.sure(facts, "light")
    if lit:
        forms += [f"{head} {words.TITLE_LIGHT[facts.light]}"] * 2
    if facts.people and clear.sure(facts, "people"):
        forms += [f"{head}, {facts.people.title()}"]
    if facts.brightness != "medium" and clear.measure_is_clear(facts, "brightness"):
        forms.append(f"{facts.brightness.title()} {head}")
    if facts.saturation != "moderate" and clear.measure_is_clear(facts, "saturation"):
        forms.append(f"{facts.saturation.title()} {head}")
    beside = clear.evident(facts, things.beside(facts))[:2]
    forms += [f"{head} with {things.named(thing.name).title()}" for thing in beside]
    if leading and lit and facts.subject != "animal":
        forms.append(f"{leading[0].title()} {head} {words.TITLE_LIGHT[facts.light]}")
    text = rng.choice(forms or [head if facts.sight else f"{head} in {facts.colours[0].title()}"])
    return text.replace(" A ", " a ").replace(" An ", " an ").replace(" Of ", " of ")


def title(facts: Facts, rng: random.Random) -> str:
    """A title in quotation marks."""
    return sentence(
        say(
            rng,
            '["{t}"|"{t}"|"{t}"|I call it "{t}"|call it "{t}"|my title is "{t}"|a good title is "{t}"|"{t}", I suggest|let us call it "{t}"|'  # noqa: E501
            'it could be called "{t}"|how about "{t}"?|"{t}": what it shows, and no more|on the label I read "{t}"|'
            'a title for it: "{t}"|what fits it is "{t}"|plainly, "{t}"|short and true: "{t}"|its name could be "{t}"|"{t}" suits it|I propose "{t}"]',  # noqa: E501
            t=title_words(facts, rng),
        )
    )


def page(facts: Facts, rng: random.Random) -> str:
    """A web page with a title, its clear colours as swatches, and which colour code stands for which name."""
    colours = clear.colours(facts, clear.SHOWN)
    body = f"{HTML[1]}{words.HEX[colours[0]]}{HTML[2]}{'#fff' if colours[0] in words.DEEP else '#111'}{HTML[3]}"
    text = title_words(facts, rng)
    swatches = "".join(f"{HTML[5]}{words.HEX[name]}{HTML[6]}{name}{HTML[7]}" for name in colours)
    code = f"{HTML[0]}{text}{body}{text}{HTML[4]}{swatches}"
    codes = ", ".join(f"{words.HEX[name]} for {name}" for name in colours)
    told = lead(rng, say(rng, "[I use|it takes|its colours are|here go|I take] {codes}", codes=codes), 0.75)
    return f"{sentence(told)}\n```html\n{code}\n```"
