"""What the app offers to programs: three functions that read a picture and change nothing.

The page's named endpoints (artgpt4.ui.endpoints) and the MCP server (artgpt4.mcp_server) are both made of these.
"""

import os
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from typing import TYPE_CHECKING

from PIL import Image

from artgpt4.images import open_picture

if TYPE_CHECKING:
    from artgpt4.chat import ChatModel

DESCRIBE = "Describe this picture in detail, with the mood it has."
#: Rounds of a conversation, and characters of a question or an answer, that a program may send.
MAX_ROUNDS, MAX_TEXT = 50, 4000


def deadline() -> float:
    """Seconds that one answer may take: $ARTGPT4_DEADLINE, or 300."""
    return float(os.environ.get("ARTGPT4_DEADLINE") or 300)


def within(stream: Iterator[str], seconds: float) -> Generator[str]:
    """The stream until so many seconds from now; then it is closed, which ends the answer where it is."""
    end = time.monotonic() + seconds
    with closing(stream):
        for text in stream:
            yield text
            if time.monotonic() > end:
                return


class Loading(Future):
    """A model on its way. `progress`: how far it has come, in words for the page; empty if there is nothing to say."""

    progress = ""


class Service:
    """The three functions. Each raises PictureError, ChatError or LoadError, in words for the user.

    Args:
        model: what is talked with; while it is being loaded, calls wait for it as long as an answer may take.
    """

    def __init__(self, model: "Future[ChatModel]"):
        self._model = model

    def describe(self, picture: bytes | str | os.PathLike | Image.Image) -> str:
        """A description of the picture, with the mood it has."""
        *_, text = ["", *self.chat(picture, DESCRIBE)]
        return text

    def chat(
        self,
        picture: bytes | str | os.PathLike | Image.Image,
        question: str,
        earlier: Sequence[tuple[str, str]] = (),
    ) -> Generator[str]:
        """Yields the whole answer so far, each time it has grown.

        Args:
            picture: its bytes, its path or the picture.
            question: what is asked now.
            earlier: the rounds before, as (question, answer); the program keeps them, and the server does not.
        """
        from artgpt4.chat import ChatError, Round

        if len(earlier) > MAX_ROUNDS or any(len(text) > MAX_TEXT for text in [question, *sum(map(tuple, earlier), ())]):
            raise ChatError(
                "too_long", f"At most {MAX_ROUNDS} rounds of {MAX_TEXT} characters can be sent; send the last ones."
            )
        conversation = self._wait().start(open_picture(picture))
        try:
            conversation.rounds = [Round(asked, answered) for asked, answered in earlier]
            yield from within(conversation.ask(question), deadline())
        finally:
            conversation.close()

    def emotions(self, picture: bytes | str | os.PathLike | Image.Image) -> dict[str, float]:
        """p(emotion | picture) over ArtEmis's nine emotions, by the model's own likelihoods."""
        from artgpt4.emotions import emotion_probabilities

        return emotion_probabilities(self._wait(), open_picture(picture))

    def _wait(self) -> "ChatModel":
        return self._model.result(timeout=deadline())
