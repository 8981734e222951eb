"""Conversations with a model that does not run in this process: the transcript is here, answers are computed there."""

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import takewhile
from typing import Protocol

from PIL import Image

from artgpt4.chat import ChatError, Conversation, Parameters, Round
from artgpt4.images import open_picture
from artgpt4.neutralise import neutralise

#: Of a question: beyond that it is not sent.
MAX_CHARACTERS = 20_000


class ModelElsewhere(Protocol):
    """What a conversation needs of such a model, beside the name, device, dtype and description that the page shows."""

    def stream(
        self, picture: Image.Image, rounds: Sequence[Round], parameters: Parameters
    ) -> Iterator[tuple[str, str, int]]:
        """Answers the last of the rounds.

        Yields:
            The whole answer so far; why it ended (as `Round.end`), empty while it grows; and its number of tokens.

        Raises:
            ChatError: it cannot be answered.
        """


def start(model: ModelElsewhere, picture: bytes | str | os.PathLike | Image.Image) -> "ConversationElsewhere":
    """Opens a conversation about a picture. Raises PictureError: it cannot be used."""
    return ConversationElsewhere(model, open_picture(picture))


class ConversationElsewhere(Conversation):
    """`Conversation`'s methods and promises; the other side is sent the picture and the rounds with each question."""

    def __init__(self, model: ModelElsewhere, picture: Image.Image):
        self.model = model
        self.pictures = [picture]
        self.rounds: list[Round] = []
        self._turn = object()
        self._is_closed = False

    @property
    def cache_bytes(self) -> int:
        """0: nothing is kept here between rounds."""
        return 0

    @property
    def query_output(self):
        """Raises ChatError: what an engine elsewhere makes of a picture cannot be seen from here."""
        raise ChatError("elsewhere", "This model runs elsewhere, and does not tell where it looked.")

    def close(self) -> None:
        """Stops. The transcript can still be read."""
        self.stop()
        self._is_closed = True

    def add_picture(self, picture: bytes | str | os.PathLike | Image.Image) -> None:
        """Raises ChatError: only a model that runs here is shown several pictures."""
        raise ChatError(
            "one_picture", "This model is shown one picture in a conversation. Clear it to talk about another."
        )

    def about(self, index: int) -> "ConversationElsewhere":
        """A new conversation about the picture."""
        return ConversationElsewhere(self.model, self.pictures[index])

    def candidate_probabilities(self, picture, question, candidates) -> dict[str, float]:
        """See `artgpt4.likelihood`; of this conversation's picture."""
        return self.model.candidate_probabilities(self.picture, question, candidates)

    def _begin(self, earlier: Sequence[Round], text: str, parameters: Parameters) -> Iterator[str]:
        if self._is_closed:
            raise ChatError("closed", "This conversation is closed. Start a new one with the picture.")
        question = neutralise(text).strip() if len(text) <= MAX_CHARACTERS else text
        if len(question) > MAX_CHARACTERS:
            raise ChatError("too_long", f"This question has {len(text)} characters; {MAX_CHARACTERS} can be sent.")
        if not question:
            raise ChatError("empty_question", "The question is empty. Type one, or choose one of the suggestions.")
        seed = secrets.randbits(31) if parameters.seed is None else parameters.seed
        self.rounds = [*earlier, Round(question, seed=seed)]
        self._turn = object()
        return self._answer(self.rounds[-1], list(self.rounds), replace(parameters, seed=seed), self._turn)

    def _answer(self, round: Round, rounds: list[Round], parameters: Parameters, turn: object) -> Iterator[str]:
        with closing(self.model.stream(self.picture, rounds, parameters)) as stream:
            yield from self._note(round, takewhile(lambda _: turn is self._turn, stream))
