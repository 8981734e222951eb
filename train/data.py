"""From files to batches: readers of the published formats, length buckets, and the collation of pictures and tokens.

A reader yields samples: dicts with `picture` (bytes, path, PIL picture or a decoded uint8 array [S, S, 3]; None for
text alone), `input_ids` and `labels` (lists of equal length; -100 where nothing is learnt). Readers are endless; every
process and worker sees its own part.
"""

import glob
import json
import logging
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import webdataset as wds
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from artgpt4.images import PictureError, open_picture
from artgpt4.minigpt4 import MiniGPT4Processor, stage2_prompt

logger = logging.getLogger(__name__)

#: What stage 2 asks of records that bring a caption alone, in the manner of MiniGPT-4's (Zhu et al., 2023).
CAPTION_INSTRUCTIONS = (
    "Describe this image in detail.",
    "Take a look at this image and describe what you notice.",
    "Please provide a detailed description of the picture.",
    "Could you describe the contents of this image for me?",
)


def _part(rank: int, world_size: int) -> tuple[int, int]:
    """This worker's number and the number of workers over all processes."""
    info = get_worker_info()
    worker, workers = (info.id, info.num_workers) if info else (0, 1)
    return rank * workers + worker, world_size * workers


def caption_sample(picture: Any, caption: str, processor: MiniGPT4Processor, max_text_tokens: int) -> dict:
    """Stage 1: the picture, then caption and newline, with no prompt, as the original trains it."""
    return answer_sample(picture, "<ImageHere>", caption + "\n", processor, max_text_tokens)


def instruction_sample(
    picture: Any, instruction: str, answer: str, processor: MiniGPT4Processor, max_text_tokens: int
) -> dict:
    """Stage 2: the instruction in the original's template, then answer and `###`."""
    return answer_sample(picture, stage2_prompt(instruction), answer + "###", processor, max_text_tokens)


def answer_sample(picture: Any, prompt: str, answer: str, processor: MiniGPT4Processor, max_text_tokens: int) -> dict:
    """A prompt that is given and an answer that is learnt; tokenised apart, as the original does."""
    prompt_ids = processor.tokenize(prompt)
    answer_ids = processor.tokenizer(answer, add_special_tokens=False).input_ids[:max_text_tokens]
    return {
        "picture": picture,
        "input_ids": prompt_ids + answer_ids,
        "labels": [-100] * len(prompt_ids) + answer_ids,
    }


def dialogue_sample(picture: Any, rounds: list[tuple[str, str]], processor: MiniGPT4Processor) -> dict:
    """A whole dialogue in the chat prompt; every answer and the `###` that closes it are learnt."""
    input_ids, labels = processor.tokenize_with_answers(rounds)
    return {"picture": picture, "input_ids": input_ids, "labels": labels}


class ShardCaptions(IterableDataset):
    """Stage-1 samples from WebDataset shards in img2dataset's layout: a picture, and `txt` or `json["caption"]`.

    Shards are drawn with replacement, as the original does, so that a run is cut by its steps and not by an epoch.

    Args:
        shards: a local glob, or anything webdataset opens (`pipe:`, `http:`), with brace expansion.
    """

    def __init__(
        self, shards: str, processor: MiniGPT4Processor, max_text_tokens: int, seed: int, rank: int, world_size: int
    ) -> None:
        self.urls = sorted(glob.glob(shards)) or list(wds.shardlists.expand_urls(shards))
        if not any(url.startswith(("pipe:", "http:", "https:")) or Path(url).exists() for url in self.urls):
            raise FileNotFoundError(f"shards={shards} matches no file; give a glob or a pattern like 0{{0..9}}.tar")
        self.processor, self.max_text_tokens = processor, max_text_tokens
        self.seed, self.rank, self.world_size = seed, rank, world_size

    def __iter__(self) -> Iterator[dict]:
        part, _ = _part(self.rank, self.world_size)
        pipeline = wds.DataPipeline(
            wds.ResampledShards(self.urls, seed=self.seed * 1000 + part, deterministic=True),
            wds.tarfile_to_samples(handler=wds.warn_and_continue),
            wds.shuffle(1000, rng=random.Random(self.seed * 1000 + part)),
        )
        for record in pipeline:
            picture = next((record[kind] for kind in ("jpg", "jpeg", "png", "webp") if kind in record), None)
            caption = (
                record["txt"].decode() if "txt" in record else json.loads(record.get("json", b"{}")).get("caption")
            )
            if picture is None or not caption:
                logger.warning("left out %s: it has no %s", record["__key__"], "caption" if picture else "picture")
                continue
            yield caption_sample(picture, caption.strip(), self.processor, self.max_text_tokens)


class Records(IterableDataset):
    """Endless samples from a list of records held in memory, in a new order each epoch.

    Args:
        records: (picture path or None, rounds) pairs; a round is (instruction or None, answer). A single round without
            instruction is a caption: it gets one of MiniGPT-4's instructions and the stage-2 template.
    """

    def __init__(
        self,
        records: list[tuple[Path | None, list[tuple[str | None, str]]]],
        processor: MiniGPT4Processor,
        max_text_tokens: int,
        seed: int,
        rank: int,
        world_size: int,
    ) -> None:
        if not records:
            raise ValueError("There are no records to train on; check the files that were named")
        self.records, self.processor, self.max_text_tokens = records, processor, max_text_tokens
        self.seed, self.rank, self.world_size = seed, rank, world_size

    def __iter__(self) -> Iterator[dict]:
        part, parts = _part(self.rank, self.world_size)
        for index, rng in endless_order(len(self.records), self.seed, part, parts):
            picture, rounds = self.records[index]
            if len(rounds) == 1 and rounds[0][0] is None:
                instruction = rng.choice(CAPTION_INSTRUCTIONS)
                yield instruction_sample(picture, instruction, rounds[0][1], self.processor, self.max_text_tokens)
            else:
                yield dialogue_sample(picture, rounds, self.processor)


def endless_order(count: int, seed: int, part: int, parts: int) -> Iterator[tuple[int, random.Random]]:
    """Indices below `count`, in a new random order each epoch, every `parts`-th, each with its own generator."""
    epoch = 0
    while True:
        order = np.random.default_rng([seed, epoch]).permutation(count)
        for position in range(part, count, parts):
            yield int(order[position]), random.Random(f"{seed} {epoch} {position}")
        epoch += 1


def read_cc_sbu_align(folder: Path) -> list[tuple[Path, list[tuple[None, str]]]]:
    """Records of `filter_cap.json` and `image/`, the layout of MiniGPT-4's stage-2 data."""
    annotations = json.loads((folder / "filter_cap.json").read_text(encoding="utf-8"))["annotations"]
    return [(folder / "image" / f"{item['image_id']}.jpg", [(None, item["caption"])]) for item in annotations]


def read_llava_instruct(path: Path, images: Path) -> list[tuple[Path | None, list[tuple[str, str]]]]:
    """Records of a LLaVA-Instruct JSON file; `<image>` may stand anywhere in the first turn, and need not be there.

    Raises:
        ValueError: naming the record, if its turns do not alternate between `human` and `gpt`.
    """
    records = []
    for item in json.loads(path.read_text(encoding="utf-8")):
        turns = item["conversations"]
        if len(turns) % 2 or any(turn["from"] != ("human", "gpt")[i % 2] for i, turn in enumerate(turns)):
            raise ValueError(
                f"{path}, record {item.get('id')}: turns must alternate between human and gpt, human first"
            )
        texts = [turn["value"].replace("<image>", "").strip() for turn in turns]
        picture = images / item["image"] if "image" in item else None
        records.append((picture, list(zip(texts[::2], texts[1::2], strict=True))))
    return records


def bucketed(samples: Iterable[dict], batch_size: int, seed: int, pool: int = 16) -> Iterator[list[dict]]:
    """Batches of samples of like length: `pool` batches are sorted together, then shuffled.

    The order of the shuffle depends on `seed` alone, so that several processes meet batches of like length together.
    """
    rng, held = random.Random(seed), []
    for sample in samples:
        held.append(sample)
        if len(held) == pool * batch_size:
            held.sort(key=lambda sample: len(sample["input_ids"]))
            order = list(range(pool))
            rng.shuffle(order)
            for i in order:
                yield held[i * batch_size : (i + 1) * batch_size]
            held = []


class Buckets(IterableDataset):
    """`bucketed`, as a data set whose items are whole collated batches, so that loader workers do the decoding."""

    def __init__(self, samples: IterableDataset, processor: MiniGPT4Processor, batch_size: int, seed: int) -> None:
        self.samples, self.processor, self.batch_size, self.seed = samples, processor, batch_size, seed

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        for batch in bucketed(self.samples, self.batch_size, self.seed):
            yield collate(batch, self.processor)


def loader(
    samples: IterableDataset, processor: MiniGPT4Processor, batch_size: int, seed: int, num_workers: int
) -> DataLoader:
    """Endless collated batches of `batch_size` samples for this process."""
    return DataLoader(Buckets(samples, processor, batch_size, seed), batch_size=None, num_workers=num_workers)


def collate(samples: list[dict], processor: MiniGPT4Processor) -> dict[str, torch.Tensor]:
    """`pixel_values` [B, 3, S, S] and right-padded `input_ids`, `attention_mask`, `labels` [B, T].

    A picture that cannot be read is left out with its sample and a warning. Samples of text alone have no row in
    `pixel_values`: their tokens hold no place for a picture, and the model fills places in order.
    """
    kept, pictures = [], []
    for sample in samples:
        picture = sample["picture"]
        if isinstance(picture, bytes | Path):
            try:
                picture = open_picture(picture)
            except (PictureError, OSError) as error:
                logger.warning("left out a sample: %s", error)
                continue
        kept.append(sample)
        pictures.append(picture)
    if not kept:
        raise ValueError("None of a whole batch's pictures could be read; see the warnings above")
    length = max(len(sample["input_ids"]) for sample in kept)
    batch = {
        # Padding is masked; the end token is only there because some id must be.
        "input_ids": torch.full((len(kept), length), processor.tokenizer.eos_token_id),
        "attention_mask": torch.zeros((len(kept), length), dtype=torch.long),
        "labels": torch.full((len(kept), length), -100),
    }
    for row, sample in enumerate(kept):
        tokens = len(sample["input_ids"])
        batch["input_ids"][row, :tokens] = torch.tensor(sample["input_ids"])
        batch["attention_mask"][row, :tokens] = 1
        batch["labels"][row, :tokens] = torch.tensor(sample["labels"])
    with_picture = [picture for picture in pictures if picture is not None]
    if with_picture:
        batch["pixel_values"] = processor.pixel_values(with_picture)
    return batch
