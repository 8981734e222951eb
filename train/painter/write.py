"""Writing painted pictures, with what is said about them, in the layouts that MiniGPT-4's two training stages read."""

import hashlib
import io
import json
import random
import tarfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from train.painter.borders import near_a_border
from train.painter.facts import Facts
from train.painter.measure import measure
from train.painter.paint import Painting
from train.painter.sample import sample_painting
from train.painter.unknown import harsh_view
from train.painter.vocabulary import UNKNOWN

PER_SHARD = 1000
#: About each picture of stage 2; of one that shows nothing nameable as many again, for there are few.
DIALOGUES = 2
#: Shares of stage 2's pictures that are harsh views, which nobody could name, and that lie at a border of two words.
HARSH, AT_A_BORDER = 0.1, 0.5


def painting_seed(seed: int, index: int) -> int:
    """The number of the `index`-th painting of a data set; no two data sets share one."""
    return seed * 10_000_000 + index


def jpeg(image: np.ndarray, quality: int = 90) -> bytes:
    """uint8 RGB [height, width, 3] as a JPEG file."""
    return cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def caption_after(last: str, facts: Facts, rng: random.Random) -> str:
    """A caption in another frame than the last one's: never the same for two pictures in a row."""
    from train.painter.language import caption
    from train.painter.language.grammar import opening

    text = caption(facts, rng, emotional=rng.random() < 0.5)
    while opening(text) == opening(last):
        text = caption(facts, rng, emotional=rng.random() < 0.5)
    return text


def _shard(job: tuple[str, int, int, int]) -> int:
    out, seed, first, count = job
    cv2.setNumThreads(1)
    text = ""
    with tarfile.open(Path(out) / f"{first // PER_SHARD:05d}.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        for index in range(first, first + count):
            key = f"{first // PER_SHARD:05d}{index - first:04d}"
            number = painting_seed(seed, index)
            image, facts = sample_painting(number)
            picture, text = jpeg(image), caption_after(text, facts, random.Random(number))
            record = {
                "caption": text,
                "url": None,
                "key": key,
                "status": "success",
                "error_message": None,
                "width": 224,
                "height": 224,
                "original_width": 224,
                "original_height": 224,
                "exif": "{}",
                "sha256": hashlib.sha256(picture).hexdigest(),
                "facts": facts.to_dict(),
            }
            for ending, data in (("jpg", picture), ("txt", text.encode()), ("json", json.dumps(record).encode())):
                member = tarfile.TarInfo(f"{key}.{ending}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return count


def write_shards(out: Path, count: int, seed: int, workers: int = 1) -> None:
    """Write `count` paintings as 00000.tar and so on; a seed gives the same bytes whatever `workers` is."""
    out.mkdir(parents=True, exist_ok=True)
    jobs = [(str(out), seed, first, min(PER_SHARD, count - first)) for first in range(0, count, PER_SHARD)]
    with tqdm(total=count, unit="pictures", mininterval=1) as bar:
        for done in in_processes(_shard, jobs, workers):
            bar.update(done)


def in_processes(work: Callable, jobs: Iterable, workers: int) -> Iterator:
    """`work` of each job, in order, done by `workers` processes."""
    if workers == 1:
        yield from map(work, jobs)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(work, jobs, chunksize=1)


def varied_painting(number: int) -> tuple[np.ndarray, Facts]:
    """A picture of stage 2: the painting of that number, at times at a border of two words, or a harsh view of it.

    What the tower tells of a picture near a border, or of one that is unlike all paintings, is what the language model
    learns to read last: of paintings as they come, few are either.
    """
    rng = np.random.default_rng((number, 1))
    harsh, at_a_border = rng.random() < HARSH, rng.random() < AT_A_BORDER
    image, facts = sample_painting(number, at_a_border=at_a_border and not harsh)
    if harsh:
        image = harsh_view(image, rng)
        image = near_a_border(image, rng) if at_a_border else image
        facts = measure(Painting(image, {}, None), None)
    return image, facts


def _record(job: tuple[str, int, int]) -> Facts:
    out, seed, index = job
    image, facts = varied_painting(painting_seed(seed, index))
    (Path(out) / "image" / f"{index}.jpg").write_bytes(jpeg(image))
    return facts


def write_cc_sbu_align(out: Path, count: int, seed: int, workers: int = 1) -> None:
    """Write `count` paintings with captions as cc_sbu_align has them, and with dialogues as LLaVA-Instruct has them."""
    (out / "image").mkdir(parents=True, exist_ok=True)
    jobs = [(str(out), seed, index) for index in range(count)]
    done = tqdm(in_processes(_record, jobs, workers), total=count, unit="pictures", mininterval=1)
    compose(out, {str(index): facts for index, facts in enumerate(done)}, seed)


def compose(out: Path, facts: dict[str, Facts], seed: int) -> None:
    """Write what is said about pictures that are painted: captions, dialogues, and the facts that both are made of."""
    from train.painter.language import as_told, dialogue

    annotations, dialogues, text = [], [], ""
    for name, of_picture in tqdm(facts.items(), "composing", leave=False, disable=None):
        rng, of_picture = random.Random(f"{seed} {name}"), as_told(of_picture)
        text = caption_after(text, of_picture, rng)
        annotations.append({"image_id": name, "caption": text})
        for k in range(DIALOGUES * (2 if of_picture.subject == UNKNOWN else 1)):
            turns = []
            for question, reply in dialogue(of_picture, random.Random(f"{seed} {name} {k}"), emotional=True):
                turns.append({"from": "human", "value": question if turns else f"<image>\n{question}"})
                turns.append({"from": "gpt", "value": reply})
            dialogues.append({"id": f"{name}_{k}", "image": f"{name}.jpg", "conversations": turns})
    (out / "filter_cap.json").write_text(json.dumps({"annotations": annotations}))
    (out / "dialogues.json").write_text(json.dumps(dialogues))
    (out / "facts.json").write_text(json.dumps({name: of_picture.to_dict() for name, of_picture in facts.items()}))


def write_sheet(out: Path, count: int, seed: int) -> None:
    """Write a contact sheet of `count` paintings, ten in a row."""
    cells = [
        cv2.resize(sample_painting(painting_seed(seed, i))[0], (150, 150), interpolation=cv2.INTER_AREA)
        for i in range(count)
    ]
    cells += [np.full_like(cells[0], 255)] * (-count % 10)
    rows = [np.hstack(cells[i : i + 10]) for i in range(0, len(cells), 10)]
    cv2.imwrite(str(out), np.vstack(rows)[:, :, ::-1])
