"""The drawer for further pictures in one conversation, and how the model finds each of them."""

from concurrent.futures import Future
from types import SimpleNamespace
from typing import TYPE_CHECKING

import gradio as gr
from PIL import Image

from artgpt4.images import open_picture
from artgpt4.ui.errors import sentence
from artgpt4.ui.pictures import UploadedImage
from artgpt4.ui.visitor import LARGEST_SIDE, Visitor, VisitorError
from artgpt4.ui.words import say

if TYPE_CHECKING:
    from artgpt4.chat import ChatModel

#: Pictures in one conversation: each takes its place in what the model can read at once.
MOST = 4
_PATIENCE = 300
_WARNING = (
    "Ask about several pictures at once, such as *Which is sadder?* Models of this kind have learnt from one picture "
    "at a time and are likely to fail at it; what the table says comes from looking at each picture alone."
)


def add_picture(visitor: Visitor, model: "Future[ChatModel]", path: str) -> None:
    """Adds the picture at `path` to the visitor's talk; it is shown to the model with the next question.

    Raises:
        VisitorError: there is no first picture, there are too many, or an answer is under way.
        PictureError, ChatError: as `Conversation.add_picture` does.
    """
    if visitor.pending is not None:
        raise VisitorError("The last answer is still being written. Wait for it, or stop it.")
    if visitor.picture is None:
        raise VisitorError("Choose a first picture for the talk, then add others.")
    picture = open_picture(path)
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    model.result(timeout=_PATIENCE)
    visitor.prepare(model)
    if len(visitor.conversation.pictures) >= MOST:
        raise VisitorError("There can be 4 pictures in one talk. Clear it to begin another.")
    visitor.conversation.add_picture(picture)


def emotion_table(visitor: Visitor) -> str:
    """p(emotion | picture) for each picture alone, as a Markdown table; empty with fewer than two pictures."""
    from artgpt4.emotions import EMOTIONS, emotion_probabilities

    conversation = visitor.conversation
    if conversation is None or len(conversation.pictures) < 2:
        return ""
    columns = [emotion_probabilities(conversation.about(index)) for index in range(len(conversation.pictures))]
    language = visitor.language
    header = [say("Each picture alone", language), *_names(len(columns), language)]
    rows = [header, ["---"] + ["--:"] * len(columns)]
    for emotion in EMOTIONS:
        shares = [column[emotion] for column in columns]
        told = [f"{share:.0%}".replace("%", " %") if share >= 0.01 else "< 1 %" for share in shares]
        most = told[shares.index(max(shares))]
        stands_out = told.count(most) == 1
        rows.append(
            [say(emotion, language), *(f"**{text}**" if stands_out and text == most else text for text in told)]
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def build_several(model: "Future[ChatModel]", visitor: gr.State) -> SimpleNamespace:
    """Builds the drawer where it is called.

    Args:
        model: the model, perhaps still being loaded.
        visitor: the page's `Visitor`.

    Returns:
        `after`, to be called with every event that begins another talk.
    """

    def add_further(path: str | None, visitor: Visitor):
        if path is None:
            return [gr.skip()] * 4
        try:
            add_picture(visitor, model, path)
            return [
                None,
                _shown(visitor),
                say("The next question is about all of them.", visitor.language),
                emotion_table(visitor),
            ]
        except Exception as error:  # whatever went wrong, the visitor gets a sentence
            return [None, gr.skip(), sentence(error, visitor.language), gr.skip()]

    def refresh_further(visitor: Visitor):
        several = visitor.conversation is not None and len(visitor.conversation.pictures) > 1
        return [_shown(visitor), "", emotion_table(visitor) if several else ""]

    with gr.Accordion("Further pictures", open=False, elem_id="several"):
        gr.Markdown(_WARNING)
        with gr.Row():
            added = UploadedImage(
                type="filepath",
                image_mode=None,
                sources=["upload", "clipboard"],
                buttons=[],
                label="Add another picture",
                placeholder="Drop a picture here\nor tap to choose one",
                height=150,
                elem_id="another",
                alt_text="A further picture",
            )
            gallery = gr.Gallery(
                label="Pictures of this talk",
                columns=MOST,
                height=150,
                object_fit="contain",
                buttons=[],
                visible=False,
                interactive=False,
                elem_id="pictures",
            )
        notice = gr.Markdown(elem_id="several-notice")
        table = gr.Markdown(elem_id="several-table")

    added.upload(
        add_further,
        [added, visitor],
        [added, gallery, notice, table],
        concurrency_id="model",
        concurrency_limit=4,
        show_progress="hidden",
        api_visibility="private",
    )

    def after(event) -> None:
        event.then(
            refresh_further,
            visitor,
            [gallery, notice, table],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )

    return SimpleNamespace(after=after)


def _shown(visitor: Visitor) -> gr.Gallery:
    pictures = visitor.conversation.pictures if visitor.conversation else []
    thumbnails = [_thumbnail(picture) for picture in pictures]
    names = _names(len(pictures), visitor.language)
    return gr.Gallery(list(zip(thumbnails, names, strict=True)), visible=len(pictures) > 1)


def _names(count: int, language: str) -> list[str]:
    return [say("Picture {number}", language, number=number) for number in range(1, count + 1)]


def _thumbnail(picture: Image.Image) -> Image.Image:
    picture = picture.copy()
    picture.thumbnail((320, 320))
    return picture
