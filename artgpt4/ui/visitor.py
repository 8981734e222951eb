"""One visitor's side of the talk: the picture, the conversation and what is being written just now.

All of it stays on the server. The browser sends a question, the path of its own upload and the parameters, and never
the transcript: a transcript that the browser could send back could be forged.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from artgpt4.images import open_picture

if TYPE_CHECKING:
    from torch import Tensor

    from artgpt4.attention import AnswerAttention
    from artgpt4.chat import ChatModel, Conversation, Round

#: Seconds between two updates of the page: a model faster than this would only keep the browser busy redrawing.
UPDATE_EVERY = 0.05


#: Pixels on a picture's longer side that are kept: no model looks at more, and every open page keeps one.
LARGEST_SIDE = 2048

#: Two events of one page may want the same picture looked at; the model does one at a time anyway.
_preparing = threading.Lock()


class VisitorError(Exception):
    """The visitor asked for something that cannot be done now. Its text is the sentence to show."""


@dataclass(eq=False)
class Pending:
    """A question that is waiting for its answer or being answered."""

    question: str
    earlier: list[tuple[str, str]]  # the rounds before it
    ask: Callable[["Conversation", dict], Iterator[str]]
    branches: bool = False  # what it takes the place of is kept as another variant of the talk
    taken: bool = False  # somebody is answering it
    stopped: bool = False


class Visitor:
    """What the server keeps for one open page; `gr.State` makes one per page and closes it some time after."""

    def __init__(self):
        self.path: str | None = None
        self.picture: Image.Image | None = None
        self.conversation: Conversation | None = None
        self.pending: Pending | None = None
        self.language = "en"
        self._forget_talk()

    def _forget_talk(self) -> None:
        self.variants: list[list[Round]] = []  # of the talk; the current one is the conversation's own
        self.variant = 0
        self.chosen: int | None = None  # the answer to look at closely; None: the last
        self.emotions: dict[str, float] | None = None
        self.attention: tuple[Round, AnswerAttention] | None = None  # of the answer looked at last
        self.is_looking = False  # where the model looked shall be shown

    def show(self, path: str | None) -> bool:
        """Takes the picture at `path` for the talk to come, and tells whether it did: the same one changes nothing.

        Raises:
            PictureError: the file is no picture that can be used. The visitor then has none.
        """
        if path == self.path:
            return False
        try:
            picture = open_picture(path) if path else None
        except ValueError:
            self.close()
            raise
        if picture:
            picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
        if path == self.path:  # two events of one page have both been opening it
            return False
        self.close()
        self.path, self.picture = path, picture
        return True

    def request(self, question: str) -> None:
        """Notes a question for `answer`. Raises VisitorError: no question, no picture, or another answer under way."""
        question = question.strip()
        if not question:
            raise VisitorError("Write a question first, or tap one of the suggestions.")
        self._note(question, self.rounds, lambda conversation, parameters: conversation.ask(question, **parameters))

    def request_again(self) -> None:
        """Notes that the last question shall be answered afresh. Raises VisitorError: there is none yet."""
        if not self.rounds:
            raise VisitorError("There is no answer yet to try again.")
        *earlier, (question, _) = self.rounds
        self._note(question, earlier, lambda conversation, parameters: conversation.retry(**parameters), True)

    def request_edit(self, index: int, question: str) -> None:
        """Notes that question `index` (from 0) shall be another one. Raises VisitorError: there is no such question."""
        question = question.strip()
        if not question:
            raise VisitorError("Write a question first, or tap one of the suggestions.")
        if not 0 <= index < len(self.rounds):
            raise VisitorError("That question is no longer there.")
        self._note(
            question,
            self.rounds[:index],
            lambda conversation, parameters: conversation.edit(index, question, **parameters),
            True,
        )

    def _note(self, question: str, earlier: list[tuple[str, str]], ask: Callable, branches: bool = False) -> None:
        if self.pending is not None:
            raise VisitorError("The last answer is still being written. Wait for it, or stop it.")
        if self.picture is None:
            raise VisitorError("Choose a picture first: drop one in, or take one of the examples.")
        self.pending = Pending(question, earlier, ask, branches)

    def prepare(self, model: "Future[ChatModel]") -> None:
        """Lets the model look at the picture, if it is there and has not yet: then the first answer comes sooner."""
        with _preparing:
            picture = self.picture
            if self.conversation is not None or picture is None or not model.done():
                return
            conversation = model.result().start(picture)
            if self.picture is picture:
                self.conversation, self.picture = conversation, conversation.picture
            else:  # the visitor has chosen another meanwhile
                conversation.close()

    def answer(self, model: "Future[ChatModel]", parameters: dict) -> Iterator[str]:
        """Answers what was noted, if anything was.

        Args:
            model: the model, perhaps still being loaded; then this waits for it, yielding "".
            parameters: keyword arguments of `Conversation.ask`.

        Yields:
            The whole answer so far, at most every `UPDATE_EVERY` seconds. Closing this generator, or `stop`, closes the
            conversation's own and thereby frees the worker.
        """
        pending = self.pending
        if pending is None or pending.taken:
            return
        pending.taken = True
        try:
            while not wait([model], timeout=0.2).done and not pending.stopped:
                yield ""
            if pending.stopped:
                return
            self.prepare(model)
            conversation, before = self.conversation, self.conversation.rounds
            try:
                with closing(pending.ask(conversation, parameters)) as stream:
                    shown = 0.0
                    for text in stream:
                        if pending.stopped:
                            break
                        if time.monotonic() - shown >= UPDATE_EVERY:
                            shown = time.monotonic()
                            yield text
            except Exception:
                # What was to be replaced is still there; and a question without any answer goes back into its box.
                if pending.branches or not (conversation.rounds and conversation.rounds[-1].answer):
                    conversation.rounds = before
                raise
            finally:
                self.chosen = None
                if pending.branches and conversation is self.conversation and conversation.rounds is not before:
                    self._keep_variant(before)
        finally:
            if self.pending is pending:
                self.pending = None

    def stop(self) -> None:
        """Ends the answer under way within one token; one that was still waiting for its turn never starts."""
        if self.pending is None:
            return
        self.pending.stopped = True
        if not self.pending.taken:
            self.pending = None
        elif self.conversation is not None:
            self.conversation.stop()

    def undo(self) -> None:
        """Takes back the last question and its answer. Raises VisitorError: there is none, or one is under way."""
        if self.pending is not None:
            raise VisitorError("The last answer is still being written. Stop it first.")
        if not self.rounds:
            raise VisitorError("There is nothing to take back.")
        self.conversation.undo()
        self.chosen = None

    def _keep_variant(self, before: "list[Round]") -> None:
        """Keeps the talk as it was, beside the one that has taken its place."""
        self.variants = self.variants or [before]
        self.variants[self.variant] = before
        self.variants.append(self.conversation.rounds)
        self.variant = len(self.variants) - 1

    def switch(self, step: int) -> None:
        """Goes to another variant of the talk, `step` further on. Raises VisitorError: an answer is under way."""
        if self.pending is not None:
            raise VisitorError("The last answer is still being written. Stop it first.")
        if not self.variants:
            return
        self.variants[self.variant] = self.conversation.rounds
        self.variant = (self.variant + step) % len(self.variants)
        # Nothing else: the next question reads as much anew as the cache does not share with this variant.
        self.conversation.rounds = self.variants[self.variant]
        self.chosen = None

    def choose(self, index: int) -> None:
        """Takes answer `index` (from 0) to look at closely; one that is not there is ignored."""
        if 0 <= index < len(self.rounds):
            self.chosen = index

    @property
    def round(self) -> "Round | None":
        """The answer to look at closely."""
        if not self.rounds:
            return None
        return self.conversation.rounds[-1 if self.chosen is None else self.chosen]

    def feel(self) -> None:
        """Has the model say how likely it finds each emotion, once for a picture."""
        from artgpt4.emotions import emotion_probabilities

        if self.emotions is None and self.conversation is not None:
            self.emotions = emotion_probabilities(self.conversation)

    def look(self) -> None:
        """Has the model say where it looked, once for an answer."""
        from artgpt4.attention import answer_attention  # needs torch, and the page is to open before

        round = self.round
        if round is not None and round.answer and (self.attention is None or self.attention[0] is not round):
            self.attention = round, answer_attention(self.conversation, self.conversation.rounds.index(round))

    def importance(self, start: int, end: int) -> "Tensor":
        """[rows, columns]: how much each part of the picture mattered for a part of the answer looked at last.

        Raises:
            ValueError: nothing was said there, or the answer is no longer part of the talk.
        """
        from artgpt4.attention import importance

        return importance(self.conversation, self.conversation.rounds.index(self.attention[0]), start, end)

    def clear(self) -> None:
        """Forgets the talk, and keeps the picture."""
        self.stop()
        if self.conversation is not None:
            self.conversation.close()
        self.conversation = self.pending = None
        self._forget_talk()

    def close(self) -> None:
        """Forgets everything, and frees what the conversation held."""
        self.clear()
        self.path = self.picture = None

    @property
    def rounds(self) -> list[tuple[str, str]]:
        """The finished rounds, as (question, answer)."""
        return [(r.question, r.answer) for r in self.conversation.rounds] if self.conversation else []
