"""What the page does when a visitor does something: each turns to the `Visitor`, and shows what then is."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

import gradio as gr

from artgpt4.images import PictureError
from artgpt4.ui import panel, view
from artgpt4.ui.errors import sentence
from artgpt4.ui.parameters import PARAMETERS
from artgpt4.ui.visitor import Pending, Visitor, VisitorError
from artgpt4.ui.words import describe, fetched, say

if TYPE_CHECKING:
    from artgpt4.chat import ChatModel

#: Of one visitor's question; the page stops there, and so does the server.
MAX_QUESTION = 1000
#: Answers written at the same time; they take turns at every token, so a short one need not wait for a long one's end.
AT_ONCE = 4

_log = logging.getLogger(__name__)


class Handlers:
    """The page's handlers, for one model that may still be loading.

    Args:
        model: what `artgpt4.load(name)` will give, or the exception it raised.
        name: the model's name, shown until the model is there.
        examples: picture files to choose from.
    """

    def __init__(self, model: "Future[ChatModel]", name: str, examples: Sequence[Path]):
        self.model, self.name, self.examples = model, name, examples
        self.asked: WeakSet[Pending] = WeakSet()  # every visitor's question that has no whole answer yet
        self.seconds: deque[float] = deque([5.0], maxlen=20)  # that the last answers took

    # Coming in

    def refresh(self, visitor: Visitor) -> list:
        """What is shown of the visitor, in the language that the page has just taken on; a notice stays as it is."""
        chat, question, _, *others = view.talk(visitor)
        return [chat, question, gr.skip(), *others, *view.beside(visitor), view.spans(visitor)]

    async def status(self, visitor: Visitor) -> Iterator[str]:
        while not self.model.done():
            told = say("**{name}** is loading …", visitor.language, name=self.name)
            yield f"{told}\n\n{fetched(self.model, visitor.language)}"
            await asyncio.sleep(0.3)
        yield self._describe(visitor.language)

    def _describe(self, language: str) -> str:
        error = self.model.exception()
        if error is not None:
            told = say("**{name}** could not be loaded.", language, name=self.name)
            return f"{told} {sentence(error, language)}"
        model = self.model.result()
        told = f"**{model.name}** · {model.device} · {str(model.dtype).removeprefix('torch.')}"
        told = f"{told}\n\n{describe(model.description, language)}"
        if language == "en":
            return told
        return f"{told}\n\n{say('Answers are in the language that the model was trained in.', language)}"

    # The picture

    def show(self, path: str | None, visitor: Visitor) -> list:
        clean = ["", "", view.spans(visitor), ""]  # of the last picture, nothing stays beside the next
        try:
            if not visitor.show(path):
                # Taking away a picture that cannot be used comes here once more, and a question may have brought this
                # one already: what the page says of them must stay.
                return [gr.skip()] * 15
        except PictureError as error:
            return [None, *view.talk(visitor, notice=sentence(error, visitor.language)), *clean]
        return [gr.skip(), *view.talk(visitor), *clean]

    def prepare(self, visitor: Visitor) -> None:
        if not self.model.done() or self.model.exception():
            return
        try:
            visitor.prepare(self.model)
        except Exception:  # the question that follows will meet it again, and tell the visitor
            _log.exception("A picture could not be looked at in advance")

    def choose_example(self, chosen: gr.SelectData) -> str:
        return str(self.examples[chosen.index])

    # The talk

    def ask(self, question: str, path: str | None, visitor: Visitor) -> list:
        def request():
            visitor.show(path)  # the picture's own event may still be on its way
            visitor.request(question[:MAX_QUESTION])

        return self._after(request, visitor, question="")

    def ask_again(self, visitor: Visitor) -> list:
        return self._after(visitor.request_again, visitor)

    def edit(self, visitor: Visitor, edited: gr.EditData) -> list:
        def request():
            index = edited.index[0] if isinstance(edited.index, list | tuple) else edited.index
            visitor.request_edit(int(index) // 2, str(edited.value)[:MAX_QUESTION])

        return self._after(request, visitor)

    def answer(self, visitor: Visitor, *values) -> Iterator[list]:
        if visitor.pending is None or visitor.pending.taken:
            yield gr.skip()
            return
        question, language = visitor.pending.question, visitor.language
        began = time.monotonic()
        parameters = dict(zip(PARAMETERS, values, strict=True))
        parameters["seed"] = parameters["seed"] or None
        try:
            for text in visitor.answer(self.model, parameters):
                yield view.talk(visitor, text, notice=self._still_loading(language))
        except Exception as error:  # whatever went wrong, the visitor gets a sentence, and the question back
            yield view.talk(visitor, notice=sentence(error, language), question=question)
        else:
            self.seconds.append(time.monotonic() - began)
            yield view.talk(visitor, notice=view.notice(visitor.round, language))

    def _still_loading(self, language: str) -> str:
        if self.model.done():
            return ""
        told = say("{name} is still loading …", language, name=self.name)
        return f"{told} {fetched(self.model, language)}".rstrip()

    def refused(self, visitor: Visitor) -> list:
        """The question never reached `answer`: it goes back into its box."""
        if visitor.pending is None or visitor.pending.taken:
            return [gr.skip()] * 10
        question = visitor.pending.question
        visitor.stop()
        told = say(
            "Your question was not taken: too many are waiting just now, or a parameter is out of its range. It is in "
            "the box again; send it in a moment.",
            visitor.language,
        )
        return view.talk(visitor, notice=told, question=question)

    def stop(self, visitor: Visitor) -> list:
        visitor.stop()
        # The answer itself shows that it has ended.
        return [gr.skip()] * 10 if visitor.pending else view.talk(visitor)

    def undo(self, visitor: Visitor) -> list:
        return self._after(visitor.undo, visitor)

    def clear(self, visitor: Visitor) -> list:
        return self._after(visitor.clear, visitor)

    def earlier(self, visitor: Visitor) -> list:
        return self._after(lambda: visitor.switch(-1), visitor)

    def later(self, visitor: Visitor) -> list:
        return self._after(lambda: visitor.switch(1), visitor)

    def _after(self, action: Callable[[], None], visitor: Visitor, **changes) -> list:
        """Does what the visitor asked for, and gives what the page then shows: `changes`, or why it cannot be done."""
        try:
            action()
        except (PictureError, VisitorError) as error:
            return view.talk(visitor, notice=sentence(error, visitor.language))
        return view.talk(visitor, notice=self._place(visitor), **changes)

    def _place(self, visitor: Visitor) -> str:
        """How many questions are before this visitor's, and for about how long; empty if none has to be waited for."""
        if visitor.pending is None:
            return ""
        before = sum(not pending.stopped for pending in self.asked)
        self.asked.add(visitor.pending)
        if before < AT_ONCE:
            return ""
        wait = sum(self.seconds) / len(self.seconds) * (before - AT_ONCE + 1) / AT_ONCE
        told = "{before} questions are before yours: it will wait for about {seconds} s."
        return say(told, visitor.language, before=before, seconds=max(1, round(wait)))

    # Beside the answer

    def choose_answer(self, visitor: Visitor, chosen: gr.SelectData) -> None:
        index = chosen.index[0] if isinstance(chosen.index, list | tuple) else chosen.index
        if isinstance(index, int):
            visitor.choose(index // 2)

    def reflect(self, visitor: Visitor) -> Iterator[list]:
        """Emotions, colours and, where the visitor asks for it, what was looked at: each as soon as it is there."""
        yield [*view.beside(visitor), view.spans(visitor), ""]
        if visitor.pending is not None or visitor.round is None:
            return
        try:
            visitor.feel()
            yield [*view.beside(visitor), view.spans(visitor), ""]
        except Exception as error:  # the talk goes on without
            yield [panel.no_emotions(sentence(error, visitor.language), visitor.language), *[gr.skip()] * 3]
        if visitor.is_looking:
            yield [gr.skip(), gr.skip(), *self.look(visitor)]

    def look(self, visitor: Visitor) -> list:
        visitor.is_looking = True
        try:
            visitor.look()
            return [view.spans(visitor), view.looked(visitor)]
        except Exception as error:
            told = "It cannot be worked out for this answer. {sentence}"
            told = say(told, visitor.language, sentence=sentence(error, visitor.language))
            return [f"<p>{escape(told)}</p>", ""]

    def look_away(self, visitor: Visitor) -> str:
        visitor.is_looking = False
        return ""

    def look_at(self, visitor: Visitor, span: gr.EventData) -> str:
        start, end = span._data.get("start"), span._data.get("end")
        if not isinstance(start, int) or not isinstance(end, int):
            return gr.skip()
        try:
            return view.looked(visitor, start, end)
        except ValueError:  # what was shown has been replaced meanwhile
            return gr.skip()
