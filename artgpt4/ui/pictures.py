"""Pictures on the pages: those that visitors bring, and those there are to choose from."""

from collections.abc import Sequence
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder
from PIL import Image


class UploadedImage(gr.Image):
    """`gr.Image`, which gives the path of a visitor's picture, unopened: `artgpt4.images` is the one door.

    A browser may send any path; Gradio 6.31 checks only those that are marked as files, and opens the others all the
    same. This is a class, since Gradio makes a component anew wherever one of its texts is changed.
    """

    is_template = True  # to the front end it is an Image

    def preprocess(self, payload: gr.data_classes.ImageData | None) -> str | None:
        """The path of an upload. Raises gr.Error: it is none of an upload."""
        if payload is None or payload.path is None:
            return None
        path = Path(payload.path).resolve()
        if not path.is_relative_to(Path(get_upload_folder()).resolve()):
            raise gr.Error("This picture was not uploaded here. Choose it once more.", print_exception=False)
        return str(path)


def build_picture(elem_id: str, alt_text: str, height: int, webcam: bool = False) -> UploadedImage:
    """The place for a visitor's picture, where it is called."""
    return UploadedImage(
        type="filepath",
        image_mode=None,
        sources=["upload", "clipboard", *(["webcam"] if webcam else [])],
        buttons=["fullscreen"],
        label="Picture",
        show_label=False,
        placeholder="Drop a picture here\nor tap to choose one,\nor take an example",
        height=height,
        elem_id=elem_id,
        alt_text=alt_text,
    )


def build_examples(examples: Sequence[Path], elem_id: str) -> gr.Gallery:
    """A strip of the picture files there are to choose from."""
    return gr.Gallery(
        [(thumbnail(path), caption(path)) for path in examples],
        label="Examples",
        show_label=False,
        allow_preview=False,
        buttons=[],
        columns=6,
        object_fit="cover",
        visible=bool(examples),
        interactive=False,
        elem_id=elem_id,
        elem_classes="examples",
    )


def thumbnail(path: Path) -> Image.Image:
    """The picture at 320 pixels."""
    picture = Image.open(path)
    picture.draft("RGB", (320, 320))
    picture.thumbnail((320, 320))
    return picture


def caption(path: Path) -> str:
    """What the file's name says."""
    return path.stem.lstrip("0123456789-_ ").replace("_", " ").replace("-", " ").capitalize()
