"""The page on which a visitor talks with the model about a picture."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from gradio.utils import get_upload_folder
from PIL import Image

from artgpt4.images import PictureError
from artgpt4.presets import PRESETS
from artgpt4.ui.visitor import Visitor, VisitorError

if TYPE_CHECKING:
    from artgpt4.chat import ChatModel

CSS = Path(__file__).with_name("page.css")
#: Of one visitor's question; the page stops there, and so does the server.
MAX_QUESTION = 1000
#: Of all visitors together, those that wait for a turn: the next one is told so at once. Without a bound a crowd would
#: wait for minutes, and ZeroGPU would take it for 1.
MAX_WAITING = 128

#: Errors whose text is a sentence for users; by name, since importing two of them would import torch before the page.
_FOR_USERS = ("PictureError", "ChatError", "LoadError")

_log = logging.getLogger(__name__)

#: A shade lighter than white paper and a warm grey, so that a picture's own colours stand out.
_STONE = gr.themes.Color(
    c50="#faf9f7",
    c100="#f3f1ed",
    c200="#e6e2db",
    c300="#d3cec4",
    c400="#a59e91",
    c500="#787166",
    c600="#5a544b",
    c700="#443f38",
    c800="#2b2824",
    c900="#1e1c19",
    c950="#151412",
)
_OCHRE = gr.themes.Color(
    c50="#fbf6ef",
    c100="#f5e9d8",
    c200="#ead2b0",
    c300="#dcb583",
    c400="#cc9559",
    c500="#b0743a",
    c600="#8f5a2a",
    c700="#734722",
    c800="#57361c",
    c900="#3f2817",
    c950="#2a1a0f",
)

#: Fonts that every system has: the page asks no other server for anything.
THEME = gr.themes.Base(
    primary_hue=_OCHRE,
    secondary_hue=_STONE,
    neutral_hue=_STONE,
    font=["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"],
    font_mono=["ui-monospace", "Consolas", "monospace"],
).set(
    body_background_fill="*neutral_50",
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_400",
    block_info_text_color="*neutral_600",
    block_info_text_color_dark="*neutral_400",
    input_placeholder_color="*neutral_500",
    input_placeholder_color_dark="*neutral_400",
    input_background_fill="white",
    input_background_fill_dark="*neutral_900",
    block_background_fill_dark="*neutral_900",
    border_color_primary="*neutral_200",
    border_color_primary_dark="*neutral_700",
)


def build_page(model: "Future[ChatModel]", name: str, examples: Sequence[Path] = ()) -> gr.Blocks:
    """Builds the page. The model may still be loading: the page says so, and questions wait for it.

    Args:
        model: what `artgpt4.load(name)` will give, or the exception it raised.
        name: the model's name, shown until the model is there.
        examples: picture files to choose from.
    """

    def enter(visitor: Visitor) -> Visitor:
        return visitor  # Gradio closes only a state that some event has given out; see gradio.state_holder

    async def status() -> Iterator[str]:
        while not model.done():
            yield f"**{name}** is loading …"
            await asyncio.sleep(0.3)
        yield _describe(model, name)

    def show(path: str | None, visitor: Visitor):
        if path == visitor.path:
            # Taking away a picture that cannot be used comes here once more: the sentence that says why must stay.
            return [gr.skip()] * 7
        try:
            visitor.show(path)
        except PictureError as error:
            return [None, *_view(visitor, notice=str(error))]
        return [gr.skip(), *_view(visitor)]

    def prepare(visitor: Visitor):
        if not model.done() or model.exception():
            return
        try:
            visitor.prepare(model)
        except Exception:  # the question that follows will meet it again, and tell the visitor
            _log.exception("A picture could not be looked at in advance")

    def choose_example(chosen: gr.SelectData):
        return str(examples[chosen.index])

    def ask(question: str, path: str | None, visitor: Visitor):
        def request():
            visitor.show(path)  # the picture's own event may still be on its way
            visitor.request(question[:MAX_QUESTION])

        return _after(request, visitor, question="")

    def ask_preset(instruction: str) -> Callable:
        def ask_it(path: str | None, visitor: Visitor):
            def request():
                visitor.show(path)
                visitor.request(instruction)

            return _after(request, visitor)

        return ask_it

    def ask_again(visitor: Visitor):
        return _after(visitor.request_again, visitor)

    def answer(visitor: Visitor, *values):
        if visitor.pending is None or visitor.pending.taken:
            yield gr.skip()
            return
        question = visitor.pending.question
        parameters = dict(zip(PARAMETERS, values, strict=True))
        parameters["seed"] = parameters["seed"] or None
        try:
            for text in visitor.answer(model, parameters):
                yield _view(visitor, text, notice="" if model.done() else f"{name} is still loading …")
        except Exception as error:  # whatever went wrong, the visitor gets a sentence, and the question back
            yield _view(visitor, notice=_sentence(error), question=question)
        else:
            yield _view(visitor, notice=visitor.notice)

    def stop(visitor: Visitor):
        visitor.stop()
        return gr.skip() if visitor.pending else _view(visitor)  # the answer itself shows that it has ended

    def undo(visitor: Visitor):
        return _after(visitor.undo, visitor)

    def clear(visitor: Visitor):
        return _after(visitor.clear, visitor)

    # Uploads are deleted after a day, looked for every hour: a talk about one picture lasts no longer.
    with gr.Blocks(title="ArtGPT-4", analytics_enabled=False, delete_cache=(3600, 86400)) as page:
        visitor = gr.State(Visitor(), delete_callback=Visitor.close)
        with gr.Row(elem_id="masthead"):
            gr.Markdown("# ArtGPT-4\nTalk about a picture, and what it makes you feel.", elem_id="title")
            status_line = gr.Markdown(f"**{name}** is loading …", elem_id="status")
        with gr.Row(elem_id="room"):
            with gr.Column(scale=5, min_width=300, elem_id="wall"):
                picture = gr.Image(
                    type="filepath",
                    image_mode=None,
                    sources=["upload", "clipboard", "webcam"],
                    buttons=["fullscreen"],
                    label="Picture",
                    show_label=False,
                    placeholder="Drop a picture here\nor tap to choose one,\nor take an example",
                    height=400,
                    elem_id="picture",
                    alt_text="The picture you are talking about",
                )
                picture.preprocess = _uploaded
                gallery = gr.Gallery(
                    [(_thumbnail(path), _caption(path)) for path in examples],
                    label="Examples",
                    show_label=False,
                    allow_preview=False,
                    buttons=[],
                    columns=6,
                    object_fit="cover",
                    visible=bool(examples),
                    interactive=False,
                    elem_id="examples",
                )
            with gr.Column(scale=6, min_width=320, elem_id="talk"):
                chat = gr.Chatbot(
                    label="Conversation",
                    show_label=False,
                    height=400,
                    layout="bubble",
                    buttons=["copy"],
                    sanitize_html=True,
                    allow_tags=False,
                    render_markdown=False,  # questions and answers are plain text, and are shown as they are
                    feedback_options=None,
                    placeholder="Choose a picture, then ask what you like.",
                    elem_id="chat",
                )
                chips = []
                with gr.Column(elem_id="presets"):
                    for group, presets in groupby(PRESETS, key=lambda preset: preset.group):
                        with gr.Row(elem_classes="chips"):
                            gr.Markdown(group, elem_classes="group")
                            for preset in presets:
                                chip = gr.Button(preset.label, size="sm", min_width=0, scale=0, elem_classes="chip")
                                chips.append((chip, preset.instruction))
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
                    again = gr.Button("Try again", size="sm", interactive=False)
                    take_back = gr.Button("Undo", size="sm", interactive=False)
                    forget = gr.Button("Clear", size="sm", interactive=False)
                with gr.Accordion("Parameters", open=False, elem_id="parameters"):
                    parameters = _parameters()

        view = [chat, question, notice, again, take_back, forget]
        at_once = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}

        # Answers take turns at every token, so a short one need not wait for the end of a long one.
        answering = {"concurrency_id": "model", "concurrency_limit": 4}
        answering |= {"show_progress": "hidden", "api_visibility": "private"}

        def answered(event):
            event.then(answer, [visitor, *parameters], view, **answering)

        page.load(enter, visitor, visitor, **at_once)
        page.load(status, None, status_line, concurrency_limit=None, show_progress="hidden", api_visibility="private")
        shown = picture.change(show, [picture, visitor], [picture, *view], **at_once)
        shown.then(prepare, visitor, None, **answering)
        gallery.select(choose_example, None, picture, **at_once)
        answered(question.submit(ask, [question, picture, visitor], view, **at_once))
        for chip, instruction in chips:
            answered(chip.click(ask_preset(instruction), [picture, visitor], view, **at_once))
        answered(again.click(ask_again, visitor, view, **at_once))
        question.stop(stop, visitor, view, **at_once)
        take_back.click(undo, visitor, view, **at_once)
        gr.on([forget.click, chat.clear], clear, visitor, view, **at_once)
    return page.queue(max_size=MAX_WAITING, api_open=False)


#: `Conversation.ask`'s keyword arguments, in the drawer's order.
PARAMETERS = ("temperature", "top_p", "max_new_tokens", "repetition_penalty", "num_beams", "seed")


def _parameters() -> list[gr.components.Component]:
    with gr.Row():
        temperature = gr.Slider(0, 2, 0.7, step=0.05, label="Temperature", info="0: always the likeliest word")
        top_p = gr.Slider(0.05, 1, 0.9, step=0.05, label="Top-p", info="share of the likely words to choose from")
    with gr.Row():
        longest = gr.Slider(20, 600, 300, step=20, precision=0, label="Longest answer", info="in tokens")
        penalty = gr.Slider(1, 2, 1, step=0.05, label="Repetition penalty", info="1: none")
    with gr.Row():
        beams = gr.Slider(1, 5, 1, step=1, precision=0, label="Beams", info="above 1, nothing shows until the end")
        seed = gr.Number(0, precision=0, minimum=0, label="Seed", info="0: another answer each time", elem_id="seed")
    return [temperature, top_p, longest, penalty, beams, seed]


def _after(action: Callable[[], None], visitor: Visitor, **changes) -> list:
    """Does what the visitor asked for, and gives what the page then shows: the `changes`, or why it cannot be done."""
    try:
        action()
    except (PictureError, VisitorError) as error:
        return _view(visitor, notice=str(error))
    return _view(visitor, **changes)


def _view(visitor: Visitor, text: str = "", notice: str = "", question: str | None = None) -> list:
    """What the page shows of `visitor` now: chat, question, notice and the three buttons.

    Args:
        text: the answer under way, as far as it has come.
        notice: a sentence for the visitor.
        question: what shall stand in the question's box; None leaves it as it is.
    """
    pending = visitor.pending
    messages = []
    for asked, answered in pending.earlier if pending else visitor.rounds:
        messages += [{"role": "user", "content": asked}, {"role": "assistant", "content": answered or "(no answer)"}]
    if pending:
        messages += [{"role": "user", "content": pending.question}, {"role": "assistant", "content": text or "…"}]
    box = {} if question is None else {"value": question}
    return [
        messages,
        gr.Textbox(submit_btn=not pending, stop_btn=bool(pending), **box),
        notice,
        *[gr.Button(interactive=bool(messages) and not pending) for _ in range(3)],
    ]


def _uploaded(payload: gr.data_classes.ImageData | None) -> str | None:
    """The path of a visitor's picture, unopened: `artgpt4.images` is the one door, and tells what is wrong with it.

    This takes the place of `gr.Image.preprocess`. A browser may send any path; Gradio 6.31 checks only those that are
    marked as files, and opens the others all the same.

    Raises:
        gr.Error: the path is none of an upload.
    """
    if payload is None or payload.path is None:
        return None
    path = Path(payload.path).resolve()
    if not path.is_relative_to(Path(get_upload_folder()).resolve()):
        raise gr.Error("This picture was not uploaded here. Choose it once more.", print_exception=False)
    return str(path)


def _describe(model: "Future[ChatModel]", name: str) -> str:
    error = model.exception()
    if error is not None:
        return f"**{name}** could not be loaded. {_sentence(error)}"
    loaded = model.result()
    return f"**{loaded.name}** · {loaded.device} · {str(loaded.dtype).removeprefix('torch.')}\n\n{loaded.description}"


def _sentence(error: Exception) -> str:
    """What to tell the visitor: the error's own words if they are meant for users, else a number to find in the log."""
    if type(error).__name__ in _FOR_USERS:
        return str(error)
    number = secrets.token_hex(3)
    _log.error("Error %s", number, exc_info=error)
    return f"Something went wrong on the server, and its log tells what (error {number})."


def _thumbnail(path: Path) -> Image.Image:
    picture = Image.open(path)
    picture.draft("RGB", (320, 320))
    picture.thumbnail((320, 320))
    return picture


def _caption(path: Path) -> str:
    return path.stem.lstrip("0123456789-_ ").replace("_", " ").replace("-", " ").capitalize()
