"""How well a base sees each fact of painted pictures that it never met, so that no more is said than it can see.

    python -m train.sight --base runs/mini/queries/minigpt4 --pictures data/mini/cc_sbu_align --tokens runs/mini/tokens

Trained on answers that are true of their pictures, a model learns to say what it cannot see as readily as what it can:
it guesses. So a small network reads every fact off the Q-Former's queries, as the language model must; fitted on three
quarters of the pictures, it says how probable it finds what is so of the others, in turns, tempered by what comes out.
`facts.json` then holds that beside each fact (`Facts.sight`), and captions and dialogues are composed anew: what the
tower is not sure of is left out where nobody asked for it, and left open ("perhaps fear or sadness") where somebody did
(`train.painter.language.clear`). A picture that it might take for one that nobody could name is told as such a one.
`sight.md` says how well each fact is seen.

To be run after the base is trained and the tokens are made (`python -m train.tokens`), before stage 2.
"""

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from artgpt4.emotions import EMOTIONS
from artgpt4.minigpt4 import MiniGPT4ForConditionalGeneration, MiniGPT4Processor
from train.base import CLASSES
from train.calibrate import fit, tempered
from train.painter.facts import NONE, Facts
from train.painter.language.clear import SURE, as_told
from train.painter.vocabulary import COLOURS, SIDES, THINGS, UNKNOWN
from train.painter.write import compose
from train.tokens import Tokens

#: Facts that have one value each, and their values.
VALUES: dict[str, tuple[str | None, ...]] = CLASSES | {
    "second": (None, *COLOURS),
    "third": (None, *COLOURS),
    "emotion": tuple(EMOTIONS),
    "second_emotion": tuple(EMOTIONS),
}
HEIGHTS: tuple[str, ...] = ("top", "middle", "bottom")
#: What is told of a thing that is there.
OF_THING: dict[str, tuple[str, ...]] = {"side": SIDES, "height": HEIGHTS, "colour": COLOURS}
#: What is there or not.
PRESENT: tuple[str, ...] = (*(f"thing {name}" for name in THINGS), *(f"colour {name}" for name in COLOURS))
FOLDS, EPOCHS, BATCH = 4, 14, 128


def values_of(facts: Facts) -> dict[str, str | None]:
    """The value of each of `VALUES`."""
    first, second, third = (*facts.colours, None, None)[:3]
    colours = {"leading": first, "second": second, "third": third}
    return {name: colours[name] if name in colours else getattr(facts, name) for name in VALUES}


def targets(facts: list[Facts]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Numbers of the values [N, len(VALUES)], presences [N, len(PRESENT)], and of things [N, len(THINGS), 3].

    -1 stands for what is not to be learnt: a thing too small to be told, or what would be told of an absent one.
    """
    values = torch.tensor([[VALUES[name].index(value) for name, value in values_of(one).items()] for one in facts])
    present = torch.zeros(len(facts), len(PRESENT))
    of_thing = torch.full((len(facts), len(THINGS), len(OF_THING)), -1)
    for row, one in enumerate(facts):
        for name in one.unclear:
            present[row, PRESENT.index(f"thing {name}")] = -1
        for name in one.colours:
            present[row, PRESENT.index(f"colour {name}")] = 1
        for thing in one.things:
            present[row, PRESENT.index(f"thing {thing.name}")] = 1
            for column, (name, options) in enumerate(OF_THING.items()):
                value = getattr(thing, name)
                if value is not None:
                    of_thing[row, THINGS.index(thing.name), column] = options.index(value)
    return values, present, of_thing


class Reader(nn.Module):
    """Reads the facts off a picture's queries, [B, queries, size]."""

    def __init__(self, queries: int, size: int) -> None:
        super().__init__()
        self.sizes = [len(options) for options in VALUES.values()]
        of_thing = sum(len(options) for options in OF_THING.values())
        outputs = sum(self.sizes) + len(PRESENT) + len(THINGS) * of_thing
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.LayerNorm(queries * size),
            nn.Dropout(0.1),
            nn.Linear(queries * size, 512),
            nn.GELU(),
            nn.Dropout(0.3),
            nn.Linear(512, outputs),
        )

    def forward(self, queries: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor, list[torch.Tensor]]:
        """Logits: `VALUES` [B, options] each, `PRESENT` [B, len(PRESENT)], `OF_THING` [B, things, options] each."""
        *values, present, of_thing = self.layers(queries).split(
            [*self.sizes, len(PRESENT), len(THINGS) * sum(map(len, OF_THING.values()))], dim=1
        )
        of_thing = of_thing.unflatten(1, (len(THINGS), -1))
        return values, present, list(of_thing.split([len(options) for options in OF_THING.values()], dim=2))

    def loss(self, queries: torch.Tensor, values, present, of_thing, presence_weight: float = 1.0) -> torch.Tensor:
        """Of a batch with its `targets`; `presence_weight` is that of what is there or not."""
        value_logits, present_logits, thing_logits = self(queries)
        total = sum(F.cross_entropy(logits, values[:, i]) for i, logits in enumerate(value_logits))
        bits = F.binary_cross_entropy_with_logits(present_logits, present.clamp(min=0), reduction="none")
        total = total + presence_weight * (bits * (present >= 0)).sum(1).mean()
        for i, logits in enumerate(thing_logits):
            known = of_thing[..., i] >= 0
            total = total + F.cross_entropy(logits[known], of_thing[..., i][known], reduction="sum") / len(queries)
        return total


def read(queries: torch.Tensor, facts: list[Facts], seed: int = 0) -> tuple[list[np.ndarray], np.ndarray, list]:
    """What is told of each picture by a reader that was fitted without it: probabilities, as `Reader` has logits."""
    of_all = targets(facts)
    torch.manual_seed(seed)
    fold_of = torch.randperm(len(facts)) % FOLDS
    parts: list[tuple[torch.Tensor, tuple]] = []
    for fold in tqdm(range(FOLDS), "fitting"):
        reader = Reader(*queries.shape[1:])
        fitted = (fold_of != fold).nonzero()[:, 0]
        optimizer = torch.optim.AdamW(reader.parameters(), lr=1e-3, weight_decay=0.1)
        steps = EPOCHS * (len(fitted) // BATCH)
        rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=max(steps, 2), pct_start=0.1)
        for _ in range(EPOCHS):
            for rows in fitted[torch.randperm(len(fitted))].split(BATCH):
                if len(rows) == BATCH:
                    optimizer.zero_grad()
                    reader.loss(queries[rows], *(column[rows] for column in of_all)).backward()
                    optimizer.step()
                    rate.step()
        rows = (fold_of == fold).nonzero()[:, 0]
        with torch.no_grad():
            parts.append((rows, reader.eval()(queries[rows])))
    order = torch.cat([rows for rows, _ in parts]).argsort()

    def joined(pick) -> torch.Tensor:
        return torch.cat([pick(told) for _, told in parts])[order]

    values = [joined(lambda told, i=i: told[0][i]).softmax(1).numpy() for i in range(len(VALUES))]
    present = joined(lambda told: told[1]).sigmoid().numpy()
    of_thing = [joined(lambda told, i=i: told[2][i]).softmax(2).numpy() for i in range(len(OF_THING))]
    return values, present, of_thing


def temper(values: list[np.ndarray], present: np.ndarray, of_thing: list, facts: list[Facts]) -> tuple:
    """The same, each kind of fact as sure as it is right."""
    true_values, true_present, true_of_thing = (column.numpy() for column in targets(facts))
    values = [tempered(of, fit(of, true_values[:, i])) for i, of in enumerate(values)]
    present = present.copy()
    for columns in (np.arange(len(THINGS)), np.arange(len(THINGS), len(PRESENT))):
        pairs = np.stack([1 - present[:, columns], present[:, columns]], -1)
        known = true_present[:, columns] >= 0
        temperature = fit(pairs[known], true_present[:, columns][known].astype(int))
        present[:, columns] = tempered(pairs.reshape(-1, 2), temperature)[:, 1].reshape(present[:, columns].shape)
    made = []
    for i, of in enumerate(of_thing):
        known = true_of_thing[..., i] >= 0
        temperature = fit(of[known], true_of_thing[..., i][known])
        made.append(tempered(of.reshape(-1, of.shape[2]), temperature).reshape(of.shape))
    return values, present, made


def with_sight(facts: list[Facts], values: list[np.ndarray], present: np.ndarray, of_thing: list) -> list[Facts]:
    """The facts with `sight` and `rivals`."""
    seen = []
    unnameable = values[list(VALUES).index("subject")][:, VALUES["subject"].index(UNKNOWN)]
    for row, one in enumerate(facts):
        sight, rivals = {}, {}
        for column, (name, value) in enumerate(values_of(one).items()):
            options, of_picture = VALUES[name], values[column][row]
            true = options.index(value)
            sight[name] = float(of_picture[true])
            other = options[max((i for i in range(len(options)) if i != true), key=lambda i: of_picture[i])]
            rivals[name] = NONE if other is None else other
            sight[f"rival {name}"] = float(of_picture[options.index(other)])
        of_colour = {name: float(present[row, PRESENT.index(f"colour {name}")]) for name in COLOURS}
        sight |= {f"colour {name}": of_colour[name] for name in one.colours}
        for thing in one.things:
            number = THINGS.index(thing.name)
            sight[f"thing {thing.name}"] = float(present[row, number])
            for column, (name, options) in enumerate(OF_THING.items()):
                value = getattr(thing, name)
                if value is not None:
                    sight[f"{thing.name} {name}"] = float(of_thing[column][row, number, options.index(value)])
        sight["nameable"] = float(1 - unnameable[row])
        rounded = {name: round(p, 3) for name, p in sight.items()}
        seen.append(dataclasses.replace(one, sight=rounded, rivals=rivals))
    return seen


def table(values: list[np.ndarray], facts: list[Facts]) -> str:
    """How often the likeliest value is right; how often the reader is sure of it, and then right; the first two."""
    lines = ["| fact | right | sure | right where sure | among the first two |", "|---|---|---|---|---|"]
    true = targets(facts)[0].numpy()
    for i, name in enumerate(VALUES):
        right = values[i].argmax(1) == true[:, i]
        sure = values[i].max(1) >= SURE
        two = (np.argsort(-values[i], 1)[:, :2] == true[:, i : i + 1]).any(1)
        where = f"{right[sure].mean():.1%}" if sure.any() else "–"
        lines.append(f"| {name} | {right.mean():.1%} | {sure.mean():.1%} | {where} | {two.mean():.1%} |")
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="a base folder of `train.base`")
    parser.add_argument("--pictures", type=Path, required=True, help="what `train.painter cc_sbu_align` wrote")
    parser.add_argument("--tokens", type=Path, required=True, help="what `train.tokens` made of them with this base")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    model = MiniGPT4ForConditionalGeneration.from_pretrained(given.base, dtype=torch.float32)
    tokens = Tokens(given.tokens, model, MiniGPT4Processor.from_pretrained(given.base))
    records = json.loads((given.pictures / "facts.json").read_text(encoding="utf-8"))
    facts = [Facts.from_dict(record) for record in records.values()]
    queries = torch.stack([tokens.get(str(given.pictures / "image" / f"{name}.jpg")) for name in records])
    told = temper(*read(queries, facts, given.seed), facts)
    text = table(told[0], facts)
    print(text)
    seen = with_sight(facts, *told)
    lost = sum(one.subject != as_told(one).subject for one in seen)
    print(f"{lost} of {len(facts)} pictures might be taken for what nobody could name, and are told as such")
    compose(given.pictures, dict(zip(records, seen, strict=True)), given.seed)
    (given.pictures / "sight.md").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
