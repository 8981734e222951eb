"""A system's answers to a benchmark's questions, as predictions JSONL: batched, greedy, and resumable.

A system is anything with `answer(pictures, rounds) -> texts` and `about()`: our models here, others in `systems`; one
that runs elsewhere brings the file.
"""

import glob
import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from typing import Protocol

import torch
from accelerate import PartialState
from peft import PeftModel
from PIL import Image
from tqdm import tqdm

from artgpt4.chat import ChatModel
from artgpt4.emotions import emotion_probabilities
from artgpt4.evaluation.benchmarks import Item, read_predictions
from artgpt4.images import PictureError, open_picture
from artgpt4.minigpt4 import END, chat_prompt
from artgpt4.neutralise import neutralise

#: Processes wait for the slowest as long as this.
_LONGEST = timedelta(days=30)

_PACKAGES = ("torch", "transformers", "peft")


class System(Protocol):
    """What answers."""

    def about(self) -> dict: ...

    def answer(self, pictures: Sequence[Image.Image], rounds: Sequence[Sequence[str]]) -> list[list[str]]: ...


def versions() -> dict[str, str]:
    """Of what makes answers here."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in _PACKAGES}


def joined_processes() -> PartialState | None:
    """The processes that `accelerate launch` or `torchrun` started, each on its own device; None for a single one.

    To be called before a model is loaded: it makes the process's own GPU the current one.
    """
    return PartialState(timeout=_LONGEST) if int(os.environ.get("WORLD_SIZE", 1)) > 1 else None


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
    batch_size: int = 32,
    emotions: bool = False,
) -> int:
    """Writes a line for each item that `path` does not have yet, as soon as its batch is answered.

    A picture that cannot be opened is a line with an error. An unfinished last line, of a run that was interrupted, is
    written again.

    Started by `accelerate launch` or `torchrun`, each process answers its part of what is missing and writes it beside
    `path`; when all are done, or when the next run begins, the parts are put into `path`.

    Args:
        items: the benchmark's.
        files: the picture of each.
        system: answers.
        path: of the predictions.
        batch_size: dialogues answered at once.
        emotions: write p(emotion | picture) with each answer; of systems that have `emotions(pictures)`.

    Returns:
        How many lines were written, by this process.

    Raises:
        DataError: what is in `path` already is no predictions file.
    """
    path = Path(path)
    processes = joined_processes()
    part, parts = (processes.process_index, processes.num_processes) if processes else (0, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    if part == 0:
        done = _finished(path)
        _merge_parts(path, done)  # of a run that was interrupted
    if processes:
        processes.wait_for_everyone()
    done = _finished(path)
    missing = [pair for pair in zip(items, files, strict=True) if pair[0].id not in done][part::parts]
    about = system.about()
    into = _part(path, part) if processes else path
    if processes:
        processes.wait_for_everyone()  # all have read what is done
    with (
        into.open("a", encoding="utf-8") as file,
        tqdm(total=len(missing), unit="picture", disable=True if part else None) as progress,
        ThreadPoolExecutor(1) as ahead,
    ):
        batches = list(_batches(missing, batch_size))
        coming = ahead.submit(_open, batches[0]) if batches else None
        for number, batch in enumerate(batches):
            began, opened = time.perf_counter(), coming.result()
            # While a batch is answered, the next one's pictures are decoded.
            coming = ahead.submit(_open, batches[number + 1]) if number + 1 < len(batches) else None
            pictures = [picture for picture in opened if not isinstance(picture, str)]
            rows = [
                (item, picture if isinstance(picture, str) else None)
                for (item, _), picture in zip(batch, opened, strict=True)
            ]
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
    if processes:
        processes.wait_for_everyone()
        if part == 0:
            _merge_parts(path, done)
        processes.wait_for_everyone()
    return len(missing)


def _open(batch: Sequence[tuple[Item, Path]]) -> list[Image.Image | str]:
    """The pictures; for one that cannot be opened, why."""

    def opened(path: Path) -> Image.Image | str:
        try:
            return open_picture(path)
        except PictureError as error:
            return str(error)

    return [opened(path) for _, path in batch]


def _part(path: Path, number: int) -> Path:
    """What process `number` writes until all are done."""
    return path.with_name(f"{path.name}.part{number}")


def _merge_parts(path: Path, done: set[str]) -> None:
    """Appends the lines of all parts whose ids are not in `done`, then removes the parts."""
    done, parts = set(done), sorted(path.parent.glob(f"{glob.escape(path.name)}.part*"))
    with path.open("a", encoding="utf-8") as file:
        for part in parts:
            _finished(part)  # cuts an unfinished last line off
            for line in part.read_text(encoding="utf-8").splitlines():
                name = json.loads(line)["id"]
                if name not in done:
                    done.add(name)
                    file.write(line + "\n")
    for part in parts:
        part.unlink()


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
