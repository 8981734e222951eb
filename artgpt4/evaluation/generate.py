"""A system's answers to a benchmark's questions, as predictions JSONL: batched, greedy, and resumable.

A system is anything with `answer(pictures, rounds) -> texts` and `about()`: our models here, others in `systems`; one
that runs elsewhere brings the file.
"""

import glob
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from typing import Protocol

import torch
from accelerate import PartialState
from accelerate.utils import parse_flag_from_env
from peft import PeftModel
from PIL import Image
from tqdm import tqdm

from artgpt4.chat import ChatModel
from artgpt4.emotions import emotion_probabilities
from artgpt4.evaluation.benchmarks import Item, json_lines, read_predictions
from artgpt4.images import PictureError, open_picture
from artgpt4.neutralise import neutralise

#: Processes wait for the slowest as long as this.
_LONGEST = timedelta(days=30)

#: Threads that decode pictures; Pillow lets go of the interpreter meanwhile.
_OPENERS = min(8, os.cpu_count() or 1)

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
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        return None
    # Unless it is told, PartialState takes processes without a GPU for single ones that know nothing of each other.
    cpu = parse_flag_from_env("ACCELERATE_USE_CPU") or not torch.cuda.is_available()
    return PartialState(cpu=cpu, timeout=_LONGEST)


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
        if not pictures:
            return []
        model, processor = self.chat_model.model, self.chat_model.processor
        rounds = [[neutralise(question).strip() for question in questions] for questions in rounds]
        pixel_values = processor.pixel_values(pictures).to(self.chat_model.device, self.chat_model.dtype)
        base, end = self.chat_model.base, processor.end
        query_output = base.encode_picture(pixel_values)  # once, however many rounds there are

        def ask(asked: list[int], dialogues: list[list[tuple[str, str | None]]]) -> list[str]:
            batch = processor.padded(list(map(processor.chat_prompt, dialogues))).to(self.chat_model.device)
            outputs = model.generate(
                inputs_embeds=base.embed(batch["input_ids"], query_output[asked]),
                attention_mask=batch["attention_mask"],
                max_new_tokens=self.max_new_tokens,
                do_sample=False,
                stop_strings=[end],
                tokenizer=processor.tokenizer,
            )
            texts = [processor.tokenizer.decode(ids, skip_special_tokens=True).partition(end)[0] for ids in outputs]
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
    written again. Where `emotions` are asked for and a line has none, they are added to it and its answers stay.

    Started by `accelerate launch` or `torchrun`, each process answers its part of what is missing and writes it beside
    `path`; when all are done, or when the next run begins, the parts are put into `path`. Added emotions go that way
    too.

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
        _finished(path)
        _merge_parts(path)  # of a run that was interrupted
    if processes:
        processes.wait_for_everyone()
    done = _finished(path)
    incomplete = {name for name, record in done.items() if emotions and not {"emotion", "error"} & record.keys()}
    missing = [
        (item, file, done.get(item.id))
        for item, file in zip(items, files, strict=True)
        if item.id not in done or item.id in incomplete
    ][part::parts]
    about = system.about()
    beside = processes is not None or bool(incomplete)
    into = _part(path, part) if beside else path
    if processes:
        processes.wait_for_everyone()  # all have read what is done
    with (
        into.open("a", encoding="utf-8") as file,
        tqdm(total=len(missing), unit="picture", disable=True if part else None) as progress,
        ThreadPoolExecutor(_OPENERS) as ahead,
    ):
        batches = [missing[start : start + batch_size] for start in range(0, len(missing), batch_size)]
        coming = _opening(ahead, batches[0]) if batches else None
        for number, batch in enumerate(batches):
            began, opened = time.perf_counter(), [picture.result() for picture in coming]
            # While a batch is answered, the next one's pictures are decoded.
            coming = _opening(ahead, batches[number + 1]) if number + 1 < len(batches) else None
            rows = [(*row[::2], picture) for row, picture in zip(batch, opened, strict=True)]
            sound = [(item, record, picture) for item, record, picture in rows if not isinstance(picture, str)]
            asked = [(item, picture) for item, record, picture in sound if record is None]
            answers = iter(system.answer([picture for _, picture in asked], [item.rounds for item, _ in asked]))
            felt = iter(system.emotions([picture for *_, picture in sound]) if emotions else ())
            seconds = round((time.perf_counter() - began) / len(batch), 4)
            for item, record, picture in rows:
                if record is None:
                    result = {"error": picture} if isinstance(picture, str) else {"answers": next(answers)}
                    record = {"id": item.id, **result, "rounds": list(item.rounds), **about, "seconds": seconds}
                if emotions and not isinstance(picture, str):
                    record |= {"emotion": next(felt)}
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
            file.flush()
            progress.update(len(batch))
    if processes:
        processes.wait_for_everyone()
    if beside and part == 0:
        _merge_parts(path)
    if processes:
        processes.wait_for_everyone()
    return len(missing)


def _opening(pool: ThreadPoolExecutor, batch: Sequence[tuple]) -> list[Future]:
    """The pictures of a batch, being opened; in the place of one that cannot be, why."""

    def opened(path: Path) -> Image.Image | str:
        try:
            return open_picture(path)
        except PictureError as error:
            return str(error)

    return [pool.submit(opened, path) for _, path, _ in batch]


def _part(path: Path, number: int) -> Path:
    """What process `number` writes until all are done."""
    return path.with_name(f"{path.name}.part{number}")


def _merge_parts(path: Path) -> None:
    """Puts the parts' lines into `path`, then removes the parts.

    Of lines of the same id the first stays, unless it lacks the emotions that a later one has.
    """
    parts = sorted(path.parent.glob(f"{glob.escape(path.name)}.part*"))
    if not parts:
        return
    lines: dict[str, dict] = {}
    for source in (path, *parts):
        for name, record in _finished(source).items():
            if name not in lines or ("emotion" in record and "emotion" not in lines[name]):
                lines[name] = record
    whole = path.with_name(f"{path.name}.whole")
    whole.write_text("".join(json.dumps(of, ensure_ascii=False) + "\n" for of in lines.values()), encoding="utf-8")
    os.replace(whole, path)  # at once: what is there already can never be lost half way
    for part in parts:
        part.unlink()


def _finished(path: Path) -> dict[str, dict]:
    """The lines in the file so far, by id; cuts an unfinished last line off."""
    if not path.exists():
        return {}
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        path.write_bytes(whole)
    if not whole.strip():
        return {}
    read_predictions(path)  # which says what is wrong with them
    return {record["id"]: record for _, record in json_lines(path)}
