"""Vision tower and Q-Former hand over what is in a picture."""

import json
import random
import sys
from dataclasses import replace

import numpy as np
import torch
from tiny import shake, tiny_model

from artgpt4.minigpt4 import MiniGPT4ForConditionalGeneration, MiniGPT4Processor
from train import queries
from train.base import MEASURES, pixel_values
from train.painter import language, sample_painting
from train.painter.vocabulary import UNKNOWN
from train.painter.write import write_shards


def changed(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    """The parts of a model in which a weight has changed."""
    return {name.split(".")[0] for name, value in after.items() if not torch.equal(value, before[name])}


def test_the_queries_tell_a_measure_that_was_lost_in_them(mini_folder, tmp_path):
    rng, generator = random.Random(0), np.random.default_rng(1)
    one = language.random_facts(rng)
    facts = [replace(one, measures={name: rng.random() for name in MEASURES}) for _ in range(640)]
    brightness = np.array([one.measures["brightness"] for one in facts])
    model, processor = tiny_model(), MiniGPT4Processor.from_pretrained(mini_folder / "minigpt4")
    shake(model.vision_model, 0.1)  # fresh, they say the same of every picture
    shake(model.qformer, 0.1)
    size = model.config.vision_config.image_size
    pixels = generator.integers(0, 236, (len(facts), size, size, 3))
    pixels = (pixels + 20 * brightness[:, None, None, None]).astype(np.uint8)

    def error() -> float:
        """Of a linear reading of the brightness off the queries, fitted on the first 512."""
        with torch.no_grad():
            told = model.encode_picture(pixel_values(pixels, processor)).flatten(1)
        true = torch.from_numpy(brightness).float()
        told = torch.cat([told - told.mean(0), torch.ones(len(told), 1)], 1)
        of_ridge = told[:512].T @ told[:512] + 1e-3 * torch.eye(told.shape[1])
        reading = told[512:] @ torch.linalg.solve(of_ridge, told[:512].T @ true[:512])
        return (reading - true[512:]).pow(2).mean().sqrt().item()

    error_before, before = error(), {name: value.clone() for name, value in model.state_dict().items()}
    queries.hand_over(model, processor, pixels[:512], facts[:512], tmp_path / "log.jsonl", 20, 150, seed=0)
    assert error() < error_before / 2
    assert changed(before, model.state_dict()) == {"query_tokens", "qformer", "vision_model"}
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [20, 40, 60, 80, 100, 120, 140, 150]
    assert rows[-1]["loss"] < rows[0]["loss"] and 0 < rows[-1]["moved"] < 1


def test_one_in_five_becomes_a_view_that_nobody_could_name():
    painted = [sample_painting(number, size=112) for number in range(20)]
    pixels, facts = np.stack([picture for picture, _ in painted]), [one for _, one in painted]
    seen, told = queries.some_unnamed(pixels, facts, seed=0)
    others = [row for row in range(20) if not np.array_equal(seen[row], pixels[row])]
    assert len(others) == 4
    for row in range(20):
        assert told[row].subject == UNKNOWN if row in others else told[row] == facts[row]


def test_the_command_leaves_a_base_with_another_q_former(mini_folder, monkeypatch, tmp_path):
    write_shards(tmp_path / "shards", 20, seed=3)
    monkeypatch.setattr(queries, "READER_STEPS", 2)
    monkeypatch.setattr(queries, "STEPS", 2)
    base, shards, out = mini_folder / "minigpt4", tmp_path / "shards", tmp_path / "out"
    words = ["--base", str(base), "--shards", str(shards), "--out", str(out), "--mixed-precision", "no"]
    monkeypatch.setattr(sys, "argv", ["queries", *words])
    queries.main()
    assert {path.name for path in out.iterdir()} == {"log.jsonl", "minigpt4"}
    MiniGPT4Processor.from_pretrained(out / "minigpt4")
    before, after = (
        MiniGPT4ForConditionalGeneration.from_pretrained(folder).state_dict() for folder in (base, out / "minigpt4")
    )
    assert changed(before, after) == {"query_tokens", "qformer", "vision_model"}
