"""Vision tower and Q-Former learn once more, alone, to hand over what is in a picture.

    python -m train.queries --base runs/mini/base/minigpt4 --shards data/mini/more_shards --out runs/mini/queries

`train.base` asks the mean of the queries what is in a picture, and a mean tells less than its parts: how bright a
picture is stands twice as exactly in the tower's patches as in all the queries together. So the tower, the Q-Former and
its query tokens learn with `train.sight`'s reader, which reads every query by itself as the language model does. They
do it on pictures that they have not met: what they tell of their own they tell too well, and stage 2 would learn to be
surer of other pictures than it may. What they say stays near what they said before: the language model is not trained
along, and the adapters of stages 1 and 2 learn the rest. Among what the reader reads is the emotion that a picture
evokes: the ablation, which asks what adapters teach a base that has been told none, takes the base before.

`out/minigpt4` is a base folder for `train.stage1`. To be run after `train.base`.
"""

import argparse
import json
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm, trange
from transformers import get_cosine_schedule_with_warmup

from artgpt4.minigpt4 import MiniGPT4ForConditionalGeneration, MiniGPT4Processor
from train.base import MEASURES, UNNAMED, pixel_values, read_pictures, unnamed
from train.loop import Muon
from train.painter.facts import Facts
from train.sight import Reader, targets

BATCH = 128
#: See `hand_over`.
READER_STEPS, STEPS = 2600, 2650
#: Rates: of Muon, which takes the matrices of the layers; of AdamW for the rest of tower and Q-Former; for the readers.
MUON_LR, LR, READER_LR = 1e-3, 3e-4, 1e-3
#: What it weighs whether a thing or a colour is there. People ask for each by itself; in the sum, what few pictures
#: leave in doubt is small beside where each thing lies and what colour it has.
PRESENCE_WEIGHT = 3.0
#: What the mean squared distance from the old queries weighs, in variances of theirs.
ANCHOR = 1.0
LOG_EVERY = 20


class Heads(nn.Module):
    """What reads the queries: the facts (`Reader`) and the measures (a linear layer)."""

    def __init__(self, queries: int, size: int, facts: list[Facts]) -> None:
        super().__init__()
        self.reader = Reader(queries, size)
        self.norm = nn.LayerNorm(queries * size, elementwise_affine=False)
        self.measures_head = nn.Linear(queries * size, len(MEASURES))
        measures = torch.tensor([[one.measures[name] for name in MEASURES] for one in facts])
        self.true_measures = (measures - measures.mean(0)) / measures.std(0)
        self.true_facts = targets(facts)

    def loss(self, queries: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Of the queries of the pictures `rows`.

        Of each measure half the logarithm of its mean squared error, which is the likelihood of a normal error of
        unknown size: the error itself is soon too small to be felt beside thirty facts, when it is still too large to
        tell "dark" from "medium".
        """
        facts_loss = self.reader.loss(
            queries, *(column[rows] for column in self.true_facts), presence_weight=PRESENCE_WEIGHT
        )
        errors = self.measures_head(self.norm(queries.flatten(1))) - self.true_measures[rows]
        return facts_loss + 0.5 * errors.pow(2).mean(0).log().sum()


def some_unnamed(pixels: np.ndarray, facts: list[Facts], seed: int) -> tuple[np.ndarray, list[Facts]]:
    """A copy of the pictures [N, S, S, 3] in which `UNNAMED` of them are views that nobody could name, and its facts.

    See `train.base.UNNAMED`.
    """
    pixels, facts, rng = np.array(pixels), list(facts), random.Random(seed)
    for row in tqdm(rng.sample(range(len(facts)), round(UNNAMED * len(facts))), "views that nobody could name"):
        pixels[row], facts[row] = unnamed(pixels[row], rng)
    return pixels, facts


def hand_over(
    model: MiniGPT4ForConditionalGeneration,
    processor: MiniGPT4Processor,
    pixels: np.ndarray,
    facts: list[Facts],
    log: Path,
    reader_steps: int,
    steps: int,
    seed: int,
    mixed_precision: str = "no",
) -> None:
    """Trains `model`'s tower, Q-Former and query tokens in place; every `LOG_EVERY` steps of it a row goes into `log`.

    Args:
        pixels: uint8 [N, S, S, 3], of the pictures that `facts` are of.
        reader_steps: in which the heads alone learn, from the queries as they are; then all do for `steps`.
        mixed_precision: `bf16` where the processor has it, else `no`.
    """
    torch.manual_seed(seed)
    model.eval().requires_grad_(False)  # without dropout: it would only spoil what the language model is used to

    def queries_of(rows: torch.Tensor) -> torch.Tensor:
        """[B, queries, size]"""
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed_precision == "bf16"):
            return model.encode_picture(pixel_values(pixels[rows.numpy()], processor)).float()

    with torch.no_grad():
        parts = torch.arange(len(facts)).split(BATCH)
        old = torch.cat([queries_of(rows).half() for rows in tqdm(parts, "looking", unit="batch")])
    variance = old[:4000].float().var(0).mean()
    heads = Heads(*old.shape[1:], facts)
    eyes = [*model.vision_model.parameters(), *model.qformer.parameters(), model.query_tokens]
    layers = [*model.vision_model.encoder.parameters(), *model.qformer.encoder.parameters()]
    matrices = [p for p in layers if p.ndim == 2]
    by_muon = set(map(id, matrices))
    others = [p for p in eyes if id(p) not in by_muon]
    for together, count in ((False, reader_steps), (True, steps)):
        for parameter in eyes:
            parameter.requires_grad_(together)
        optimizers = [torch.optim.AdamW(heads.parameters(), lr=READER_LR, betas=(0.9, 0.98), weight_decay=0.1)]
        if together:
            optimizers.append(torch.optim.AdamW(others, lr=LR, betas=(0.9, 0.98), weight_decay=0.0))
            optimizers.append(Muon(matrices, lr=MUON_LR, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"))
        rates = [get_cosine_schedule_with_warmup(optimizer, count // 10, count) for optimizer in optimizers]
        window, order = [], torch.empty(0, dtype=torch.long)
        bar = trange(1, count + 1, desc="tower and Q-Former" if together else "readers", unit="step")
        for step in bar:
            if len(order) < BATCH:
                order = torch.cat([order, torch.randperm(len(facts))])
            rows, order = order[:BATCH], order[BATCH:]
            queries = queries_of(rows) if together else old[rows].float()
            moved = F.mse_loss(queries, old[rows].float()) / variance
            loss = heads.loss(queries, rows)
            (loss + ANCHOR * moved).backward()
            nn.utils.clip_grad_norm_([*heads.parameters(), *(eyes if together else [])], 5.0)
            for optimizer, rate in zip(optimizers, rates, strict=True):
                optimizer.step()
                optimizer.zero_grad()
                rate.step()
            window.append((float(loss.detach()), float(moved.detach())))
            if step % LOG_EVERY == 0 or step == count:
                of_loss, of_moved = (round(float(np.mean(column)), 4) for column in zip(*window, strict=True))
                bar.set_postfix(loss=of_loss, moved=of_moved)
                window = []
                if together:
                    with open(log, "a", encoding="utf-8") as lines:
                        lines.write(json.dumps({"step": step, "loss": of_loss, "moved": of_moved}) + "\n")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="a base folder of `train.base`")
    parser.add_argument("--shards", type=Path, required=True, help="`train.painter shards`, of another seed than its")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--mixed-precision", choices=("bf16", "no"), default="bf16", help="no on a CPU without bf16 instructions"
    )
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    torch.backends.cuda.enable_flash_sdp(False)  # as `train.loop.accelerator_for` does on a CPU
    model = MiniGPT4ForConditionalGeneration.from_pretrained(given.base).float()
    processor = MiniGPT4Processor.from_pretrained(given.base)
    log = given.out / "log.jsonl"
    log.unlink(missing_ok=True)
    with TemporaryDirectory(dir=given.out) as folder:
        pixels, facts = read_pictures(given.shards, model.config.vision_config.image_size, Path(folder) / "pictures")
        pixels, facts = some_unnamed(pixels, facts, given.seed)
    hand_over(model, processor, pixels, facts, log, READER_STEPS, STEPS, given.seed, given.mixed_precision)
    model.to(torch.bfloat16).save_pretrained(given.out / "minigpt4", max_shard_size="9MB")
    processor.save_pretrained(given.out / "minigpt4")


if __name__ == "__main__":
    main()
