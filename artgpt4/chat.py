"""Talking about a picture: encode it once, stream the answer, keep the KV cache between rounds.

    conversation = artgpt4.load("mini").start("picture.jpg")
    for text in conversation.ask("What emotions does this painting evoke?"):
        print(text)  # the whole answer so far

On the command line: python -m artgpt4.chat PICTURE "question" ["follow-up" ...] [--model NAME] [--json]
"""

import argparse
import functools
import json
import math
import os
import secrets
import sys
import time
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import torch
from peft import PeftModel
from PIL import Image
from transformers import (
    DynamicCache,
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    StoppingCriteria,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)

from artgpt4 import memory
from artgpt4.images import PictureError, open_picture
from artgpt4.llava import LlavaForConditionalGeneration, LlavaProcessor
from artgpt4.minigpt4 import MiniGPT4ForConditionalGeneration, MiniGPT4Processor
from artgpt4.neutralise import neutralise
from artgpt4.turns import FairLock


class ChatError(ValueError):
    """A question that cannot be answered. Its text is a sentence or two for the user.

    Attributes:
        code: ``parameter``, ``empty_question``, ``too_long``, ``no_round``, ``no_picture``, ``one_picture``,
            ``closed``, ``no_attention`` or ``out_of_memory``.
    """

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Parameters:
    """How an answer is drawn. Raises ChatError naming every value that is out of its range.

    Attributes:
        temperature: 0 for always the likeliest token.
        top_p: draw only from the likeliest tokens that have this probability together.
        num_beams: beam search, from 2 up.
        max_new_tokens: length of the answer at most.
        repetition_penalty: from 1 (none) up, on tokens that the answer already has.
        seed: None for another answer each time; `Round.seed` tells which it was.
    """

    temperature: float = 0.7
    top_p: float = 0.9
    num_beams: int = 1
    max_new_tokens: int = 300
    repetition_penalty: float = 1.0
    seed: int | None = None

    def __post_init__(self):
        def is_int(value) -> bool:
            return isinstance(value, int) and not isinstance(value, bool)

        def is_number(value) -> bool:
            return is_int(value) or isinstance(value, float) and math.isfinite(value)

        rules = {
            "temperature": (
                is_number(self.temperature) and (self.temperature == 0 or 0.01 <= self.temperature <= 10),
                "0 (always the likeliest word) or from 0.01 to 10",
            ),
            "top_p": (is_number(self.top_p) and 0 < self.top_p <= 1, "above 0 and at most 1"),
            "num_beams": (is_int(self.num_beams) and 1 <= self.num_beams <= 8, "a whole number from 1 to 8"),
            "max_new_tokens": (is_int(self.max_new_tokens) and self.max_new_tokens >= 1, "a whole number from 1 up"),
            "repetition_penalty": (
                is_number(self.repetition_penalty) and 1 <= self.repetition_penalty <= 10,
                "from 1 (none) to 10",
            ),
            "seed": (
                self.seed is None or is_int(self.seed) and 0 <= self.seed < 2**63,
                "empty or a whole number from 0 to 2^63 - 1",
            ),
        }
        wrong = [
            f"{name} must be {allowed}, not {getattr(self, name)!r}" for name, (ok, allowed) in rules.items() if not ok
        ]
        if wrong:
            raise ChatError("parameter", "; ".join(wrong) + ".")


@dataclass
class Round:
    """A question and its answer, as far as it has come.

    Attributes:
        question: as the model was asked: marks of the prompt in it are defused, see `neutralise`.
        end: why the answer ended: ``said`` (the model ended it), ``length`` (max_new_tokens or the context was
            reached), ``late`` (it took longer than `deadline`) or ``stopped`` (it was stopped, or is still growing).
        left_out: number of oldest rounds that the model no longer saw when it answered.
        seed: with the same parameters it gives the same answer again.
        pictures: number of pictures that had been shown when it was asked.
        tokens: number of new tokens.
        first_text_seconds, seconds: from the question to the first text, and to the end.
    """

    question: str
    answer: str = ""
    end: str = "stopped"
    left_out: int = 0
    seed: int = 0
    tokens: int = 0
    first_text_seconds: float = 0.0
    seconds: float = 0.0
    pictures: int = 1

    @property
    def remarks(self) -> list[tuple[str, dict[str, int]]]:
        """What the user has to know about this answer: sentences, each with the values for the fields in it."""
        told: list[tuple[str, dict[str, int]]] = []
        if self.left_out:
            told.append((LEFT_OUT, {"rounds": self.left_out}))
        if self.end in ENDS:
            told.append((ENDS[self.end], {}))
        return told

    @property
    def notice(self) -> str:
        """The remarks in English; empty if there are none."""
        return " ".join(sentence.format(**values) for sentence, values in self.remarks)


LEFT_OUT = (
    "The conversation has become longer than the model can read. Rounds left out at its beginning: {rounds}. The "
    "picture was not."
)
#: Of answers that did not come to an end of their own.
ENDS = {
    "length": "The answer was cut off at the greatest length allowed.",
    "late": "The answer took longer than it may here, and was ended.",
}


def deadline() -> float:
    """Seconds that one answer may take, waiting for others' turns included: $ARTGPT4_DEADLINE, or 300."""
    return float(os.environ.get("ARTGPT4_DEADLINE") or 300)


@functools.cache
def _lock_of(device: torch.device) -> FairLock:
    return FairLock()


class ChatModel:
    """A model that conversations share. `artgpt4.load` makes one.

    Args:
        model: a MiniGPT-4 or LLaVA, or a PEFT model around one, in the dtype and on the device to run in.
        processor: its processor.
        name: what it was loaded as.
        description: one or two sentences about it for the user.
        cache_bytes: how much the KV caches of all conversations may take together between rounds. Beyond that, those
            least recently used are dropped, and rebuilt when their conversation goes on.
    """

    def __init__(
        self,
        model: MiniGPT4ForConditionalGeneration | LlavaForConditionalGeneration | PeftModel,
        processor: MiniGPT4Processor | LlavaProcessor,
        name: str,
        description: str = "",
        cache_bytes: int = 2**30,
    ):
        self.model = model
        self.processor = processor
        self.name = name
        self.description = description
        self.cache_bytes = cache_bytes
        self.base = model.get_base_model() if isinstance(model, PeftModel) else model
        embedding = self.base.get_input_embeddings().weight
        self.device, self.dtype = embedding.device, embedding.dtype
        self.max_length: int = self.base.config.text_config.max_position_embeddings
        self.emotion_temperature: float = getattr(self.base.config, "emotion_temperature", 1.0)
        ends = self.base.config.text_config.eos_token_id
        self.end_ids = {processor.tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])} - {None}
        # One pass at a time on a device. It is held for one token, not for an answer: conversations take turns, and
        # one whose reader has gone away keeps nobody waiting. Models on the same device share it.
        self.lock = _lock_of(self.device)
        self._conversations: weakref.WeakSet[Conversation] = weakref.WeakSet()
        self._gave_back = time.monotonic()

    @torch.inference_mode()
    def start(self, picture: bytes | str | os.PathLike | Image.Image) -> "Conversation":
        """Encodes a picture and opens a conversation about it.

        Raises:
            PictureError: the picture cannot be used.
            ChatError: there is not enough memory.
        """
        picture = open_picture(picture)
        query_output = self._encode(picture)
        with self.lock:
            conversation = Conversation(self, picture, query_output)
            # While the visitor still types: everything up to the first question is in the cache already.
            ids = self.processor.tokenize(self.processor.chat_prompt([("", None)]))
            self.with_memory(lambda: conversation._forward(ids))
            self._conversations.add(conversation)
            self._keep_to_budget()
        return conversation

    def _encode(self, picture: Image.Image) -> torch.Tensor:
        """The picture's [1, tokens per picture, hidden] queries or features, before the projection."""
        pixel_values = self.processor.pixel_values([picture]).to(self.device, self.dtype)
        with self.lock:
            return self.with_memory(lambda: self.base.encode_picture(pixel_values))

    def with_memory(self, compute):
        """What `compute()` returns; short of memory, it is tried once more without any cache. The lock must be held.

        Raises:
            ChatError: there is not enough memory without the caches either.
        """
        try:
            return compute()
        except torch.OutOfMemoryError:
            pass  # only here, outside the except block, are the failed pass's tensors free
        for conversation in list(self._conversations):
            conversation._drop_cache()
        try:
            return compute()
        except torch.OutOfMemoryError as error:
            raise ChatError(
                "out_of_memory",
                f"There is not enough memory on {self.device} for this conversation. Start a new one, ask for a "
                "shorter answer or fewer beams, or load the model with quantization.",
            ) from error

    def _keep_to_budget(self) -> None:
        """Drops the caches least recently used until all together fit, and gives freed memory back. Needs the lock."""
        newest_first = sorted(self._conversations, key=lambda conversation: conversation._last_used, reverse=True)
        total = 0
        for conversation in newest_first:
            total += conversation.cache_bytes
            if total > self.cache_bytes:
                total -= conversation.cache_bytes
                conversation._drop_cache()
        # Not after every answer: what was given back must be asked for again, which took a tenth of the time.
        if self.device.type == "cpu" and time.monotonic() - self._gave_back > 5:
            memory.give_back()
            self._gave_back = time.monotonic()


class WithoutAdapter(ChatModel):
    """A model as its base alone answers. The weights are shared: both can talk at the same time.

    Args:
        model: one with an adapter, whose lock this one takes.
    """

    def __init__(self, model: ChatModel):
        name = f"{model.name} without its adapter"
        super().__init__(model.model, model.processor, name, "The base alone.", model.cache_bytes)
        self.lock = model.lock

    def with_memory(self, compute):
        # Every pass of a conversation comes through here and holds the lock: nobody meets the model in this state.
        # `PeftModel.disable_adapter` does the same, and looks at every module before.
        self.model.base_model.disable_adapter_layers()
        try:
            return super().with_memory(compute)
        finally:
            self.model.base_model.enable_adapter_layers()


class Conversation:
    """Rounds of questions and answers about a picture, or several. `ChatModel.start` makes one.

    Several threads may each hold a conversation of their own with the same model. Within one conversation a new
    question ends an answer that is still growing; what it had said by then remains.

    Attributes:
        pictures: as they were opened. What is added is shown to the model with the next question.
        rounds: the transcript.
    """

    def __init__(self, model: ChatModel, picture: Image.Image, query_output: torch.Tensor):
        self.model = model
        self.pictures = [picture]
        self.rounds: list[Round] = []
        self._query_output: torch.Tensor | None = query_output  # [number of pictures, num_query_tokens, qformer hidden]
        self._turn = object()  # whoever holds the current one may generate
        self._last_used = time.monotonic()
        self._drop_cache()

    @property
    def picture(self) -> Image.Image:
        """The first picture."""
        return self.pictures[0]

    @torch.inference_mode()
    def add_picture(self, picture: bytes | str | os.PathLike | Image.Image) -> None:
        """Encodes a further picture, which stands before the next question.

        The published models were trained on one picture at a time. MiniGPT-4's chat takes several all the same; what
        comes of it is up to the model.

        Raises:
            PictureError: the picture cannot be used.
            ChatError: there is not enough memory, or the conversation is closed.
        """
        picture = open_picture(picture)
        query_output = self.model._encode(picture)
        with self.model.lock:
            if self._query_output is None:
                raise ChatError("closed", "This conversation is closed. Start a new one with the picture.")
            self._query_output = torch.cat([self._query_output, query_output])
            self.pictures.append(picture)

    def about(self, index: int) -> "Conversation":
        """A new conversation about picture `index` (from 0) alone, which is not encoded again.

        Raises:
            ChatError: there is no such picture, or the conversation is closed.
        """
        if self._query_output is None:
            raise ChatError("closed", "This conversation is closed. Start a new one with the picture.")
        if not 0 <= index < len(self.pictures):
            raise ChatError("no_picture", f"There is no picture {index + 1} here: there are {len(self.pictures)}.")
        conversation = Conversation(self.model, self.pictures[index], self._query_output[index : index + 1])
        with self.model.lock:
            self.model._conversations.add(conversation)
        return conversation

    def ask(self, text: str, **parameters) -> Iterator[str]:
        """Asks a question and returns an iterator over the whole answer so far, each time it has grown.

        Tokens are computed as the iterator is drawn from, in the thread that does: closing it, or no longer drawing,
        leaves nothing running. With beams nothing can be shown before the end: it yields once; `stop` ends that, too.

        Args:
            text: the question.
            parameters: those of `Parameters`: temperature, top_p, num_beams, max_new_tokens, repetition_penalty, seed.

        Raises:
            ChatError: at once, if the question or a parameter cannot be used; the conversation is then as before. While
                iterating, if there is not enough memory; the round is then gone.
        """
        return self._begin(self.rounds, text, Parameters(**parameters))

    def retry(self, **parameters) -> Iterator[str]:
        """Answers the last question once more. Parameters, result and errors are those of `ask`."""
        return self.edit(len(self.rounds) - 1, self._last_round().question, **parameters)

    def edit(self, index: int, text: str, **parameters) -> Iterator[str]:
        """Asks round `index` (from 0) anew with another question; the rounds after it are gone. Else like `ask`."""
        if not 0 <= index < len(self.rounds):
            raise ChatError("no_round", f"There is no question {index + 1} here: {len(self.rounds)} were asked so far.")
        return self._begin(self.rounds[:index], text, Parameters(**parameters))

    def undo(self) -> Round:
        """Takes the last round back and returns it."""
        self._last_round()
        self.stop()
        return self.rounds.pop()

    def stop(self) -> None:
        """Ends a growing answer after the token being computed, from any thread. What it has said remains."""
        self._turn = object()

    def close(self) -> None:
        """Stops, and frees what the conversation holds on the device. The transcript can still be read."""
        self.stop()
        with self.model.lock:
            self._drop_cache()
            self._query_output = None
            self.model._conversations.discard(self)

    @property
    def query_output(self) -> torch.Tensor:
        """[1, num_query_tokens, qformer hidden]: the encoded picture.

        Raises:
            ChatError: the conversation is closed.
        """
        if self._query_output is None:
            raise ChatError("closed", "This conversation is closed. Start a new one with the picture.")
        return self._query_output

    @property
    def cache_bytes(self) -> int:
        """Size of this conversation's KV cache."""
        if self._cache is None:
            return 0
        return sum(layer.keys.nbytes + layer.values.nbytes for layer in self._cache.layers if layer.is_initialized)

    def _last_round(self) -> Round:
        if not self.rounds:
            raise ChatError("no_round", "There is no question yet. Ask one first.")
        return self.rounds[-1]

    def _begin(self, earlier: Sequence[Round], text: str, parameters: Parameters) -> Iterator[str]:
        if self._query_output is None:
            raise ChatError("closed", "This conversation is closed. Start a new one with the picture.")
        if len(text) > 10 * self.model.max_length:  # not worth counting its tokens
            raise self._too_long(f"{len(text)} characters")
        question = neutralise(text).strip()
        if not question:
            raise ChatError("empty_question", "The question is empty. Type one, or choose one of the suggestions.")
        seed = secrets.randbits(31) if parameters.seed is None else parameters.seed
        rounds = [*earlier, Round(question, seed=seed, pictures=len(self.pictures))]
        ids, rounds[-1].left_out = self._prompt_ids(rounds, parameters.max_new_tokens)
        self.rounds = rounds
        self._turn = object()
        return self._answer(rounds[-1], ids, parameters, self._turn)

    def _prompt_ids(self, rounds: Sequence[Round], max_new_tokens: int) -> tuple[list[int], int]:
        """The prompt's ids, and how many of the oldest rounds had to be left out to make room for the answer."""
        dialogue = [(round.question, neutralise(round.answer).strip()) for round in rounds[:-1]]
        dialogue.append((rounds[-1].question, None))
        shown = [round.pictures for round in rounds]
        room, processor = min(max_new_tokens, self.model.max_length // 4), self.model.processor
        for left_out in range(len(dialogue)):
            ids = processor.tokenize(processor.chat_prompt(dialogue[left_out:], shown[left_out:]))
            if len(ids) + room <= self.model.max_length:
                return ids, left_out
        raise self._too_long(f"{len(ids)} tokens")

    def _too_long(self, length: str) -> ChatError:
        return ChatError(
            "too_long",
            f"This question is too long: with the picture it comes to {length}, and the model reads "
            f"{self.model.max_length} tokens at once, its answer included. Shorten it.",
        )

    def _answer(self, round: Round, ids: list[int], parameters: Parameters, turn: object) -> Iterator[str]:
        steps = self._search_beams if parameters.num_beams > 1 else self._decode

        def shown() -> Iterator[tuple[str, str, int]]:
            for new_ids, end in steps(ids, parameters, round.seed, turn):
                text, is_stopped = self._shown_text(new_ids, end)
                yield text, "said" if is_stopped else end, len(new_ids)

        try:
            yield from self._note(round, shown())
        finally:
            with self.model.lock:
                self.model._keep_to_budget()

    def _note(self, round: Round, steps: Iterator[tuple[str, str, int]]) -> Iterator[str]:
        """Notes in the round how its answer grows, and yields the answer each time; short of memory, the round is gone.

        Args:
            steps: the whole answer so far; why it ended, empty while it grows; and its number of tokens.
        """
        asked, limit = time.perf_counter(), deadline()
        try:
            for text, end, tokens in steps:
                round.tokens, round.seconds = tokens, time.perf_counter() - asked
                end = end or ("late" if round.seconds > limit else "")
                round.end = end or round.end
                if text != round.answer:
                    round.first_text_seconds = round.first_text_seconds or round.seconds
                    round.answer = text
                    yield text
                if end:
                    return
        except ChatError:
            self.rounds = [other for other in self.rounds if other is not round]
            raise

    def _decode(self, ids: list[int], parameters: Parameters, seed: int, turn: object) -> Iterator[tuple[list, str]]:
        """Yields the answer's ids as they grow, and with the last ones why it ended."""
        generator = torch.Generator(self.model.device).manual_seed(seed)
        processors = LogitsProcessorList()
        if parameters.repetition_penalty > 1:
            processors.append(RepetitionPenaltyLogitsProcessor(parameters.repetition_penalty))
        if parameters.temperature > 0:
            processors.append(TemperatureLogitsWarper(float(parameters.temperature)))
            if parameters.top_p < 1:
                processors.append(TopPLogitsWarper(float(parameters.top_p)))
        new_ids: list[int] = []
        length = min(parameters.max_new_tokens, self.model.max_length - len(ids))
        while len(new_ids) < length:
            with self.model.lock:
                if turn is not self._turn:
                    return
                logits = self.model.with_memory(lambda: self._forward(ids + new_ids))
                new_ids.append(_next_token(logits, new_ids, processors, parameters.temperature > 0, generator))
            if new_ids[-1] in self.model.end_ids:
                yield new_ids, "said"
                return
            yield new_ids, "length" if len(new_ids) == length else ""

    @torch.inference_mode()
    def _search_beams(self, ids: list[int], parameters: Parameters, seed: int, turn: object) -> list[tuple[list, str]]:
        """The same for beam search, at once and without the KV cache, which holds one row only."""
        drawing = {"temperature": float(parameters.temperature), "top_p": float(parameters.top_p), "top_k": 0}
        device = self.model.device
        with (
            self.model.lock,
            torch.random.fork_rng([device] if device.type == "cuda" else [], device_type=device.type),
        ):
            torch.manual_seed(seed)
            new_ids = self.model.with_memory(
                lambda: self.model.base.generate(
                    inputs_embeds=self.model.base.embed(torch.tensor([ids], device=device), self._queries(ids)),
                    num_beams=parameters.num_beams,
                    max_new_tokens=min(parameters.max_new_tokens, self.model.max_length - len(ids)),
                    do_sample=parameters.temperature > 0,
                    repetition_penalty=float(parameters.repetition_penalty),
                    eos_token_id=sorted(self.model.end_ids),
                    pad_token_id=min(self.model.end_ids),
                    stopping_criteria=[_AtStopText(self, turn)],
                    **(drawing if parameters.temperature > 0 else {}),
                )
            )[0].tolist()
        if turn is not self._turn:
            return []
        length = next((i for i, token in enumerate(new_ids) if token in self.model.end_ids), None)
        return [(new_ids[:length], "length" if length is None else "said")]

    @torch.inference_mode()
    def _forward(self, ids: list[int]) -> torch.Tensor:
        """Logits [V] of the token after `ids`, computing only what the cache does not hold. The lock must be held."""
        if self._query_output is None:
            raise ChatError("closed", "This conversation is closed. Start a new one with the picture.")
        base = self.model.base
        cache, cached_ids = self._cache, self._cached_ids
        self._drop_cache()  # should this pass fail, the cache is of no use
        if cache is None:
            cache = DynamicCache(config=base.config.text_config)
        kept = min(_common_prefix(cached_ids, ids), len(ids) - 1)  # a pass over the last token gives the logits
        cache.crop(kept - len(cached_ids))
        new_ids = torch.tensor([ids[kept:]], device=self.model.device)
        embeds = base.embed(new_ids, self._queries(ids, kept))
        logits = base(inputs_embeds=embeds, past_key_values=cache, logits_to_keep=1).logits[0, -1]
        self._cache, self._cached_ids, self._last_used = cache, list(ids), time.monotonic()
        return logits.float()

    def _queries(self, ids: list[int], start: int = 0) -> torch.Tensor | None:
        """[1, n, qformer hidden] for the n placeholders in ids[start:]; None if there are none.

        Pictures always stand in the order in which they were shown: the n-th placeholder is the n-th query of all.
        """
        placeholder = self.model.processor.image_token_id
        before, n = ids[:start].count(placeholder), ids[start:].count(placeholder)
        return self._query_output.flatten(0, 1)[None, before : before + n] if n else None

    def _drop_cache(self) -> None:
        self._cache: DynamicCache | None = None
        self._cached_ids: list[int] = []

    def _shown_text(self, new_ids: list[int], end: str) -> tuple[str, bool]:
        """The part of the answer that can be shown, and whether the stop text has come."""
        said = [token for token in new_ids if token not in self.model.end_ids]
        processor = self.model.processor
        text = processor.tokenizer.decode(said, clean_up_tokenization_spaces=False)
        before, stop, _ = text.partition(processor.end)
        if stop:
            return before.strip(), True
        if end != "said":  # what may still become a character, or the stop text
            text = text.rstrip("\N{REPLACEMENT CHARACTER}")
            held = next(
                (length for length in range(len(processor.end) - 1, 0, -1) if text.endswith(processor.end[:length])), 0
            )
            text = text[: len(text) - held]
        return text.strip(), False


class _AtStopText(StoppingCriteria):
    """Ends a beam where the decoded text has the stop text, and all of them when the answer is no longer wanted."""

    def __init__(self, conversation: Conversation, turn: object):
        self.conversation, self.turn = conversation, turn

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **kwargs) -> torch.Tensor:
        if self.turn is not self.conversation._turn:
            return torch.ones(len(input_ids), dtype=torch.bool, device=input_ids.device)
        processor = self.conversation.model.processor
        tails = processor.tokenizer.batch_decode(input_ids[:, -2 * len(processor.end) :])
        return torch.tensor([processor.end in tail for tail in tails], device=input_ids.device)


@torch.inference_mode()
def _next_token(
    logits: torch.Tensor, new_ids: list[int], processors: LogitsProcessorList, do_sample: bool, generator
) -> int:
    """Picks the next token from logits [V]."""
    said = torch.tensor([new_ids], dtype=torch.long, device=logits.device)  # [1, number of new tokens]
    scores = processors(said, logits[None])[0]
    if not do_sample:
        return int(scores.argmax())
    return int(torch.multinomial(scores.softmax(-1), 1, generator=generator))


def _common_prefix(left: list[int], right: list[int]) -> int:
    shorter = min(len(left), len(right))
    if left[:shorter] == right[:shorter]:
        return shorter
    return next(i for i in range(shorter) if left[i] != right[i])


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: answers stream to stdout; an error is one line on stderr and exit code 2."""
    from artgpt4.loading import LoadError, load

    parser = argparse.ArgumentParser(prog="python -m artgpt4.chat", description="Talk with a model about a picture.")
    parser.add_argument("picture", metavar="PICTURE", help="a JPEG, PNG, WebP or GIF file")
    parser.add_argument("questions", nargs="+", metavar="QUESTION", help="the question, and any that follow up on it")
    parser.add_argument("--model", default="mini", metavar="NAME", help="mini (default), a folder or a Hub id")
    parser.add_argument("--json", action="store_true", help="print the whole conversation as one JSON object instead")
    options = parser.parse_args(arguments)
    try:
        picture = open_picture(options.picture)  # before the model, which may take minutes to load
        model = load(options.model)
        conversation = model.start(picture)
        for question in options.questions:
            shown = ""
            for text in conversation.ask(question):
                if not options.json:
                    print(text.removeprefix(shown), end="", flush=True)
                shown = text
            if not options.json:
                print(flush=True)
                if conversation.rounds[-1].notice:
                    print(conversation.rounds[-1].notice, file=sys.stderr)
    except (PictureError, LoadError, ChatError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.json:
        rounds = [asdict(round) | {"notice": round.notice} for round in conversation.rounds]
        report = {"model": model.name, "device": str(model.device), "picture": options.picture, "rounds": rounds}
        print(json.dumps(report, ensure_ascii=False, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
