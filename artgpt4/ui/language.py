"""A page in the visitor's language: the browser's, or the one chosen; the browser remembers it for all pages."""

import json
from pathlib import Path

import gradio as gr
from gradio.events import Dependency

from artgpt4.ui.words import CHINESE, say

_SCRIPT = Path(__file__).with_name("page.js").read_text(encoding="utf-8")
_SCRIPT = _SCRIPT.replace("NAMES;", json.dumps(CHINESE, ensure_ascii=False) + ";", 1)
_TEXTS = ("label", "value", "placeholder", "info", "alt_text")


def build_masthead(title: str, status: str = "") -> tuple[gr.Markdown, gr.Button]:
    """What this page is; returns the line about its model, and the button for the other language."""
    with gr.Row(elem_id="masthead"):
        gr.Markdown(title, elem_id="title")
        line = gr.Markdown(status, elem_id="status")
        language = gr.Button("中文", size="sm", elem_id="language")
    return line, language


def speak_language(page: gr.Blocks, speaker: gr.State, button: gr.Button) -> list[Dependency]:
    """Leads opening the page, and its button, to everything that stands on it by then in the language wanted.

    Args:
        page: the one that is being built, at the route that is open.
        speaker: keeps the language as `language`, "en" or "zh".
        button: for the other language.

    Returns:
        The two events after which the page speaks it; what else has to change comes behind them.
    """
    at_once = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    asked = gr.Textbox(visible=False)
    spoken = [
        (block, texts) for block in page.blocks.values() if block.page == page.current_page and (texts := _own(block))
    ]

    def speak(speaker) -> list:
        return [gr.update(**{prop: say(text, speaker.language) for prop, text in texts}) for _, texts in spoken]

    entered = page.load(enter, [asked, speaker], speaker, js=_SCRIPT, **at_once)
    pressed = button.click(None, None, None, js="() => artgpt4.speak(artgpt4.other())")
    switched = pressed.then(switch_language, speaker, speaker, **at_once)
    return [event.then(speak, speaker, [block for block, _ in spoken], **at_once) for event in (entered, switched)]


def enter(language: str, speaker):
    """The page has been opened by a browser of that language."""
    speaker.language = "zh" if str(language).lower().startswith("zh") else "en"
    return speaker  # Gradio closes only a state that some event has given out; see gradio.state_holder


def switch_language(speaker):
    """The other language is wanted."""
    speaker.language = "en" if speaker.language == "zh" else "zh"
    return speaker


def _own(block: gr.blocks.Block) -> list[tuple[str, str]]:
    """What a component says of the page's own, and where in the component it stands."""
    texts = [(prop, getattr(block, prop, None)) for prop in _TEXTS]
    return [(prop, text) for prop, text in texts if isinstance(text, str) and text in CHINESE]
