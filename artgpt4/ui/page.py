"""The page on which a visitor talks with the model about a picture: its areas, and what leads from them where."""

import json
from collections.abc import Sequence
from concurrent.futures import Future
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import gradio as gr

from artgpt4.backup import data_folder
from artgpt4.presets import PRESETS, Preset
from artgpt4.ui.handlers import AT_ONCE, MAX_QUESTION, Handlers
from artgpt4.ui.keeping import build_keeping, build_offer
from artgpt4.ui.language import build_masthead, speak_language
from artgpt4.ui.parameters import build_parameters
from artgpt4.ui.pictures import build_examples, build_picture
from artgpt4.ui.several import build_several
from artgpt4.ui.visitor import Visitor

if TYPE_CHECKING:
    from artgpt4.chat import ChatModel

CSS = Path(__file__).with_name("page.css")
#: Of all visitors together, those that wait for a turn: the next one is told so at once. Without a bound a crowd would
#: wait for minutes, and ZeroGPU would take it for 1.
MAX_WAITING = 128
#: Tells the server which of the words in an answer was chosen.
_CHOOSE = """element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-from]");
  if (button) trigger("select", {index: 0, value: "", start: +button.dataset.from, end: +button.dataset.to});
});"""


def build_page(
    model: "Future[ChatModel]", name: str, examples: Sequence[Path] = (), data: Path | None = None
) -> gr.Blocks:
    """Builds the page. The model may still be loading: the page says so, and questions wait for it.

    Args:
        model: what `artgpt4.load(name)` will give, or the exception it raised.
        name: the model's name, shown until the model is there.
        examples: picture files to choose from.
        data: the folder for what visitors create; None for the one that `data_folder` names.
    """
    # Uploads are deleted after a day, looked for every hour: a talk about one picture lasts no longer.
    with gr.Blocks(title="ArtGPT-4", analytics_enabled=False, delete_cache=(3600, 86400)) as page:
        gr.Navbar(main_page_name="Talk")
        visitor = gr.State(Visitor(), delete_callback=Visitor.close)
        title = "# ArtGPT-4\nTalk about a picture, and what it makes you feel."
        masthead = build_masthead(title, f"**{name}** is loading …")
        offer = build_offer()
        with gr.Row(elem_id="room"):
            wall = build_wall(examples)
            talk = build_talk()
            beside = build_beside()
        with gr.Row(elem_id="drawers"):
            several = build_several(model, visitor)
            keeping = build_keeping(page, model, visitor, wall.picture, offer, data or data_folder())
        connect(page, visitor, masthead, wall, talk, beside, several, keeping, Handlers(model, name, examples))
    return page.queue(max_size=MAX_WAITING, api_open=False)


def build_wall(examples: Sequence[Path]) -> SimpleNamespace:
    """The picture with what lies over it, the lens, and the examples."""
    with gr.Column(min_width=300, elem_id="wall"):
        with gr.Column(elem_id="frame"):
            picture = build_picture("picture", "The picture you are talking about", height=400, webcam=True)
            veil = gr.HTML(elem_id="veil", js_on_load=None)
        with gr.Row(elem_id="lens"):
            for label, factor in (("Larger", 1.5), ("Smaller", 1 / 1.5), ("Whole picture", 0)):
                lens = gr.Button(label, size="sm", min_width=0)
                lens.click(None, None, None, js=f"() => artgpt4.magnify({factor})")
        gallery = build_examples(examples, "examples")
    return SimpleNamespace(picture=picture, veil=veil, gallery=gallery)


def build_talk() -> SimpleNamespace:
    """The conversation, the chips, the question's box and what can be done with an answer."""
    with gr.Column(min_width=320, elem_id="talk"):
        chat = gr.Chatbot(
            label="Conversation",
            show_label=False,
            height=400,
            layout="bubble",
            buttons=["copy"],
            editable="user",
            sanitize_html=True,
            allow_tags=False,
            render_markdown=False,  # questions and answers are plain text, and are shown as they are
            feedback_options=None,
            placeholder="Choose a picture, then ask what you like.",
            elem_id="chat",
        )
        question = gr.Textbox(
            label="Your question",
            show_label=False,
            placeholder="Ask about the picture …",
            max_length=MAX_QUESTION,
            submit_btn=True,
            elem_id="question",
        )
        with gr.Row(elem_id="actions"):
            notice = gr.Markdown(elem_id="notice")
            with gr.Row(visible=False, elem_id="variants") as variants:
                earlier = gr.Button("Previous variant", size="sm", min_width=0)
                variant = gr.Markdown(elem_id="variant")
                later = gr.Button("Next variant", size="sm", min_width=0)
            again = gr.Button("Try again", size="sm", interactive=False)
            undo = gr.Button("Undo", size="sm", interactive=False)
            clear = gr.Button("Clear", size="sm", interactive=False)
        with gr.Column(visible=False, elem_id="follow-ups") as follow_ups:
            with gr.Row(elem_classes="chips"):
                gr.Markdown("And now", elem_classes="group")
                for preset in PRESETS:
                    if preset.follows:
                        build_chip(preset, question)
        hint = "Questions to ask: tap to fill in, tap again to send"
        with gr.Accordion(hint, open=True, elem_id="presets") as starters:
            with gr.Row(elem_classes="chips"):
                of_a_start = [preset for preset in PRESETS if not preset.follows]
                for group, presets in groupby(of_a_start, key=lambda preset: preset.group):
                    with gr.Row(elem_classes="group-of-chips"):
                        presets = list(presets)
                        if [preset.label for preset in presets] != [group]:
                            gr.Markdown(group, elem_classes="group")
                        for preset in presets:
                            build_chip(preset, question)
        with gr.Accordion("Parameters", open=False, elem_id="parameters"):
            parameters = build_parameters()
    shown = [chat, question, notice, again, undo, clear, variants, variant, follow_ups, starters]
    return SimpleNamespace(
        chat=chat,
        question=question,
        again=again,
        undo=undo,
        clear=clear,
        earlier=earlier,
        later=later,
        parameters=parameters,
        shown=shown,
    )


def build_chip(preset: Preset, question: gr.Textbox) -> None:
    """A preset's button: it fills the question's box and, tapped again, sends it."""
    chip = gr.Button(preset.label, size="sm", min_width=0, scale=0, elem_classes="chip")
    instruction = json.dumps(preset.instruction)
    chip.click(None, question, question, js=f"(question) => artgpt4.tap(question, {instruction})")


def build_beside() -> SimpleNamespace:
    """What there is to look at beside an answer."""
    with gr.Column(min_width=240, elem_id="beside"):
        emotions = gr.HTML(elem_id="emotions", js_on_load=None)
        with gr.Accordion("Where it looked", open=False, elem_id="looked") as looked:
            spans = gr.HTML(elem_id="spans", js_on_load=_CHOOSE)
        about = gr.HTML(elem_id="about", js_on_load=None)
    return SimpleNamespace(emotions=emotions, looked=looked, spans=spans, about=about)


def connect(page: gr.Blocks, visitor: gr.State, masthead, wall, talk, beside, several, keeping, do: Handlers) -> None:
    """Leads every event of the page to its handler."""
    at_once = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    answering = {"concurrency_id": "model", "concurrency_limit": AT_ONCE}
    answering |= {"show_progress": "hidden", "api_visibility": "private"}
    waiting = {"concurrency_limit": None, "show_progress": "hidden", "api_visibility": "private"}
    around = [beside.emotions, beside.about, beside.spans, wall.veil]

    def reflected(event):
        event.then(do.reflect, visitor, around, **answering)
        keeping.after(event)

    def answered(event):
        answer = event.then(do.answer, [visitor, *talk.parameters], talk.shown, **answering)
        answer.failure(do.refused, visitor, talk.shown, **at_once)
        reflected(answer)

    # The language.
    status, language = masthead
    for spoken in speak_language(page, visitor, language):
        refreshed = spoken.then(do.refresh, visitor, [*talk.shown, *around[:3]], **at_once)
        refreshed.then(do.status, visitor, status, **waiting)

    # The picture.
    shown = wall.picture.change(do.show, [wall.picture, visitor], [wall.picture, *talk.shown, *around], **at_once)
    shown.then(do.prepare, visitor, None, **answering)
    several.after(shown)
    wall.picture.change(None, None, None, js="() => artgpt4.magnify(0)")
    wall.gallery.select(do.choose_example, None, wall.picture, **at_once)

    # The talk.
    answered(talk.question.submit(do.ask, [talk.question, wall.picture, visitor], talk.shown, **at_once))
    answered(talk.again.click(do.ask_again, visitor, talk.shown, **at_once))
    answered(talk.chat.edit(do.edit, visitor, talk.shown, **at_once))
    talk.question.stop(do.stop, visitor, talk.shown, **at_once)
    reflected(talk.undo.click(do.undo, visitor, talk.shown, **at_once))
    cleared = talk.clear.click(do.clear, visitor, talk.shown, **at_once)
    reflected(cleared)
    several.after(cleared)
    reflected(talk.earlier.click(do.earlier, visitor, talk.shown, **at_once))
    reflected(talk.later.click(do.later, visitor, talk.shown, **at_once))

    # A talk that goes on.
    resumed = keeping.resumed.then(do.refresh, visitor, [*talk.shown, *around[:3]], **at_once)
    reflected(resumed)
    several.after(resumed)

    # Beside the answer.
    reflected(talk.chat.select(do.choose_answer, visitor, None, **at_once))
    beside.looked.expand(do.look, visitor, [beside.spans, wall.veil], **answering)
    beside.looked.collapse(do.look_away, visitor, wall.veil, **at_once)
    beside.spans.select(do.look_at, visitor, wall.veil, **answering)
