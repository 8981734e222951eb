"""The Q-Former hands over what the vision tower sees."""

import json
import random
import sys
from dataclasses import replace

import torch
from tiny import shake, tiny_model

from artgpt4.minigpt4 import MiniGPT4ForConditionalGeneration, MiniGPT4Processor
from train import queries
from train.base import MEASURES
from train.painter import language
from train.painter.write import write_shards


def changed(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    """The parts of a model in which a weight has changed."""
    return {name.split(".")[0] for name, value in after.items() if not torch.equal(value, before[name])}


def test_the_queries_tell_a_measure_that_was_lost_in_them(tmp_path):
    rng, generator = random.Random(0), torch.Generator().manual_seed(1)
    one = language.random_facts(rng)
    facts = [replace(one, measures={name: rng.random() for name in MEASURES}) for _ in range(640)]
    brightness = torch.tensor([one.measures["brightness"] for one in facts])
    patches = torch.randn(len(facts), 17, 48, generator=generator)
    patches[..., 0] = brightness[:, None]
    model = tiny_model()
    shake(model.qformer, 0.1)  # fresh, it says the same of every picture

    def error() -> float:
        """Of a linear reading of the brightness off the queries, fitted on the first 512."""
        with torch.no_grad():
            told = queries.queries_of(model, patches).flatten(1)
        told = torch.cat([told - told.mean(0), torch.ones(len(told), 1)], 1)
        of_ridge = told[:512].T @ told[:512] + 1e-3 * torch.eye(told.shape[1])
        reading = told[512:] @ torch.linalg.solve(of_ridge, told[:512].T @ brightness[:512])
        return (reading - brightness[512:]).pow(2).mean().sqrt().item()

    error_before, before = error(), {name: value.clone() for name, value in model.state_dict().items()}
    queries.hand_over(model, patches.half(), facts[:512], tmp_path / "log.jsonl", 20, 110, seed=0)
    assert error() < error_before / 2
    assert changed(before, model.state_dict()) == {"query_tokens", "qformer"}
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [20, 40, 60, 80, 100, 110]
    assert rows[-1]["loss"] < rows[0]["loss"] and 0 < rows[-1]["moved"] < 1


def test_the_command_leaves_a_base_with_another_q_former(mini_folder, monkeypatch, tmp_path):
    write_shards(tmp_path / "shards", 20, seed=3)
    monkeypatch.setattr(queries, "READER_STEPS", 2)
    monkeypatch.setattr(queries, "STEPS", 2)
    base, shards, out = mini_folder / "minigpt4", tmp_path / "shards", tmp_path / "out"
    words = ["--base", str(base), "--shards", str(shards), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["queries", *words])
    queries.main()
    assert {path.name for path in out.iterdir()} == {"log.jsonl", "minigpt4"}
    MiniGPT4Processor.from_pretrained(out / "minigpt4")
    before, after = (
        MiniGPT4ForConditionalGeneration.from_pretrained(folder).state_dict() for folder in (base, out / "minigpt4")
    )
    assert changed(before, after) == {"query_tokens", "qformer"}
