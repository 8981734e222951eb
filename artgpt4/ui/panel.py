"""What stands beside an answer: emotions, where the model looked, colours, a web page. Text and pictures in, HTML out.

Every word of a visitor or a model is escaped here: Gradio puts what it is given into the page as it is.
"""

import base64
import io
import re
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from PIL import Image

from artgpt4.palette import Swatch
from artgpt4.ui.webpage import download, find_page, sandboxed
from artgpt4.ui.words import say

_SENTENCE = re.compile(r"\S.*?(?:[.!?…]+[\"'”’)]*(?=\s)|\Z|\n)", re.DOTALL)
_VEIL = (18, 16, 14)  # laid over what was not looked at: the picture keeps its colours where it was
_DARKEST = 0.82


def emotion_chart(probabilities: Mapping[str, float], language: str) -> str:
    """The emotions as a table with bars, likeliest first; a screen reader reads names and per cent."""
    rows = []
    for emotion, p in sorted(probabilities.items(), key=lambda item: -item[1]):
        share = f"{100 * p:.0f} %" if p >= 0.005 else "< 1 %"
        bar = f'<span class="bar" style="width:{100 * p:.1f}%"></span>'
        name = escape(say(emotion, language))
        rows.append(f'<tr><th scope="row">{name}</th><td class="track">{bar}</td><td>{share}</td></tr>')
    explained = say("How likely the model finds each answer to “What does this picture make you feel?”", language)
    return (
        f"<h2>{say('What the picture evokes', language)}</h2><table class='emotions'><caption>{escape(explained)}"
        f"</caption><tbody>{''.join(rows)}</tbody></table>"
    )


def no_emotions(sentence: str, language: str) -> str:
    """What stands in the chart's place where there is none: why."""
    told = say("It cannot be worked out for this picture. {sentence}", language, sentence=sentence)
    return f"<h2>{say('What the picture evokes', language)}</h2><p>{escape(told)}</p>"


def palette(swatches: Sequence[Swatch], language: str) -> str:
    """The colours an answer speaks of; empty if it speaks of none."""
    if not swatches:
        return ""
    items = []
    for swatch in swatches:
        if swatch.hex:
            share = say("{share} of the picture", language, share=f"{100 * swatch.share:.0f} %")
            patch, told = f'<span class="patch" style="background:{swatch.hex}"></span>', f"{swatch.hex} · {share}"
        else:
            patch, told = '<span class="patch none"></span>', say("not found in the picture", language)
        items.append(f"<li>{patch}<span><b>{escape(swatch.word)}</b> <small>{told}</small></span></li>")
    return f"<h2>{say('The colours it speaks of', language)}</h2><ul class='palette'>{''.join(items)}</ul>"


def web_page(answer: str, language: str) -> str:
    """The code of the web page in an answer, its download and its sandboxed picture; empty if there is none."""
    page = find_page(answer)
    if page is None:
        return ""
    title, save = say("The web page it wrote", language), say("Download", language)
    return (
        f"<h2>{title}</h2><pre tabindex='0' aria-label='{title}'><code>{escape(page)}</code></pre>"
        f"<p><a class='download' download='page.html' href='{download(page)}'>{save} (.html)</a></p>"
        f"<details><summary>{say('Show it', language)}</summary>{sandboxed(page, title)}"
        f"<p><small>{say('It is shown without scripts and without a network.', language)}</small></p></details>"
    )


def facts(model: str, round, language: str) -> str:
    """Which model gave the answer, and how: what somebody needs to have it again."""
    told = say(
        "{tokens} tokens in {seconds} s, seed {seed}",
        language,
        tokens=round.tokens,
        seconds=f"{round.seconds:.1f}",
        seed=round.seed,
    )
    return f"<h2>{say('This answer', language)}</h2><p><small>{escape(model)} · {told}</small></p>"


def spans(text: str, language: str, chosen: tuple[int, int]) -> str:
    """An answer in which every word and every sentence is a button that carries its place, `data-from` to `data-to`."""

    def button(start: int, end: int, shown: str, kind: str, name: str = "") -> str:
        pressed = "true" if (start, end) == chosen else "false"
        label = f' aria-label="{escape(name)}"' if name else ""
        return (
            f'<button type="button" class="{kind}" tabindex="-1" data-from="{start}" data-to="{end}" '
            f'aria-pressed="{pressed}"{label}>{shown}</button>'
        )

    lines = [button(0, len(text), say("The whole answer", language), "whole")]
    for sentence in _SENTENCE.finditer(text):
        start, end = sentence.span()
        name = f"{say('This sentence', language)}: {sentence[0]}"
        words = [
            button(start + word.start(), start + word.end(), escape(word[0]), "word")
            for word in re.finditer(r"\S+", sentence[0])
        ]
        lines.append(f"<p>{button(start, end, '¶', 'sentence', name)} {' '.join(words)}</p>")
    hint = escape(say("Choose a word, a sentence or the whole answer.", language))
    told = [
        "Bright: where the model looked while it said this. It does not tell why it said so.",
        "For a word or a sentence: the parts of the picture that mattered most for it.",
    ]
    small = " ".join(say(sentence, language) for sentence in told)
    return (
        f'<div class="spans" role="toolbar" aria-label="{hint}">{"".join(lines)}</div>'
        f'<p class="told"><small>{escape(small)}</small></p>'
    )


def veil(weights: np.ndarray, size: tuple[int, int]) -> str:
    """A picture of the weights [rows, columns] that lies over another of that size, as HTML: clear at the greatest."""
    scaled = (weights - weights.min()) / max(float(np.ptp(weights)), 1e-12)
    small = Image.fromarray((255 * (1 - scaled) * _DARKEST).astype(np.uint8))
    longest = 320 / max(size)
    fitted = max(1, round(size[0] * longest)), max(1, round(size[1] * longest))
    cover = Image.new("RGBA", fitted, _VEIL)
    cover.putalpha(small.resize(fitted, Image.Resampling.BICUBIC))
    file = io.BytesIO()
    cover.save(file, "PNG")
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}">'
