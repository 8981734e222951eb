"""The Q-Former learns to hand over what the vision tower sees.

    python -m train.queries --base runs/mini/base/minigpt4 --shards data/mini/shards --out runs/mini/queries

`train.base` asks the mean of the queries what is in a picture, and a mean tells less than its parts: how bright a
picture is stands twice as exactly in the tower's patches as in all the queries together. So the Q-Former and its query
tokens learn once more, alone, with `train.sight`'s reader, which reads every query by itself as the language model
does, on patches that the frozen tower has left on disk. What they say stays near what they said before: the language
model is not trained along, and the adapters of stages 1 and 2 learn the rest. Among what the reader reads is the
emotion that a picture evokes: the ablation, which asks what adapters teach a base that has been told none, takes the
base before.

`out/minigpt4` is a base folder for `train.stage1`. To be run after `train.base`.
"""

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm, trange

from artgpt4.minigpt4 import MiniGPT4ForConditionalGeneration, MiniGPT4Processor
from train.base import MEASURES, pixel_values, read_pictures
from train.painter.facts import Facts
from train.sight import Reader, targets

BATCH = 128
#: See `hand_over`.
READER_STEPS, STEPS = 2600, 2200
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
        facts_loss = self.reader.loss(queries, *(column[rows] for column in self.true_facts))
        errors = self.measures_head(self.norm(queries.flatten(1))) - self.true_measures[rows]
        return facts_loss + 0.5 * errors.pow(2).mean(0).log().sum()


def queries_of(model: MiniGPT4ForConditionalGeneration, patches: torch.Tensor) -> torch.Tensor:
    """[B, queries, size] from patches [B, patches, size]."""
    of_each = model.query_tokens.expand(len(patches), -1, -1)
    return model.qformer(query_embeds=of_each, encoder_hidden_states=patches.float()).last_hidden_state


def keep_patches(
    model: MiniGPT4ForConditionalGeneration, processor: MiniGPT4Processor, pixels: np.ndarray, file: Path
) -> torch.Tensor:
    """What the tower says of pictures uint8 [N, S, S, 3]: float16 [N, patches, size], mapped from `file`."""
    vision = model.config.vision_config
    patches = (vision.image_size // vision.patch_size) ** 2 + 1
    kept = np.lib.format.open_memmap(file, "w+", np.float16, (len(pixels), patches, vision.hidden_size))
    with torch.inference_mode():
        for start in trange(0, len(pixels), BATCH, desc="looking", unit="batch"):
            values = pixel_values(pixels[start : start + BATCH], processor)
            kept[start : start + BATCH] = model.vision_model(values).last_hidden_state.half().numpy()
    return torch.from_numpy(kept)


def hand_over(
    model: MiniGPT4ForConditionalGeneration,
    patches: torch.Tensor,
    facts: list[Facts],
    log: Path,
    reader_steps: int,
    steps: int,
    seed: int,
) -> None:
    """Trains `model`'s Q-Former and query tokens in place; a row for every `LOG_EVERY` steps of it goes into `log`.

    Args:
        patches: [N, patches, size] of the pictures that `facts` are of.
        reader_steps: in which the heads alone learn, from the queries as they are; then all do for `steps`.
    """
    torch.manual_seed(seed)
    model.requires_grad_(False)
    with torch.no_grad():
        old = torch.cat([queries_of(model, part).half() for part in patches.split(BATCH)])
    variance = old[:4000].float().var(0).mean()
    heads = Heads(*old.shape[1:], facts)
    readers = {"params": [*heads.parameters()], "weight_decay": 0.1}
    qformer = {"params": [model.query_tokens, *model.qformer.parameters()], "weight_decay": 0.05}
    for together, count in ((False, reader_steps), (True, steps)):
        groups = [readers, qformer] if together else [readers]
        model.qformer.requires_grad_(together)
        model.query_tokens.requires_grad_(together)
        optimizer = torch.optim.AdamW([dict(group) for group in groups], lr=1e-3, betas=(0.9, 0.98))
        rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=max(count, 2), pct_start=0.1)
        window, order = [], torch.empty(0, dtype=torch.long)
        bar = tqdm(range(1, count + 1), "Q-Former" if together else "reader", unit="step")
        for step in bar:
            if len(order) < BATCH:
                order = torch.cat([order, torch.randperm(len(facts))])
            rows, order = order[:BATCH], order[BATCH:]
            queries = queries_of(model, patches[rows]) if together else old[rows].float()
            moved = F.mse_loss(queries, old[rows].float()) / variance
            loss = heads.loss(queries, rows)
            optimizer.zero_grad()
            (loss + ANCHOR * moved).backward()
            nn.utils.clip_grad_norm_([p for group in groups for p in group["params"]], 5.0)
            optimizer.step()
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
    parser.add_argument("--shards", type=Path, required=True, help="what `train.painter shards` wrote for it")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    model = MiniGPT4ForConditionalGeneration.from_pretrained(given.base).float().eval()
    processor = MiniGPT4Processor.from_pretrained(given.base)
    log = given.out / "log.jsonl"
    log.unlink(missing_ok=True)
    with TemporaryDirectory(dir=given.out) as folder:
        pixels, facts = read_pictures(given.shards, model.config.vision_config.image_size, Path(folder) / "pictures")
        patches = keep_patches(model, processor, pixels, Path(folder) / "patches.npy")
        hand_over(model, patches, facts, log, READER_STEPS, STEPS, given.seed)
    model.to(torch.bfloat16).save_pretrained(given.out / "minigpt4", max_shard_size="9MB")
    processor.save_pretrained(given.out / "minigpt4")


if __name__ == "__main__":
    main()
