"""The drawer in which a visitor keeps a talk: downloads, a read-only link, and going on with it another day."""

import logging
import secrets
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from artgpt4.export import Exchange, Transcript, from_json, jpeg, to_html, to_json, to_markdown
from artgpt4.kept import DAYS, KeepError, Kept, new_token, reading_token
from artgpt4.ui import view
from artgpt4.ui.errors import sentence
from artgpt4.ui.visitor import Visitor, VisitorError
from artgpt4.ui.words import say

if TYPE_CHECKING:
    from artgpt4.chat import ChatModel

#: Links that one open page may make: a talk has few moments worth one.
MAX_LINKS = 20
#: Seconds for which going on with a talk waits for a model that is being loaded.
_PATIENCE = 300
_FORMATS = {
    "Download as a web page": (to_html, "html"),
    "Download as Markdown": (to_markdown, "md"),
    "Download as JSON": (lambda transcript, _: to_json(transcript), "json"),  # for programs: the same in any language
}
_ENOUGH = "That is as many links as one page can make. Download the talk instead."
_LINKED = "The link shows the talk as it is now, to whoever has it, for {days} days."
_OFFER = "A talk of {day} is kept for this browser."
_FORGOTTEN = "Nothing of your talk is kept any more."
_KEPT = "Your talk and its picture are kept on the server for {days} days, for this browser only."
_DOWNLOAD = """(file) => {
  if (!file) return;
  const link = document.createElement("a");
  link.href = file.url; link.download = file.orig_name;
  document.body.append(link); link.click(); link.remove();
}"""
#: Links begin where the app does, wherever a proxy or a Space has put it.
_COMPLETE = """(link, undo) => {
  const root = window.gradio_config.root.replace(/[/]$/, "");
  return [link, undo].map((path) => path.startsWith("/") ? root + path : path);
}"""

_log = logging.getLogger(__name__)


def transcript_of(visitor: Visitor) -> Transcript:
    """The visitor's talk as it is now.

    Raises:
        VisitorError: there is none, or an answer is still being written.
    """
    if visitor.pending is not None:
        raise VisitorError("The last answer is still being written. Wait for it, or stop it.")
    conversation = visitor.conversation
    if conversation is None or not conversation.rounds:
        raise VisitorError("There is nothing to keep yet. Ask a question first.")
    return Transcript(
        model=conversation.model.name,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        pictures=tuple(jpeg(picture) for picture in conversation.pictures),
        exchanges=tuple(
            Exchange(r.question, r.answer, view.notice(r, visitor.language), r.pictures) for r in conversation.rounds
        ),
    )


def resume(visitor: Visitor, model: "Future[ChatModel]", transcript: Transcript) -> str:
    """Makes the kept talk the visitor's, whatever was there; the model reads it when the next question comes.

    Returns:
        The picture's path, as if the visitor had uploaded it.
    """
    from artgpt4.chat import Round  # takes seconds, and the page is to open before

    model.result(timeout=_PATIENCE)
    path, *_ = [save_bytes_to_cache(p, "picture.jpg", get_upload_folder()) for p in transcript.pictures]
    path = str(Path(path).resolve())
    visitor.close()
    visitor.show(path)
    visitor.prepare(model)
    for picture in transcript.pictures[1:]:
        visitor.conversation.add_picture(picture)
    visitor.conversation.rounds = [
        Round(e.question, e.answer, "said", pictures=e.pictures) for e in transcript.exchanges
    ]
    return path


def build_offer() -> SimpleNamespace:
    """Builds, where it is called, what is shown when a talk is kept for this browser."""
    with gr.Row(visible=False, elem_id="kept") as row:
        notice = gr.Markdown(elem_id="kept-notice")
        go = gr.Button("Go on with it", size="sm", min_width=0, variant="primary")
        forget = gr.Button("Forget it", size="sm", min_width=0)
    return SimpleNamespace(row=row, notice=notice, go=go, forget=forget)


def build_keeping(
    page: gr.Blocks,
    model: "Future[ChatModel]",
    visitor: gr.State,
    picture: gr.Image,
    offered: SimpleNamespace,
    folder: Path,
) -> SimpleNamespace:
    """Builds the drawer where it is called.

    Args:
        page: offers a kept talk when it is opened.
        model: the model, perhaps still being loaded.
        visitor: the page's `Visitor`.
        picture: shows the picture of a talk that goes on.
        offered: what `build_offer` gave.
        folder: where links and talks are kept.

    Returns:
        `resumed`, the event after which the page has to show the visitor's talk anew; and `after`, to be called with
        every event that ends an answer or takes one back.
    """
    links, talks = Kept(folder / "links"), Kept(folder / "talks")

    def download(make: Callable[[Transcript, str], str], suffix: str) -> Callable:
        def download_it(visitor: Visitor):
            try:
                transcript = transcript_of(visitor)
            except VisitorError as error:
                return None, say(str(error), visitor.language)
            content = make(transcript, visitor.language).encode()
            # The folder's name must not be told by the content: whoever knows a file's address can fetch it.
            folder = str(Path(get_upload_folder()) / secrets.token_hex(16))
            return save_bytes_to_cache(content, f"talk-{transcript.time[:10]}.{suffix}", folder), ""

        return download_it

    def make_link(visitor: Visitor, made: int):
        skipped = [gr.skip()] * 3
        if made >= MAX_LINKS:
            return [*skipped, say(_ENOUGH, visitor.language)]
        secret = new_token()
        try:
            links.put(reading_token(secret), to_json(transcript_of(visitor)))
        except (VisitorError, KeepError) as error:
            return [*skipped, say(str(error), visitor.language)]
        to_read = gr.Textbox(f"/s/{reading_token(secret)}", visible=True)
        to_withdraw = gr.Textbox(f"/withdraw/{secret}", visible=True)
        return [to_read, to_withdraw, made + 1, say(_LINKED, visitor.language, days=DAYS)]

    def offer(token, visitor: Visitor):
        there = _read(talks, token)
        if there is None:
            return [gr.Row(visible=False), ""]
        return [gr.Row(visible=True), say(_OFFER, visitor.language, day=there.time[:10])]

    def go_on(token, visitor: Visitor):
        there = _read(talks, token)
        if there is None:
            return [gr.skip(), gr.Row(visible=False), "", gr.skip(), ""]
        try:
            return [resume(visitor, model, there), gr.Row(visible=False), "", gr.Checkbox(True), token]
        except Exception as error:  # whatever went wrong, the visitor gets a sentence
            return [gr.skip(), gr.skip(), sentence(error, visitor.language), gr.skip(), gr.skip()]

    def forget(token):
        if isinstance(token, str):
            talks.drop(token)
        return ["", gr.Row(visible=False)]

    def keep(wanted: bool, before, visitor: Visitor):
        """Begins to keep the talk, or forgets what was kept; the browser holds the token and nothing else."""
        if isinstance(before, str):
            talks.drop(before)
        if not wanted:
            return ["", "", say(_FORGOTTEN, visitor.language), gr.Row(visible=False)]
        token = new_token()
        try:
            # An answer under way is saved when it ends.
            talks.put(token, to_json(transcript_of(visitor)) if visitor.rounds and not visitor.pending else _NOTHING)
        except KeepError as error:
            return ["", "", say(str(error), visitor.language), gr.skip()]
        return [token, token, say(_KEPT, visitor.language, days=DAYS), gr.Row(visible=False)]

    def save(token: str, visitor: Visitor):
        if visitor.pending or talks.get(token) is None:  # not to be kept, or forgotten from another page
            return
        try:
            talks.put(token, to_json(transcript_of(visitor)) if visitor.rounds else _NOTHING)
        except KeepError as error:
            _log.error("A talk could not be kept: %s", error.__cause__ or error)
            gr.Warning(say(str(error), visitor.language))

    at_once = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    # The browser's: the last talk it had kept. A token is of no use without the server: its key need be no secret.
    token = gr.BrowserState("", storage_key="artgpt4-talk", secret="artgpt4")
    current, made = gr.State(""), gr.State(0)  # the token of this page's own talk if it is kept; links made
    with gr.Accordion("Keep this talk", open=False, elem_id="keeping"):
        notice = gr.Markdown(elem_id="keeping-notice")
        with gr.Row(elem_id="downloads"):
            file = gr.DownloadButton(visible=False)
            for label, (make, suffix) in _FORMATS.items():
                button = gr.Button(label, size="sm", min_width=0)
                made_file = button.click(download(make, suffix), visitor, [file, notice], **at_once)
                made_file.then(None, file, None, js=_DOWNLOAD)
            link = gr.Button("Make a read-only link", size="sm", min_width=0)
        to_read = gr.Textbox(label="Link to read it", interactive=False, visible=False)
        label = "To withdraw it, open this one: keep it to yourself"
        to_withdraw = gr.Textbox(label=label, interactive=False, visible=False)
        wanted = gr.Checkbox(
            label="Let me go on with it another day, in this browser (kept on the server for 30 days)",
            elem_id="keep",
        )

    linked = link.click(make_link, [visitor, made], [to_read, to_withdraw, made, notice], **at_once)
    linked.then(None, [to_read, to_withdraw], [to_read, to_withdraw], js=_COMPLETE)
    page.load(offer, [token, visitor], [offered.row, offered.notice], **at_once)
    wanted.input(keep, [wanted, token, visitor], [token, current, notice, offered.row], **at_once)
    offered.forget.click(forget, token, [token, offered.row], **at_once)
    resumed = offered.go.click(
        go_on,
        [token, visitor],
        [picture, offered.row, offered.notice, wanted, current],
        concurrency_id="model",
        concurrency_limit=4,
        show_progress="hidden",
        api_visibility="private",
    )

    def after(event) -> None:
        event.then(save, [current, visitor], None, **at_once)

    return SimpleNamespace(resumed=resumed, after=after)


#: Kept when a visitor wants a talk kept that has not begun.
_NOTHING = "{}"


def _read(talks: Kept, token) -> Transcript | None:
    text = talks.get(token) if isinstance(token, str) else None
    return from_json(text) if text and text != _NOTHING else None
