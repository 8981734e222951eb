"""Vision tower and Q-Former run once a picture: what they say is kept on disk and mapped into memory.

    python -m train.tokens stage2 --config train/configs/stage2_vicuna13b.yaml token_cache=data/cc_sbu_align/tokens
    python -m train.stage2        --config train/configs/stage2_vicuna13b.yaml token_cache=data/cc_sbu_align/tokens

Both are frozen and see every picture without random crops, so that they would say the same at every step. In float16,
32 queries of 768 numbers are 48 KiB a picture. With `token_crops=K` the cache holds K random crops of each picture in
place of the whole, and every time a picture comes, one of them is drawn.
"""

import hashlib
import json
import logging
import math
import random
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from tqdm import tqdm

from artgpt4.images import PictureError, open_picture
from artgpt4.minigpt4 import MiniGPT4ForConditionalGeneration, MiniGPT4Processor
from train.checkpoints import save_whole

logger = logging.getLogger(__name__)

BATCH = 32


class Tokens:
    """A cache that `make_tokens` wrote.

    Raises:
        FileNotFoundError: if there is none in `folder`.
        ValueError: if another vision tower, Q-Former or image processor made it, or it holds another number of crops.
    """

    def __init__(self, folder: Path, model: nn.Module, processor: MiniGPT4Processor, crops: int = 0) -> None:
        if not (folder / "made_from.json").is_file():
            raise FileNotFoundError(
                f"token_cache={folder} is not there; make it with `python -m train.tokens stage1|stage2` and the "
                "arguments of this run"
            )
        made_from = json.loads((folder / "made_from.json").read_text(encoding="utf-8"))
        if made_from["fingerprint"] != fingerprint(model, processor):
            raise ValueError(
                f"token_cache={folder} was made with another vision tower, Q-Former or picture size; remove it and "
                "make it again, or name another"
            )
        if (made := made_from.get("crops", 0)) != crops:
            raise ValueError(
                f"token_cache={folder} was made with token_crops={made}, this run has {crops}; give that again, or "
                "make another cache"
            )
        names = json.loads((folder / "names.json").read_text(encoding="utf-8"))
        self.rows = {name: row for row, name in enumerate(names)}
        shape = (len(names), max(crops, 1), *made_from["shape"])
        self.values = np.memmap(folder / "queries.f16", dtype=np.float16, mode="r", shape=shape)

    def get(self, name: str, draw: int = 0) -> torch.Tensor | None:
        """[num_query_tokens, qformer hidden] of a picture; None if it could not be read or was not there.

        Args:
            draw: any number; its remainder says which of the crops is taken.
        """
        row = self.rows.get(name)
        if row is None:
            return None
        return torch.from_numpy(self.values[row, draw % self.values.shape[1]].astype(np.float32))


def make_tokens(
    folder: Path,
    pictures: Iterable[tuple[str, Any]],
    model: MiniGPT4ForConditionalGeneration,
    processor: MiniGPT4Processor,
    crops: int = 0,
) -> tuple[int, int]:
    """Writes the cache of these pictures (name, and bytes or path), whole or not at all.

    Args:
        crops: how many random crops of each picture it holds; 0 for the whole picture.

    Returns: the pictures in it, and those that could not be read.
    """
    names, left_out = [], 0

    def readable() -> Iterator[tuple[str, Image.Image]]:
        nonlocal left_out
        for name, picture in pictures:
            try:
                yield name, open_picture(picture)
            except (PictureError, OSError) as error:
                logger.warning("left out %s: %s", name, error)
                left_out += 1

    def write(part: Path) -> None:
        with open(part / "queries.f16", "wb") as file, tqdm(unit="picture") as bar:
            for chunk in chunks(readable(), max(BATCH // max(crops, 1), 1)):
                views = [view for name, picture in chunk for view in views_of(name, picture, crops)]
                with torch.no_grad():
                    queries = model.encode_picture(processor.pixel_values(views).to(model.device))
                file.write(queries.to("cpu", torch.float16).numpy().tobytes())
                names.extend(name for name, _ in chunk)
                bar.update(len(chunk))
        shape = [model.config.num_query_tokens, model.config.qformer_config.hidden_size]
        made_from = {"fingerprint": fingerprint(model, processor), "shape": shape, "crops": crops}
        (part / "names.json").write_text(json.dumps(names), encoding="utf-8")
        (part / "made_from.json").write_text(json.dumps(made_from), encoding="utf-8")

    model.eval()
    save_whole(write, folder)
    return len(names), left_out


def views_of(name: str, picture: Image.Image, crops: int) -> list[Image.Image]:
    """The picture itself, or `crops` random crops of it, the same whenever the same number is asked for."""
    if not crops:
        return [picture]
    rng = random.Random(name)
    return [random_crop(picture, rng) for _ in range(crops)]


def random_crop(picture: Image.Image, rng: random.Random) -> Image.Image:
    """Half to all of the picture's area, its sides 3:4 to 4:3, as LAVIS's `blip2_image_train` draws it.

    The processor makes a square of it, as there; turning left to right, which that does too, is left out: captions and
    answers say left and right.
    """
    width, height = picture.size
    for _ in range(10):
        area, ratio = width * height * rng.uniform(0.5, 1.0), math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            left, top = rng.randint(0, width - w), rng.randint(0, height - h)
            return picture.crop((left, top, left + w, top + h))
    # No such piece fits into a very long picture: its middle, as near to that shape as may be.
    w, h = min(width, round(height * 4 / 3)), min(height, round(width * 4 / 3))
    left, top = (width - w) // 2, (height - h) // 2
    return picture.crop((left, top, left + w, top + h))


def chunks(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Lists of `size` items; the last may be shorter."""
    held = []
    for item in items:
        held.append(item)
        if len(held) == size:
            yield held
            held = []
    if held:
        yield held


def fingerprint(model: nn.Module, processor: MiniGPT4Processor) -> str:
    """A number that changes with any weight that a picture meets before the projection, and with its preparation."""
    digest = hashlib.sha256(json.dumps(processor.image_processor.to_dict(), sort_keys=True, default=str).encode())
    digest.update(model.query_tokens.detach().float().cpu().numpy().tobytes())
    for tower in (model.vision_model, model.qformer):
        for name, value in tower.state_dict().items():
            digest.update(name.encode())
            digest.update(value.float().cpu().numpy().tobytes())
    return digest.hexdigest()


def main(argv: list[str] | None = None) -> None:
    """Command line: the stage, then its own arguments."""
    from train import stage1, stage2
    from train.args import parse_or_exit
    from train.loop import accelerator_for
    from train.methods import must_be_minigpt4

    argv = sys.argv[1:] if argv is None else argv
    stages = {"stage1": (stage1, stage1.Stage1Arguments), "stage2": (stage2, stage2.Stage2Arguments)}
    if not argv or argv[0] not in stages:
        raise SystemExit(f"{__doc__}\nThe first word is stage1 or stage2.")
    stage, kind = stages[argv[0]]
    args = parse_or_exit(kind, __doc__, argv[1:])
    if args.token_cache is None:
        raise SystemExit("token_cache= is missing: the folder to write")
    must_be_minigpt4(args.base, "token_cache=")
    processor = MiniGPT4Processor.from_pretrained(args.base)
    dtype = getattr(torch, args.dtype)
    model = MiniGPT4ForConditionalGeneration.from_pretrained(args.base, dtype=dtype).to(accelerator_for(args).device)
    pictures = stage.read_samples(args, processor, 0, 1).pictures()
    made, left_out = make_tokens(args.token_cache, pictures, model, processor, args.token_crops)
    print(f"{made} pictures in {args.token_cache}, {left_out} could not be read")


if __name__ == "__main__":
    main()
