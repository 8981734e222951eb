"""The same question to two models about one picture, blind: who stands where is drawn, and told after the vote."""

import re
import secrets
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from artgpt4.chat import ChatModel, Conversation

#: Of an answer, in tokens.
LONGEST = 200
#: What an answer may call itself: that would give away who speaks.
_NAMES = re.compile(r"\b(?:(?:mini|art|gallery)[\s-]?gpt|vicuna|llava|llama|alpaca|qwen)[\w.-]*", re.IGNORECASE)


def contestants(model: "ChatModel", other: "ChatModel | None" = None) -> "list[ChatModel]":
    """The two to compare: the model and the other one; or without another, the model with and without its adapter.

    Raises:
        CompareError: there is no other, and the model has no adapter to be without; or both are the same.
    """
    if other is not None:
        if other.name == model.name:
            raise CompareError(
                "same", f"{model.name} cannot be compared with itself; name another model with --compare."
            )
        return [model, other]

    from peft import PeftModel  # takes seconds, and the page is to open before

    from artgpt4.chat import WithoutAdapter

    if not isinstance(getattr(model, "model", None), PeftModel):
        raise CompareError(
            "no_adapter", f"{model.name} has no adapter to be without: name a second model with --compare."
        )
    return [model, WithoutAdapter(model)]


class CompareError(ValueError):
    """There are no two models to compare. Its text is a sentence for the visitor.

    Attributes:
        code: ``same`` or ``no_adapter``.
    """

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


class Contest:
    """One page's comparisons: a picture, the question under way, and who stands where.

    Attributes:
        picture, path: what both are shown, and the upload that it comes from.
        example: the name of the page's own picture, if it is one.
        question: what both were asked last.
        is_running: a question is under way.
        sides: the names on the left and on the right; None until a question was asked.
        answers: left and right, as far as they have come, with names in them made unreadable.
        is_open: both have answered, and nobody has voted.
        language: of the page, "en" or "zh".
    """

    def __init__(self):
        self.language = "en"
        self._forget()

    def _forget(self) -> None:
        self.picture: Image.Image | None = None
        self.path: str | None = None
        self.example: str | None = None
        self.question = ""
        self.conversations: dict[str, Conversation] = {}  # by the model's name
        self.sides: tuple[str, str] | None = None
        self.answers = ("", "")
        self.is_open = self.is_running = False

    def ask(self, models: "Sequence[ChatModel]", question: str) -> Generator[tuple[str, str]]:
        """Puts the question to both, each token of one after a token of the other, with the same seed.

        Yields:
            Both answers so far, left and right. Closing the generator ends both.

        Raises:
            PictureError, ChatError: as `ChatModel.start` and `Conversation.ask` do.
        """
        self.stop()
        left, right = models if secrets.randbits(1) else reversed(models)
        self.sides, self.answers, self.is_open, self.is_running = (left.name, right.name), ("", ""), False, True
        seed, running = secrets.randbits(31), self.sides
        try:
            streams = []
            for model in (left, right):
                if model.name not in self.conversations:
                    self.conversations[model.name] = model.start(self.picture)
                conversation = self.conversations[model.name]
                conversation.rounds = []  # each question by itself
                streams.append(conversation.ask(question, max_new_tokens=LONGEST, seed=seed))
            with closing(streams[0]), closing(streams[1]):
                for texts in _in_turns(streams):
                    if not self.is_running or running is not self.sides:
                        return
                    self.answers = tuple(_NAMES.sub("▒▒▒", text) for text in texts)
                    yield self.answers
            self.is_open = self.is_running
        finally:
            if running is self.sides:
                self.is_running = False

    def stop(self) -> None:
        """Ends both answers; they cannot be voted on then."""
        self.is_running = False
        for conversation in self.conversations.values():
            conversation.stop()

    def close_vote(self) -> tuple[str, str] | None:
        """Who stood left and right, once; None if there is nothing to vote on, or a vote was cast already."""
        if not self.is_open:
            return None
        self.is_open = False
        return self.sides

    def close(self) -> None:
        """Ends and forgets everything."""
        self.stop()
        for conversation in self.conversations.values():
            conversation.close()
        self._forget()


def _in_turns(streams: Sequence[Iterator[str]]) -> Iterator[list[str]]:
    """The last of each, every time that one of them has gone on, until all have ended."""
    last, running = [""] * len(streams), set(range(len(streams)))
    while running:
        for index in sorted(running):
            try:
                last[index] = next(streams[index])
            except StopIteration:
                running.discard(index)
        yield list(last)
