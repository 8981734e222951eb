"""Write painted pictures with what is said about them, in the layouts that MiniGPT-4's two training stages read.

python -m train.painter shards --out DIR --count N --seed S [--workers 2]    img2dataset's WebDataset shards, for stage 1
python -m train.painter cc_sbu_align --out DIR --count N --seed S            filter_cap.json, image/ and dialogues.json, for stage 2
python -m train.painter sheet --out FILE.png --count 60 --seed S             one picture of many
"""

import argparse
import hashlib
import io
import json
import random
import tarfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from train.painter.facts import Facts
from train.painter.sample import sample_painting

PER_SHARD = 1000


def painting_seed(seed: int, index: int) -> int:
    """The number of the `index`-th painting of a data set; no two data sets share one."""
    return seed * 10_000_000 + index


def jpeg(image: np.ndarray, quality: int = 90) -> bytes:
    """uint8 RGB [height, width, 3] as a JPEG file."""
    return cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def _painted(number: int) -> tuple[bytes, Facts, str]:
    from train.painter.language import caption

    image, facts = sample_painting(number)
    rng = random.Random(number)
    return jpeg(image), facts, caption(facts, rng, emotional=rng.random() < 0.5)


def _shard(job: tuple[str, int, int, int]) -> int:
    out, seed, first, count = job
    cv2.setNumThreads(1)
    with tarfile.open(Path(out) / f"{first // PER_SHARD:05d}.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        for index in range(first, first + count):
            key = f"{first // PER_SHARD:05d}{index - first:04d}"
            picture, facts, text = _painted(painting_seed(seed, index))
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
    """Write `count` paintings as 00000.tar, 00001.tar, ...; the same seed gives the same bytes, whatever `workers` is."""
    out.mkdir(parents=True, exist_ok=True)
    jobs = [(str(out), seed, first, min(PER_SHARD, count - first)) for first in range(0, count, PER_SHARD)]
    with tqdm(total=count, unit="pictures", mininterval=1) as bar:
        if workers == 1:
            for job in jobs:
                bar.update(_shard(job))
        else:
            with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
                for done in pool.map(_shard, jobs):
                    bar.update(done)


def write_cc_sbu_align(out: Path, count: int, seed: int) -> None:
    """Write `count` paintings with captions as cc_sbu_align has them, and with dialogues as LLaVA-Instruct has them."""
    from train.painter.language import dialogue

    (out / "image").mkdir(parents=True, exist_ok=True)
    annotations, dialogues, records = [], [], {}
    for index in tqdm(range(count), unit="pictures", mininterval=1):
        number = painting_seed(seed, index)
        picture, facts, text = _painted(number)
        rng, name = random.Random(number + 1), str(index)
        (out / "image" / f"{name}.jpg").write_bytes(picture)
        annotations.append({"image_id": name, "caption": text})
        turns = []
        for question, reply in dialogue(facts, rng, emotional=rng.random() < 0.5):
            turns.append({"from": "human", "value": question if turns else f"<image>\n{question}"})
            turns.append({"from": "gpt", "value": reply})
        dialogues.append({"id": name, "image": f"{name}.jpg", "conversations": turns})
        records[name] = facts.to_dict()
    (out / "filter_cap.json").write_text(json.dumps({"annotations": annotations}))
    (out / "dialogues.json").write_text(json.dumps(dialogues))
    (out / "facts.json").write_text(json.dumps(records))


def write_sheet(out: Path, count: int, seed: int) -> None:
    """Write a contact sheet of `count` paintings, ten in a row."""
    cells = [
        cv2.resize(sample_painting(painting_seed(seed, i))[0], (150, 150), interpolation=cv2.INTER_AREA)
        for i in range(count)
    ]
    cells += [np.full_like(cells[0], 255)] * (-count % 10)
    rows = [np.hstack(cells[i : i + 10]) for i in range(0, len(cells), 10)]
    cv2.imwrite(str(out), np.vstack(rows)[:, :, ::-1])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m train.painter", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=("shards", "cc_sbu_align", "sheet"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="processes, for shards")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    if args.what == "shards":
        write_shards(args.out, args.count, args.seed, args.workers)
    elif args.what == "cc_sbu_align":
        write_cc_sbu_align(args.out, args.count, args.seed)
    else:
        write_sheet(args.out, args.count, args.seed)


if __name__ == "__main__":
    main()
