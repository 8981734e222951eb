"""From files to batches: readers of the published formats, length buckets, and the collation of pictures and tokens.

A reader yields samples: dicts with `picture` (bytes, path, PIL picture or a decoded uint8 array [S, S, 3]; None for
text alone), `input_ids` and `labels` (lists of equal length; -100 where nothing is learnt). Readers are endless; every
process and worker sees its own part. `stream(part, parts, start)` is one part from its sample `start` on: the order
depends on these numbers and the seed alone, so that a resumed run goes on where it was.
"""

import csv
import glob
import json
import logging
import random
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
import webdataset as wds
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from artgpt4.dialogue import DialogueProcessor
from artgpt4.images import PictureError, open_picture
from artgpt4.minigpt4 import MiniGPT4Processor, stage2_prompt
from train.tokens import Tokens

logger = logging.getLogger(__name__)

#: What stage 2 asks of records that bring a caption alone, in the manner of MiniGPT-4's (Zhu et al., 2023).
CAPTION_INSTRUCTIONS = (
    "Describe this image in detail.",
    "Take a look at this image and describe what you notice.",
    "Please provide a detailed description of the picture.",
    "Could you describe the contents of this image for me?",
)

#: What is asked of ArtEmis's paintings, whose annotators named an emotion and explained it (Achlioptas et al., 2021).
ARTEMIS_INSTRUCTIONS = (
    "Name the emotion that this painting evokes, and say why in one sentence.",
    "Which emotion does this painting evoke, and what in it makes one feel so?",
    "How does this painting make you feel? Name the emotion first, then explain it.",
)

#: Places that a dialogue takes at most, `--model_max_length` of LLaVA's scripts; what is beyond is cut off.
MAX_TOKENS = 2048
#: Batches that are sorted by length together.
POOL = 16
#: Samples in a row that may be broken before it is the data set that is.
BROKEN_IN_A_ROW = 1000

#: (instruction, answer); for a tuple of instructions one is drawn each time, for None one of CAPTION_INSTRUCTIONS.
Round = tuple[str | tuple[str, ...] | None, str]
Record = tuple[Path | None, list[Round]]


def caption_sample(picture: Any, caption: str, processor: DialogueProcessor, max_text_tokens: int) -> dict:
    """Stage 1: the picture, then caption and newline, with no prompt, as the original trains it."""
    return answer_sample(picture, "<ImageHere>", caption + "\n", processor, max_text_tokens)


def instruction_sample(
    picture: Any, instruction: str, answer: str, processor: DialogueProcessor, max_text_tokens: int
) -> dict:
    """Stage 2: the instruction in the original's template, then answer and `###`."""
    return answer_sample(picture, stage2_prompt(instruction), answer + "###", processor, max_text_tokens)


def answer_sample(picture: Any, prompt: str, answer: str, processor: DialogueProcessor, max_text_tokens: int) -> dict:
    """A prompt that is given and an answer that is learnt; tokenised apart, as the original does."""
    prompt_ids = processor.tokenize(prompt)
    answer_ids = processor.tokenizer(answer, add_special_tokens=False).input_ids[:max_text_tokens]
    return {
        "picture": picture,
        "input_ids": prompt_ids + answer_ids,
        "labels": [-100] * len(prompt_ids) + answer_ids,
    }


def dialogue_sample(
    picture: Any, rounds: list[tuple[str, str]], processor: DialogueProcessor, has_picture: bool = True
) -> dict:
    """A whole dialogue in the chat prompt; every answer and what closes it (`###` or `</s>`) are learnt."""
    input_ids, labels = processor.tokenize_with_answers(rounds, has_picture)
    return {"picture": picture, "input_ids": input_ids[:MAX_TOKENS], "labels": labels[:MAX_TOKENS]}


class ShardCaptions(IterableDataset):
    """Stage-1 samples from WebDataset shards in img2dataset's layout: a picture, and `txt` or `json["caption"]`.

    Shards are drawn with replacement, as the original does, so that a run is cut by its steps and not by an epoch. Of
    several sets, one is drawn for each sample, by its weight, as MiniGPT-4 draws from LAION and CC/SBU 115 to 14.
    A sample or shard that cannot be read is left out with a warning; the next sample's `left_out` says how many were.

    Args:
        shards: a local glob, or anything webdataset opens (`pipe:`, `http:`), with brace expansion; or a mapping of
            such patterns to their weights.

    Raises:
        FileNotFoundError: naming the pattern that matches nothing.
    """

    def __init__(
        self,
        shards: str | dict[str, float],
        processor: DialogueProcessor,
        max_text_tokens: int,
        seed: int,
        rank: int,
        world_size: int,
    ) -> None:
        weights = {shards: 1.0} if isinstance(shards, str) else shards
        self.sets, self.weights = [_urls(pattern) for pattern in weights], list(weights.values())
        self.processor, self.max_text_tokens = processor, max_text_tokens
        self.seed, self.rank, self.world_size = seed, rank, world_size

    def __iter__(self) -> Iterator[dict]:
        return self.stream(self.rank, self.world_size)

    def stream(self, part: int, parts: int, start: int = 0) -> Iterator[dict]:
        """Samples of reader `part` from its `start`-th on; to come there, the shards before are read again.

        Raises:
            ValueError: if a thousand samples in a row cannot be read.
        """
        broken: list[Exception] = []

        def leave_out(error: Exception) -> bool:
            logger.warning("left out: %s", error)
            broken.append(error)
            if len(broken) == BROKEN_IN_A_ROW:
                raise ValueError(f"{BROKEN_IN_A_ROW} samples in a row could not be read, the last: {error}")
            return True

        def captioned_of(urls: list[str], key: str) -> Iterator[tuple[str, bytes, str]]:
            draw = random.Random(key)
            records = wds.DataPipeline(
                lambda: ({"url": draw.choice(urls)} for _ in count()),
                wds.tarfile_to_samples(handler=leave_out),
                wds.shuffle(1000, rng=random.Random(f"shuffle {key}")),
            )
            return (found for record in records if (found := _captioned(record, leave_out)))

        keys = [f"{self.seed} {part}", *(f"{self.seed} {part} set {number}" for number in range(1, len(self.sets)))]
        sets = [captioned_of(urls, key) for urls, key in zip(self.sets, keys, strict=True)]
        draw = random.Random(f"sets {self.seed} {part}")
        for number in count():
            name, picture, caption = next(draw.choices(sets, self.weights)[0])
            left_out = len(broken)
            broken.clear()
            if number >= start:
                sample = caption_sample(picture, caption, self.processor, self.max_text_tokens)
                draw_of_crop = random.Random(f"crop {self.seed} {part} {number}").getrandbits(16)
                yield sample | {"name": name, "left_out": left_out, "draw": draw_of_crop}

    def pictures(self) -> Iterator[tuple[str, bytes]]:
        """Every picture of the shards once, with its name."""

        def leave_out(error: Exception) -> bool:
            logger.warning("left out: %s", error)
            return True

        urls = ({"url": url} for of_set in self.sets for url in of_set)
        for record in wds.tariterators.tarfile_samples(urls, handler=leave_out):
            if found := _captioned(record, leave_out):
                yield found[:2]


def _urls(pattern: str) -> list[str]:
    urls = sorted(glob.glob(pattern)) or list(wds.shardlists.expand_urls(pattern))
    if not any(url.startswith(("pipe:", "http:", "https:")) or Path(url).exists() for url in urls):
        raise FileNotFoundError(f"shards={pattern} matches no file; give a glob or a pattern like 0{{0..9}}.tar")
    return urls


def _captioned(record: dict[str, Any], leave_out: Callable[[Exception], bool]) -> tuple[str, bytes, str] | None:
    """Name, picture and caption of a record in img2dataset's layout, or None, having said why."""
    picture = next((record[kind] for kind in ("jpg", "jpeg", "png", "webp") if kind in record), None)
    try:
        caption = record["txt"].decode() if "txt" in record else json.loads(record["json"])["caption"]
    except (KeyError, ValueError):
        caption = None
    if picture and caption and caption.strip():
        return f"{Path(record['__url__']).name}/{record['__key__']}", picture, caption.strip()
    leave_out(ValueError(f"{record['__key__']} in {record['__url__']} has no {'caption' if picture else 'picture'}"))
    return None


class Records(IterableDataset):
    """Endless samples from a list of records held in memory, in a new order each epoch.

    Args:
        records: (picture path or None, rounds) pairs. With MiniGPT-4 a single round whose instruction is drawn gets the
            stage-2 template; everything else the chat's.

    Raises:
        ValueError: if there are no records, or fewer than processes and workers to share them.
    """

    def __init__(
        self,
        records: list[Record],
        processor: DialogueProcessor,
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
        return self.stream(self.rank, self.world_size)

    def stream(self, part: int, parts: int, start: int = 0) -> Iterator[dict]:
        """Samples of reader `part` of `parts`, from its `start`-th on."""
        for index, rng in endless_order(len(self.records), self.seed, part, parts, start):
            picture, rounds = self.records[index]
            instruction, answer = rounds[0]
            is_drawn = len(rounds) == 1 and not isinstance(instruction, str)
            if is_drawn:
                instruction = rng.choice(instruction or CAPTION_INSTRUCTIONS)
                rounds = [(instruction, answer)]
            if is_drawn and isinstance(self.processor, MiniGPT4Processor):
                sample = instruction_sample(picture, instruction, answer, self.processor, self.max_text_tokens)
            else:
                sample = dialogue_sample(picture, rounds, self.processor, has_picture=picture is not None)
            yield sample | {"name": str(picture), "draw": rng.getrandbits(16)}

    def pictures(self) -> Iterator[tuple[str, Path]]:
        """Every picture of the records once, with its name."""
        for picture in dict.fromkeys(picture for picture, _ in self.records if picture is not None):
            yield str(picture), picture


def endless_order(total: int, seed: int, part: int, parts: int, start: int = 0) -> Iterator[tuple[int, random.Random]]:
    """Indices below `total`, in a new random order each epoch, every `parts`-th, each with its own generator.

    Raises:
        ValueError: if there is not one index for every part.
    """
    if total < parts:
        raise ValueError(f"There are {total} records for {parts} readers; give num_workers or processes fewer")
    first_epoch, done = divmod(start, len(range(part, total, parts)))
    for epoch in count(first_epoch):
        order = np.random.default_rng([seed, epoch]).permutation(total)
        for position in range(part + done * parts, total, parts):
            yield int(order[position]), random.Random(f"{seed} {epoch} {position}")
        done = 0


def read_cc_sbu_align(folder: Path) -> list[Record]:
    """Records of `filter_cap.json` and `image/`, the layout of MiniGPT-4's stage-2 data."""
    annotations = json.loads((folder / "filter_cap.json").read_text(encoding="utf-8"))["annotations"]
    return [(folder / "image" / f"{item['image_id']}.jpg", [(None, item["caption"])]) for item in annotations]


def read_llava_instruct(path: Path, images: Path) -> list[Record]:
    """Records of a LLaVA-Instruct JSON file; `<image>` may stand anywhere in the first turn, and need not be there.

    A record without `image` is a dialogue without a picture.

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


def read_paintingform(folder: Path) -> list[Record]:
    """Records of PaintingForm (GalleryGPT, Bin et al., 2024): `train_samples_tuning.json` (LLaVA's form), `images/`.

    The mark of the picture stands behind the instruction there; see `read_llava_instruct`.
    """
    return read_llava_instruct(folder / "train_samples_tuning.json", folder)


def read_artemis(path: Path, wikiart: Path) -> list[Record]:
    """Every annotation of an ArtEmis file as a record of its own: the emotion's name, a colon, the utterance.

    A painting has several annotators, so it comes several times an epoch, each time with another reference.

    Args:
        path: `artemis_dataset_release_v0.csv` (ArtEmis), `Contrastive.csv` (the new part of v2.0) or
            `combined_artemis.csv` (v2.0), by their columns art_style, painting, emotion and utterance. If there is a
            column `split`, rows of other splits than `train` are not for training.
        wikiart: the folder of WikiArt's pictures, `<art_style>/<painting>.jpg`.

    Raises:
        ValueError: naming the columns that are missing, or if not one painting lies in `wikiart`.
    """
    with open(path, encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines)
        missing = {"art_style", "painting", "emotion", "utterance"} - set(rows.fieldnames or ())
        if missing:
            raise ValueError(f"{path} is no ArtEmis file: it has no column {', '.join(sorted(missing))}")
        annotations = [row for row in rows if row.get("split", "train") == "train"]
    # Names carry accents, which file systems and archives write in one of two ways.
    pictures = {_composed(f"{file.parent.name}/{file.stem}"): file for file in wikiart.glob("*/*.jpg")}
    records = []
    for row in annotations:
        picture = pictures.get(_composed(f"{row['art_style']}/{row['painting']}"))
        if picture is not None:
            answer = f"{row['emotion'].capitalize()}: {row['utterance'].strip()}"
            records.append((picture, [(ARTEMIS_INSTRUCTIONS, answer)]))
    if not records:
        raise ValueError(f"None of the paintings of {path} lies in {wikiart} as <art_style>/<painting>.jpg")
    if len(records) < len(annotations):
        logger.warning("left out %d of %d annotations: no picture", len(annotations) - len(records), len(annotations))
    return records


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def bucketed(
    samples: Iterable[dict], batch_size: int, seed: int, pool: int = POOL, skip: int = 0
) -> Iterator[list[dict]]:
    """Batches of samples of like length: `pool` batches are sorted together, then shuffled.

    The order of the shuffle depends on `seed` alone, so that several processes meet batches of like length together.

    Args:
        skip: the number of the batch to begin with; `samples` then begin with the first of the pool that it is in.
    """
    rng, held = random.Random(seed), []
    for _ in range(skip // pool):
        rng.shuffle(list(range(pool)))
    first = skip % pool
    for sample in samples:
        held.append(sample)
        if len(held) == pool * batch_size:
            held.sort(key=lambda sample: len(sample["input_ids"]))
            order = list(range(pool))
            rng.shuffle(order)
            for i in order[first:]:
                yield held[i * batch_size : (i + 1) * batch_size]
            held, first = [], 0


class Buckets(IterableDataset):
    """`bucketed`, as a data set whose items are whole collated batches, so that loader workers do the decoding.

    Args:
        skip: the batches that this process has had before, from all its workers.
    """

    def __init__(
        self,
        samples: ShardCaptions | Records,
        processor: DialogueProcessor,
        batch_size: int,
        seed: int,
        skip: int = 0,
        tokens: Tokens | None = None,
    ) -> None:
        self.samples, self.processor, self.batch_size, self.seed = samples, processor, batch_size, seed
        self.skip, self.tokens = skip, tokens

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        # A loader takes a batch from each worker in turn, the first first: that must be the one whose turn it is.
        full_turns, ahead = divmod(self.skip, workers)
        worker = (worker + ahead) % workers
        skip = full_turns + (worker < ahead)
        part, parts = self.samples.rank * workers + worker, self.samples.world_size * workers
        samples = self.samples.stream(part, parts, skip // POOL * POOL * self.batch_size)
        for batch in bucketed(samples, self.batch_size, self.seed, skip=skip):
            yield collate(batch, self.processor, self.tokens)


def loader(
    samples: ShardCaptions | Records,
    processor: DialogueProcessor,
    batch_size: int,
    seed: int,
    num_workers: int,
    skip: int = 0,
    tokens: Tokens | None = None,
) -> DataLoader:
    """Endless collated batches of `batch_size` samples for this process, without the first `skip`."""
    batches = Buckets(samples, processor, batch_size, seed, skip, tokens)
    return DataLoader(batches, batch_size=None, num_workers=num_workers)


def collate(samples: list[dict], processor: DialogueProcessor, tokens: Tokens | None = None) -> dict[str, torch.Tensor]:
    """`pixel_values` [B, 3, S, S] and right-padded `input_ids`, `attention_mask`, `labels` [B, T].

    A picture that cannot be read is left out with its sample and a warning; `left_out` counts them, with those that a
    reader left out. Samples of text alone have no row in `pixel_values`: their tokens hold no place for a picture, and
    the model fills places in order. With `tokens`, `query_output` [B, num_query_tokens, qformer hidden] takes the place
    of `pixel_values`.
    """
    kept, pictures, left_out = [], [], sum(sample.get("left_out", 0) for sample in samples)
    for sample in samples:
        picture = sample["picture"]
        if tokens is not None and picture is not None:
            picture = tokens.get(sample["name"], sample["draw"])
            if picture is None:
                logger.warning("left out %s: it is not in the token cache", sample["name"])
                left_out += 1
                continue
        elif isinstance(picture, bytes | Path):
            try:
                picture = open_picture(picture)
            except (PictureError, OSError) as error:
                logger.warning("left out %s: %s", "a picture" if isinstance(picture, bytes) else picture, error)
                left_out += 1
                continue
        kept.append(sample)
        pictures.append(picture)
    if not kept:
        # The other processes wait for this one's batch: it gets one from which nothing is learnt.
        kept = [samples[0] | {"labels": [-100] * len(samples[0]["labels"])}]
        pictures = [Image.new("RGB", (8, 8)) if tokens is None else torch.zeros(tokens.values.shape[2:])]
    length = max(len(sample["input_ids"]) for sample in kept)
    batch = {
        # Padding is masked; the end token is only there because some id must be.
        "input_ids": torch.full((len(kept), length), processor.tokenizer.eos_token_id),
        "attention_mask": torch.zeros((len(kept), length), dtype=torch.long),
        "labels": torch.full((len(kept), length), -100),
        "left_out": torch.tensor(left_out),
    }
    for row, sample in enumerate(kept):
        end = len(sample["input_ids"])
        batch["input_ids"][row, :end] = torch.tensor(sample["input_ids"])
        batch["attention_mask"][row, :end] = 1
        batch["labels"][row, :end] = torch.tensor(sample["labels"])
    with_picture = [picture for picture in pictures if picture is not None]
    if with_picture and tokens is not None:
        batch["query_output"] = torch.stack(with_picture)
    elif with_picture:
        batch["pixel_values"] = processor.pixel_values(with_picture)
    return batch
