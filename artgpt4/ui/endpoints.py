"""The page's named endpoints, for gradio_client and plain HTTP: /describe, /chat and /emotions."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder

from artgpt4.service import Service
from artgpt4.ui.errors import sentence


def add_endpoints(page: gr.Blocks, service: Service) -> None:
    """Adds the three to the page. They take turns with its visitors: same queue, same limit."""

    def describe(picture: gr.FileData) -> str:
        """Describes a picture, with the mood it has."""
        with _told():
            return service.describe(uploaded(picture))

    def chat(picture: gr.FileData, question: str, earlier: list[list[str]] = []) -> str:  # noqa: B006
        """Answers a question about a picture, and streams the whole answer so far.

        `earlier` are the rounds before this question, each as [question, answer].
        """  # a generator; Gradio takes the annotation for the type of each of its values
        with _told():
            if not isinstance(question, str) or not _are_rounds(earlier):
                raise gr.Error("Give a question, and earlier rounds as [[question, answer], ...].")
            yield from service.chat(uploaded(picture), question, [tuple(round) for round in earlier])

    def emotions(picture: gr.FileData) -> dict[str, float]:
        """p(emotion | picture) over the nine emotions of ArtEmis, which sum to 1."""
        with _told():
            return service.emotions(uploaded(picture))

    with page:
        for function in (describe, chat, emotions):
            gr.api(function, api_name=function.__name__, concurrency_id="model", concurrency_limit=4)


def uploaded(picture: dict | None) -> Path:
    """The path of a file that was uploaded here. Raises gr.Error: it is none, whatever a client may send."""
    path = picture.get("path") if isinstance(picture, dict) else None
    path = Path(path).resolve() if isinstance(path, str) else None
    if path is None or not path.is_relative_to(Path(get_upload_folder()).resolve()):
        raise gr.Error("Upload a picture first: with gradio_client, give handle_file(PATH).", print_exception=False)
    return path


def _are_rounds(earlier) -> bool:
    return isinstance(earlier, list) and all(
        isinstance(round, list | tuple) and len(round) == 2 and all(isinstance(text, str) for text in round)
        for round in earlier
    )


@contextmanager
def _told() -> Iterator[None]:
    """Turns what is raised into a sentence for the client."""
    try:
        yield
    except gr.Error:
        raise
    except Exception as error:
        raise gr.Error(sentence(error), print_exception=False) from error
