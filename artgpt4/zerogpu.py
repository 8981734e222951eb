"""A Space on ZeroGPU: a GPU is lent for one answer at a time, to a forked copy of this process.

What that copy computes stays in it, so that no cache can be kept between rounds: each answer reads picture and rounds
anew. `spaces` must be imported before CUDA is used, and its functions be there before the page opens: app.py imports
this module first. Elsewhere `spaces` is not needed, and nothing here is used.
"""

import math
import os
from collections.abc import Iterator, Sequence

from PIL import Image

from artgpt4.chat import ChatError, ChatModel, Parameters, Round
from artgpt4.elsewhere import ConversationElsewhere, start

try:
    import spaces
except ImportError:
    spaces = None

#: Tokens per second that a 13B model in bfloat16 makes at the least there, and seconds to read picture and rounds.
_TOKENS_PER_SECOND, _READING = 15, 10

_model: ChatModel | None = None  # set before the first answer; a forked copy finds it there


def is_active() -> bool:
    """Whether this is such a Space."""
    return spaces is not None and os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "true")


def _seconds(picture: Image.Image, rounds: Sequence[Round], parameters: dict) -> int:
    """What to ask for: a visitor's share of the GPU is counted by it, not by what was used."""
    return math.ceil(_READING + parameters["max_new_tokens"] / _TOKENS_PER_SECOND)


def _answer(picture: Image.Image, rounds: Sequence[Round], parameters: dict) -> Iterator[tuple[str, str, int] | str]:
    """Runs in the copy. What a copy raises would not arrive as it was: a ChatError is yielded, as "code: text"."""
    *earlier, last = rounds
    try:
        conversation = _model.start(picture)
        conversation.rounds = list(earlier)
        for text in conversation.ask(last.question, **parameters):
            yield text, "", conversation.rounds[-1].tokens
    except ChatError as error:
        yield f"{error.code}: {error}"
        return
    round = conversation.rounds[-1]
    yield round.answer, round.end, round.tokens


def _weigh(picture: Image.Image, question: str, candidates) -> dict[str, float]:
    from artgpt4.likelihood import candidate_probabilities

    return candidate_probabilities(_model, picture, question, candidates)


if is_active():
    _answer = spaces.GPU(duration=_seconds)(_answer)
    _weigh = spaces.GPU(duration=_READING)(_weigh)


class ZeroGPUModel:
    """A model that is lent a GPU for each answer; to the page it is like the `ChatModel` that it is made of."""

    def __init__(self, model: ChatModel):
        global _model
        _model = model
        self.name, self.dtype, self.device = model.name, model.dtype, "cuda, lent for each answer"
        self.description, self.emotion_temperature = model.description, model.emotion_temperature

    def start(self, picture) -> ConversationElsewhere:
        """Opens a conversation about a picture. Raises PictureError: it cannot be used."""
        return start(self, picture)

    def stream(
        self, picture: Image.Image, rounds: Sequence[Round], parameters: Parameters
    ) -> Iterator[tuple[str, str, int]]:
        """See `ModelElsewhere.stream`."""
        for step in _answer(picture, rounds, vars(parameters)):
            if isinstance(step, str):
                code, _, said = step.partition(": ")
                raise ChatError(code, said)
            yield step

    def candidate_probabilities(self, picture, question, candidates) -> dict[str, float]:
        """See `artgpt4.likelihood`."""
        return _weigh(picture, question, candidates)
