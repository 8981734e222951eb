"""The paper's ablations in miniature: what is trained, and what the table says of it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from train import ablation, tokens
from train.ablation import REFERENCE, ROWS, AblationArguments, difference, made_already, table, write_emotions
from train.painter.facts import NONE, Facts
from train.painter.language.parse import claims
from train.painter.write import write_cc_sbu_align


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    write_cc_sbu_align(folder, 12, seed=9)
    return folder


def test_what_is_taught_names_one_emotion_however_well_it_is_seen(pictures, tmp_path):
    facts = json.loads((pictures / "facts.json").read_text())
    unsure = {
        name: replace(Facts.from_dict(of), sight={"emotion": 0.4}, rivals={"emotion": NONE}).to_dict()
        for name, of in facts.items()
    }
    written = []
    for number, told in enumerate((facts, unsure)):
        (tmp_path / f"{number}.json").write_text(json.dumps(told))
        write_emotions(tmp_path / f"{number}.json", tmp_path / f"{number}-emotions.json")
        written.append(json.loads((tmp_path / f"{number}-emotions.json").read_text()))
    assert written[0] == written[1]
    for record in written[0]:
        said = claims(record["conversations"][1]["value"])
        assert ("emotion", facts[record["id"]]["emotion"]) in said
        assert "either" not in {key for key, _ in said}


def test_a_run_is_measured_and_kept(pictures, tmp_path, mini_folder, monkeypatch):
    base, cache = f"base={mini_folder / 'minigpt4'}", tmp_path / "tokens"
    common = [f"cc_sbu_align={pictures}", base, "steps=2", "batch_size=4", "mixed_precision=no", "dtype=float32"]
    tokens.main(["stage2", *common, f"token_cache={cache}", f"output={tmp_path}"])
    words = [*common, f"token_cache={cache}", f"output={tmp_path / 'ablation'}", "pictures=3", "log_every=1"]
    args = ablation.parse_or_exit(AblationArguments, "", words)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)  # the other tests want theirs
    (args.output / "runs").mkdir(parents=True)
    write_emotions(pictures / "facts.json", args.output / "emotions.json")
    lora = next(row for row in ROWS if row.name.startswith("LoRA"))
    runs = [ablation.run(row, 0, args) for row in (ROWS[0], lora)]
    assert [of["parameters"] for of in runs] == [0, 318_240]
    assert len(runs[1]["right"]) == 3 and len(runs[1]["grad_norms"]) == 2
    assert runs[1]["seconds_per_1000"] > 0 and runs[1]["memory_gb"] > 0.1 and runs[0]["memory_gb"] is None
    kept = [json.loads(path.read_text()) for path in sorted((args.output / "runs").glob("*.json"))]
    assert kept == runs == made_already(args)
    with pytest.raises(SystemExit, match=r"'steps': 3.*00-0.json.*another output="):
        made_already(replace(args, steps=3))


def made(row: str, seed: int, right: list[bool]) -> dict:
    """A run as `ablation.run` returns it, with this of its pictures right."""
    scores = {"vader_paper_absdiff": 0.3, "textblob_paper_absdiff": 0.2, "bleu_4": 0.1}
    figures = {"emotion": float(np.mean(right)), "right": right, "truth": 0.5, "scores": scores, "loss": 0.7}
    return {"row": row, "seed": seed, "parameters": 10, "seconds_per_1000": 50.0, "memory_gb": 1.0} | figures


def test_a_difference_is_of_the_same_pictures_and_its_interval_holds_it():
    rng = np.random.default_rng(0)
    easy = rng.random(100) < 0.5
    runs = [made(REFERENCE, seed, (easy & (rng.random(100) < 0.9)).tolist()) for seed in range(3)]
    runs += [made("random start", seed, (easy & (rng.random(100) < 0.9)).tolist()) for seed in range(3)]
    runs += [made("projection only", seed, (easy & (rng.random(100) < 0.5)).tolist()) for seed in range(3)]
    mean, low, high = difference(runs, "random start")
    assert low < 0 < high and low < mean < high
    mean, low, high = difference(runs, "projection only")
    assert low < mean < high < 0
    # Pictures are hard or easy for both rows alike: their luck is not in the difference.
    assert high - low < 0.25
    text = table(runs)
    assert text.count("\n") == 4 and "| projection only | 10 | -" in text and f"| {REFERENCE} | 10 | – |" in text
