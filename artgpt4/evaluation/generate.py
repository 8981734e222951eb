"""A system's answers to a benchmark's questions, as predictions JSONL: batched, greedy, and resumable.

A system is anything with `answer(pictures, rounds) -> texts` and `about()`: our models here, others in `systems`; one
that runs elsewhere brings the file.
"""

import json
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Protocol

import torch
from peft import PeftModel
from PIL import Image
from tqdm import tqdm

from artgpt4.chat import ChatModel
from artgpt4.emotions import emotion_probabilities
from artgpt4.evaluation.benchmarks import Item, read_predictions
from artgpt4.images import PictureError, open_picture
from artgpt4.minigpt4 import END, chat_prompt
from artgpt4.neutralise import neutralise

_PACKAGES = ("torch", "transformers", "peft")


class System(Protocol):
    """What answers."""

    def about(self) -> dict: ...

    def answer(self, pictures: Sequence[Image.Image], rounds: Sequence[Sequence[str]]) -> list[list[str]]: ...


def versions() -> dict[str, str]:
    """Of what makes answers here."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in _PACKAGES}


def round_by_round(
    rounds: Sequence[Sequence[str]],
    ask: Callable[[list[int], list[list[tuple[str, str | None]]]], list[str]],
) -> list[list[str]]:
    """Goes through dialogues, the same round of all of them at once; every question sees the answers before it.

    Args:
        rounds: the questions of each dialogue; they may differ in number.
        ask: given the numbers of the dialogues that have this round, and each so far, its last answer None; returns
            those answers.

    Returns:
        The answers of each dialogue, one for each question.
    """
    said: list[list[str]] = [[] for _ in rounds]
    for number in range(max(map(len, rounds), default=0)):
        asked = [index for index, questions in enumerate(rounds) if number < len(questions)]
        dialogues = [[*zip(rounds[index], said[index], strict=False), (rounds[index][number], None)] for index in asked]
        for index, text in zip(asked, ask(asked, dialogues), strict=True):
            said[index].append(text)
    return said


class OurModel:
    """A model of `artgpt4.load`. A base folder without its adapter is MiniGPT-4.

    Args:
        chat_model: the model.
        max_new_tokens: length of each answer at most.
    """

    def __init__(self, chat_model: ChatModel, max_new_tokens: int = 300):
        self.chat_model, self.max_new_tokens = chat_model, max_new_tokens

    def about(self) -> dict:
        """What made the answers, for each line of the file."""
        return {
            "model": self.chat_model.name,
            "adapter": isinstance(self.chat_model.model, PeftModel),
            "parameters": {"do_sample": False, "max_new_tokens": self.max_new_tokens},
            "dtype": str(self.chat_model.dtype).removeprefix("torch."),
            "versions": versions(),
        }

    @torch.inference_mode()
    def answer(self, pictures: Sequence[Image.Image], rounds: Sequence[Sequence[str]]) -> list[list[str]]:
        """Answers dialogues, the same round of all of them at once; every question sees the answers before it.

        Args:
            pictures: one for each dialogue.
            rounds: the questions of each; dialogues may differ in length.

        Returns:
            The answers of each, one for each question.
        """
        model, processor = self.chat_model.model, self.chat_model.processor
        rounds = [[neutralise(question).strip() for question in questions] for questions in rounds]

        def ask(asked: list[int], dialogues: list[list[tuple[str, str | None]]]) -> list[str]:
            inputs = processor(images=[pictures[index] for index in asked], text=list(map(chat_prompt, dialogues)))
            inputs = inputs.to(self.chat_model.device)
            inputs["pixel_values"] = inputs["pixel_values"].to(self.chat_model.dtype)
            outputs = model.generate(
                **inputs,
                max_new_tokens=self.max_new_tokens,
                do_sample=False,
                stop_strings=[END],
                tokenizer=processor.tokenizer,
            )
            texts = [processor.tokenizer.decode(ids, skip_special_tokens=True).partition(END)[0] for ids in outputs]
            return [neutralise(text).strip() for text in texts]

        return round_by_round(rounds, ask)

    def emotions(self, pictures: Sequence[Image.Image]) -> list[dict[str, float]]:
        """p(emotion | picture) of each picture."""
        return [emotion_probabilities(self.chat_model, picture) for picture in pictures]


def generate(
    items: Sequence[Item],
    files: Sequence[Path],
    system: System,
    path: str | Path,
    batch_size: int = 16,
    emotions: bool = False,
) -> int:
    """Writes a line for each item that `path` does not have yet, as soon as its batch is answered.

    A picture that cannot be opened is a line with an error. An unfinished last line, of a run that was interrupted, is
    written again.

    Args:
        items: the benchmark's.
        files: the picture of each.
        system: answers.
        path: of the predictions.
        batch_size: dialogues answered at once.
        emotions: write p(emotion | picture) with each answer; of systems that have `emotions(pictures)`.

    Returns:
        How many lines were written.

    Raises:
        DataError: what is in `path` already is no predictions file.
    """
    path = Path(path)
    done = _finished(path)
    missing = [pair for pair in zip(items, files, strict=True) if pair[0].id not in done]
    about = system.about()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file, tqdm(total=len(missing), unit="picture", disable=None) as progress:
        for batch in _batches(missing, batch_size):
            began, pictures, rows = time.perf_counter(), [], []
            for item, picture in batch:
                try:
                    pictures.append(open_picture(picture))
                    rows.append((item, None))
                except PictureError as error:
                    rows.append((item, str(error)))
            answers = iter(system.answer(pictures, [item.rounds for item, error in rows if error is None]))
            felt = iter(system.emotions(pictures) if emotions else ())
            seconds = round((time.perf_counter() - began) / len(batch), 4)
            for item, error in rows:
                result = {"answers": next(answers)} if error is None else {"error": error}
                if emotions and error is None:
                    result["emotion"] = next(felt)
                record = {"id": item.id, **result, "rounds": list(item.rounds), **about, "seconds": seconds}
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
            file.flush()
            progress.update(len(batch))
    return len(missing)


def _finished(path: Path) -> set[str]:
    """Ids in the file so far; cuts an unfinished last line off."""
    if not path.exists():
        return set()
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        path.write_bytes(whole)
    return {prediction.id for prediction in read_predictions(path)} if whole.strip() else set()


def _batches(pairs: Sequence[tuple[Item, Path]], size: int) -> Iterator[Sequence[tuple[Item, Path]]]:
    for start in range(0, len(pairs), size):
        yield pairs[start : start + size]
