"""A conversation as something to keep: JSON (lossless), Markdown, or one web page that needs nothing beside it.

Questions and answers are plain text. Whatever they look like, they come out as that text: never as markup.
"""

import base64
import binascii
import hashlib
import io
import json
import re
from dataclasses import asdict, dataclass
from html import escape
from string import Template

from PIL import Image

from artgpt4.images import PictureError, open_picture
from artgpt4.ui.words import say

#: Pixels on the longer side of a picture that is exported: more than a screen shows beside the talk.
LARGEST_SIDE = 1024
_DATA_URL = "data:image/jpeg;base64,"


@dataclass(frozen=True)
class Exchange:
    """A question and its answer. `pictures` is how many pictures had been shown by then."""

    question: str
    answer: str
    notice: str = ""
    pictures: int = 1


@dataclass(frozen=True)
class Transcript:
    """A conversation as it was at one moment.

    Attributes:
        model: the name of what answered.
        time: when it was written down, ISO 8601 in UTC.
        pictures: JPEG files, at most `LARGEST_SIDE` pixels on a side and without metadata; see `jpeg`.
        exchanges: what was said.
    """

    model: str
    time: str
    pictures: tuple[bytes, ...]
    exchanges: tuple[Exchange, ...]


def jpeg(picture: Image.Image) -> bytes:
    """The picture as a JPEG file small enough to embed; it carries no metadata."""
    small = picture.convert("RGB")
    small.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    small.info.clear()
    content = io.BytesIO()
    small.save(content, "JPEG", quality=88, optimize=True)
    return content.getvalue()


def to_json(transcript: Transcript) -> str:
    """Everything, the pictures as data URLs. `from_json` reads it."""
    data = asdict(transcript) | {"pictures": [_data_url(picture) for picture in transcript.pictures]}
    return json.dumps(data, ensure_ascii=False, indent=2)


def from_json(text: str) -> Transcript:
    """The transcript that `to_json` wrote.

    Raises:
        ValueError: this is none.
    """
    try:
        data = json.loads(text)
        pictures = tuple(_from_data_url(url) for url in data["pictures"])
        exchanges = tuple(Exchange(**exchange) for exchange in data["exchanges"])
        return Transcript(str(data["model"]), str(data["time"]), pictures, exchanges)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"This is no transcript that artgpt4.export wrote: {error}") from error


def to_markdown(transcript: Transcript, language: str = "en") -> str:
    """CommonMark; the pictures stand at its end as references, so that the text can be read as it is.

    Args:
        language: of what is not the talk itself, "en" or "zh".
    """
    title = say("A talk about a picture", language)
    parts, shown = [f"# {title}\n\n{_markdown(_byline(transcript, language))}"], 0
    for exchange in transcript.exchanges:
        pictures = range(shown, min(exchange.pictures, len(transcript.pictures)))
        parts += [f"![{say('Picture {number}', language, number=n + 1)}][picture-{n + 1}]" for n in pictures]
        shown = max(shown, exchange.pictures)
        parts.append(f"**{say('Question', language)}**\n\n{_markdown(exchange.question)}")
        answer = exchange.answer or say("(no answer)", language)
        parts.append(f"**{say('Answer', language)}**\n\n{_markdown(answer)}")
        if exchange.notice:
            parts.append(_markdown(say("Note: {notice}", language, notice=exchange.notice)))
    parts += [f"[picture-{n}]: {_data_url(picture)}" for n, picture in enumerate(transcript.pictures, 1)]
    return "\n\n".join(parts) + "\n"


def to_html(transcript: Transcript, language: str = "en") -> str:
    """One file, for any browser: no script, nothing fetched, and a policy that forbids both.

    Args:
        language: of what is not the talk itself, "en" or "zh".
    """
    parts, shown = [f'<p class="note">{escape(_byline(transcript, language))}</p>'], 0
    for exchange in transcript.exchanges:
        for number in range(shown, min(exchange.pictures, len(transcript.pictures))):
            name = say("Picture {number} of this talk", language, number=number + 1)
            parts.append(f'<img src="{_data_url(transcript.pictures[number])}" alt="{name}">')
        shown = max(shown, exchange.pictures)
        answer = exchange.answer or say("(no answer)", language)
        parts.append(f'<h2 class="text">{escape(exchange.question)}</h2>')
        parts.append(f'<p class="text">{escape(answer)}</p>')
        if exchange.notice:
            parts.append(f'<p class="note">{escape(exchange.notice)}</p>')
    return html_page(say("A talk about a picture", language), "\n".join(parts), language)


def html_page(title: str, body: str, language: str = "en") -> str:
    """A whole page in the look of `to_html`. The body is markup: whatever stands in it must be escaped already."""
    lang = "zh-CN" if language == "zh" else "en"
    return _PAGE.substitute(lang=lang, title=escape(title), policy=POLICY, style=_STYLE, body=body)


_STYLE = """
:root { color-scheme: light dark; }
body { background: light-dark(#faf9f7, #1e1c19); color: light-dark(#2b2824, #e6e2db); line-height: 1.55;
  font-family: ui-sans-serif, system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  margin: 0 auto; max-width: 42rem; padding: 1.5rem 1.25rem 4rem; }
h1 { font-family: Palatino, Georgia, "Noto Serif", serif; font-size: 1.7rem; font-weight: 500; margin: 0; }
h2 { border-top: 1px solid light-dark(#d3cec4, #443f38); font-size: 1rem; margin: 1.6rem 0 0.4rem;
  padding-top: 1.2rem; }
img { display: block; margin: 1.4rem 0 0; max-height: 34rem; max-width: 100%; }
.text { margin-bottom: 0.4rem; margin-top: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
h2.text { margin-top: 1.6rem; }
.note { color: light-dark(#5a544b, #a59e91); font-size: 0.85rem; margin: 0.3rem 0; }
button { font: inherit; padding: 0.5rem 1.1rem; }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
#: Of every page that is made here, as a meta element; where a server sends the page, it sends it as a header, too.
POLICY = f"default-src 'none'; img-src data:; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'self'"
_PAGE = Template("""<!doctype html>
<html lang="$lang">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="$policy">
<meta name="referrer" content="same-origin">
<meta name="robots" content="noindex, nofollow">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
<h1>$title</h1>
$body
</main>
</body>
</html>
""")


def _byline(transcript: Transcript, language: str) -> str:
    time = transcript.time[:16].replace("T", " ")
    return say("Answers by {model}, kept {time} UTC.", language, model=transcript.model, time=time)


def _data_url(picture: bytes) -> str:
    return _DATA_URL + base64.b64encode(picture).decode()


def _from_data_url(url: str) -> bytes:
    if not url.startswith(_DATA_URL):
        raise ValueError("a picture is not a JPEG data URL")
    try:
        picture = base64.b64decode(url.removeprefix(_DATA_URL), validate=True)
        open_picture(picture)
    except (binascii.Error, PictureError) as error:
        raise ValueError(f"a picture cannot be read ({error})") from error
    return picture


def _markdown(text: str) -> str:
    """The text as CommonMark and GitHub's Markdown show it unchanged: each line a line, spaces at its start kept."""
    lines = []
    for line in text.splitlines():
        content = line.strip()
        indent = len(line) - len(line.lstrip())
        content = re.sub(r"([\\`*_{}\[\]<>#|&~$@])", r"\\\1", content)
        # GitHub makes links of what begins like an address.
        content = re.sub(r"(?<=:)//|(?<=www)\.", r"\\\g<0>", content, flags=re.IGNORECASE)
        content = re.sub(r"^([-+=:]|\d+(?=[.)]))", _escape_start, content)
        lines.append("&nbsp;" * indent + content)
    return "\\\n".join(line or "&nbsp;" for line in lines)


def _escape_start(match: re.Match) -> str:
    """What would begin a list or underline a heading; of a number it is the point that does."""
    return match[0] + "\\" if match[0].isdigit() else "\\" + match[0]
