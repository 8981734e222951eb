"""What the app offers to programs: three functions that read a picture and change nothing.

The page's named endpoints (artgpt4.ui.endpoints) and the MCP server (artgpt4.mcp_server) are both made of these.
"""

import os
from collections.abc import Generator, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

from PIL import Image

from artgpt4.images import open_picture
from artgpt4.neutralise import neutralise

if TYPE_CHECKING:
    from artgpt4.chat import ChatModel

DESCRIBE = "Describe this picture in detail, with the mood it has."
#: Rounds of a conversation, and characters of a question or an answer, that a program may send.
MAX_ROUNDS, MAX_TEXT = 50, 4000


class Loading(Future):
    """A model on its way. `fetched`: bytes of its weights that are here, and of all; None before they are known."""

    fetched: tuple[int, int] | None = None


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
            # As `ask` would have noted them; answers are defused where the prompt is made.
            conversation.rounds = [Round(neutralise(asked).strip(), answered) for asked, answered in earlier]
            yield from conversation.ask(question)
        finally:
            conversation.close()

    def emotions(self, picture: bytes | str | os.PathLike | Image.Image) -> dict[str, float]:
        """p(emotion | picture) over ArtEmis's nine emotions, by the model's own likelihoods."""
        from artgpt4.emotions import emotion_probabilities

        return emotion_probabilities(self._wait(), open_picture(picture))

    def _wait(self) -> "ChatModel":
        from artgpt4.chat import ChatError, deadline

        try:
            return self._model.result(timeout=deadline())
        except TimeoutError as error:
            raise ChatError("loading", "The model is still being loaded. Try again in a minute.") from error
