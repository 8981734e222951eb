"""Our models' answers to a benchmark's questions, as predictions JSONL: batched, greedy, and resumable.

A system is anything with `answer(pictures, rounds) -> texts`; one that runs elsewhere brings the file.
"""

import json
import platform
import time
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

import torch
from peft import PeftModel
from PIL import Image
from tqdm import tqdm

from artgpt4.chat import ChatModel
from artgpt4.evaluation.benchmarks import Item, read_predictions
from artgpt4.images import PictureError, open_picture
from artgpt4.minigpt4 import END, chat_prompt
from artgpt4.neutralise import neutralise

_PACKAGES = ("torch", "transformers", "peft")


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
            "versions": {"python": platform.python_version()} | {name: metadata.version(name) for name in _PACKAGES},
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
        said: list[list[str]] = [[] for _ in pictures]
        for number in range(max(map(len, rounds), default=0)):
            asked = [index for index, questions in enumerate(rounds) if number < len(questions)]
            prompts = [
                chat_prompt([*zip(rounds[index], said[index], strict=False), (rounds[index][number], None)])
                for index in asked
            ]
            inputs = processor(images=[pictures[index] for index in asked], text=prompts).to(self.chat_model.device)
            inputs["pixel_values"] = inputs["pixel_values"].to(self.chat_model.dtype)
            outputs = model.generate(
                **inputs,
                max_new_tokens=self.max_new_tokens,
                do_sample=False,
                stop_strings=[END],
                tokenizer=processor.tokenizer,
            )
            for index, ids in zip(asked, outputs, strict=True):
                text = processor.tokenizer.decode(ids, skip_special_tokens=True).partition(END)[0]
                said[index].append(neutralise(text).strip())
        return said


def generate(
    items: Sequence[Item], files: Sequence[Path], system: OurModel, path: str | Path, batch_size: int = 16
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
            seconds = round((time.perf_counter() - began) / len(batch), 4)
            for item, error in rows:
                result = {"answers": next(answers)} if error is None else {"error": error}
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
