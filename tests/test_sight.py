"""What a base sees of pictures that it never met, and what is said of them then."""

import json
import random
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from train import sight, tokens
from train.painter import language
from train.painter.facts import Facts
from train.painter.language.parse import claims
from train.painter.vocabulary import BRIGHTNESS, UNKNOWN
from train.painter.write import write_cc_sbu_align


@pytest.fixture(scope="module")
def facts() -> list[Facts]:
    rng = random.Random(0)
    return [language.random_facts(rng) for _ in range(1500)]


@pytest.fixture(scope="module")
def queries(facts) -> torch.Tensor:
    """Queries that tell the brightness of nine pictures in ten, and nothing else."""
    torch.manual_seed(0)
    noise = torch.randn(len(facts), 4, 16)
    for number, one in enumerate(facts):
        noise[number, 0, :3] = 0
        if number % 10:
            noise[number, 0, BRIGHTNESS.index(one.brightness)] = 6
    return noise


@pytest.fixture(scope="module")
def seen(facts, queries) -> list[Facts]:
    return sight.with_sight(facts, *sight.temper(*sight.read(queries, facts), facts))


def test_what_the_queries_tell_is_seen_and_nothing_else(seen):
    told = [one.sight["brightness"] for number, one in enumerate(seen) if number % 10]
    untold = [one.sight["brightness"] for number, one in enumerate(seen) if not number % 10]
    assert np.mean(told) > 0.95 and np.quantile(told, 0.05) > 0.8
    assert np.mean(untold) < 0.5
    # No picture is read by a reader that was fitted on it: of noise, nothing is known by heart.
    for name in ("contrast", "leading", "subject", "emotion"):
        p = [one.sight[name] for one in seen if one.subject != UNKNOWN]
        assert np.mean(p) < 2 / len(sight.VALUES[name])


def test_presence_weighs_what_is_there_and_nothing_else(facts, queries):
    reader, of_all = sight.Reader(*queries.shape[1:]).eval(), sight.targets(facts[:32])
    present, known = of_all[1], of_all[1] >= 0
    logits = reader(queries[:32])[1]
    of_presence = F.binary_cross_entropy_with_logits(logits[known], present[known], reduction="sum") / 32
    once, thrice = (reader.loss(queries[:32], *of_all, presence_weight=weight) for weight in (1.0, 3.0))
    assert (thrice - once).item() == pytest.approx(2 * of_presence.item(), rel=1e-4)


def test_it_is_as_sure_as_it_is_right(facts, queries):
    values, present, _ = sight.temper(*sight.read(queries, facts), facts)
    true, is_there, _ = sight.targets(facts)
    for name in ("brightness", "contrast"):
        column = list(sight.VALUES).index(name)
        right = values[column].argmax(1) == true[:, column].numpy()
        assert values[column].max(1).mean() == pytest.approx(right.mean(), abs=0.05)
    assert present.mean() == pytest.approx(is_there.clamp(min=0).mean().item(), abs=0.02)


def test_what_is_seen_is_told_alone_and_what_is_not_is_left_open(seen):
    rng = random.Random(1)

    def left_open(kind: str) -> bool:
        found = [value for key, value in claims(language.answer(kind, one, rng)) if key == "either"]
        return any(key == kind for (first, _) in found for key, _ in first)

    for one in seen[:200]:
        assert left_open("brightness") == (one.sight["brightness"] < 0.8)
        assert left_open("contrast") == (one.sight["contrast"] < 0.8)
    assert sum(one.sight["contrast"] < 0.8 for one in seen) > 0.9 * len(seen)


def test_a_picture_that_might_be_unnameable_is_told_as_one(facts):
    rng = random.Random(2)
    for one in facts[:60]:
        told = language.as_told(replace(one, sight={"nameable": 0.8}))
        for kind in language.ANSWER:
            text = language.answer(kind, told, rng)
            assert not language.contradictions(text, told)
            assert "subject" not in language.parse(text) or language.parse(text)["subject"] == UNKNOWN
            assert not {"things", "light", "manner"} & {key for key, value in claims(text) if value is not None}


def test_the_command_leaves_facts_with_sight_and_what_is_said_of_them(tmp_path, mini_folder, monkeypatch, capsys):
    pictures, cache = tmp_path / "pictures", tmp_path / "tokens"
    write_cc_sbu_align(pictures, 12, seed=8)
    painted = json.loads((pictures / "facts.json").read_text())
    base = f"base={mini_folder / 'minigpt4'}"
    common = [f"output={tmp_path}", "steps=1", "mixed_precision=no", "dtype=float32"]
    tokens.main(["stage2", f"cc_sbu_align={pictures}", base, f"token_cache={cache}", *common])
    words = ["--base", str(mini_folder / "minigpt4"), "--pictures", str(pictures), "--tokens", str(cache)]
    monkeypatch.setattr(sys, "argv", ["sight", *words])
    sight.main()
    assert "| emotion |" in (pictures / "sight.md").read_text()
    assert "of 12 pictures might be taken for what nobody could name" in capsys.readouterr().out
    told = json.loads((pictures / "facts.json").read_text())
    assert told.keys() == painted.keys()
    for name, of_picture in told.items():
        one = Facts.from_dict(of_picture)
        assert one.colours == painted[name]["colours"] and 0 <= one.sight["emotion"] <= 1
        assert one.rivals["emotion"] != one.emotion
    composed = json.loads((pictures / "dialogues.json").read_text())
    assert {record["image"] for record in composed} == {f"{name}.jpg" for name in told}
