"""ArtEmis v2.0's split, against the published recipe done with pandas' and scikit-learn's own means."""

import csv
import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from artgpt4.evaluation.__main__ import main
from artgpt4.evaluation.artemis_v2 import artemis_v2_split, read_combined
from artgpt4.evaluation.benchmarks import DataError, read_ids

COLUMNS = ["emotion", "utterance", "art_style", "painting", "anchor_art_style", "anchor_painting", "repetition"]
COLUMNS += ["version"]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """400 works of v1, 100 of them with contrastive annotations too, which are of 50 anchors; 3 works that many saw."""
    rows = []
    for number in range(400):
        if number < 100:
            repetition = 3 + number % 8
            anchor = ["Realism", f"work {100 + number // 2}"]
            rows += [["awe", "text", "Realism", f"work {number}", *anchor, repetition, "new"]] * repetition
        rows += [["fear", "text", "Realism", f"work {number}", "", "nan", 5, "old"]] * 5
    for number in range(3):
        rows += [["fear", "text", "Cubism", f"Caf\u00e9 {number}", "", "nan", 45, "old"]] * 45
    path = tmp_path_factory.mktemp("v2") / "combined_artemis.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return path


@pytest.fixture(scope="module")
def split(table):
    return artemis_v2_split(read_combined(table))


def test_contrastive_works_are_held_out_by_repetition_then_by_name(split):
    # 15 % of the 642 annotations are 96. The 13 works with 5 have 65 of them; of those with 6 come the first 5 in name.
    fives = sorted(f"Realism/work {number}" for number in range(100) if 3 + number % 8 == 5)
    sixes = sorted(f"Realism/work {number}" for number in range(100) if 3 + number % 8 == 6)
    held_out = fives + sixes[: (96 - 65) // 6]
    assert len(held_out) == 18
    assert split["test_new"] == sorted(held_out[:12])  # two thirds of 18
    assert set(held_out[12:]) <= set(split["val"])


def test_other_works_are_drawn_as_scikit_learn_draws_from_sorted_names(split):
    others = [f"Realism/work {number}" for number in range(100, 400)]
    anchors = others[:50]
    free = sorted(set(others) - set(anchors))
    held_out, kept = 300 * (0.1 + 0.05), 300 * 0.85 - 50
    _, later = train_test_split(np.array(free), test_size=held_out / (held_out + kept), random_state=2021)
    val, test = train_test_split(later, test_size=0.1 / (0.1 + 0.05), random_state=2021)
    assert set(split["test_ref"]) == set(test) | set(split["test_new"])
    assert set(val) == set(split["val"]) & set(others)
    assert set(anchors) <= set(split["train"])


def test_the_sets_relate_as_their_authors_say(split):
    apart = [split[part] for part in ("train", "val", "test_40")] + [{*split["test_new"], *split["test_ref"]}]
    assert sum(map(len, apart)) == len(set().union(*apart)) == 403
    assert len(split["test_old"]) == len(split["test_ref"]) // 2
    assert set(split["test_old"]) < set(split["test_ref"])
    assert set(split["test_all"]) == {*split["test_new"], *split["test_old"]}
    assert split["test_40"] == [f"Cubism/Cafe\u0301 {number}" for number in range(3)]


def test_the_split_is_the_same_under_any_hash_seed(table, split, tmp_path):
    command = [sys.executable, "-m", "artgpt4.evaluation", "split", str(table), "--recipe", "v2", "--out"]
    subprocess.run([*command, str(tmp_path)], env=os.environ | {"PYTHONHASHSEED": "7"}, check=True, capture_output=True)
    assert {part: read_ids(tmp_path / f"{part}.txt") for part in split} == split


def test_a_file_of_another_form_is_named(tmp_path):
    path = tmp_path / "some.csv"
    path.write_text("art_style,painting,repetition,version\nRealism,a,5,new\n")
    with pytest.raises(DataError, match="anchor_art_style"):
        read_combined(path)
    path.write_text(",".join(COLUMNS) + "\nawe,text,Realism,a,Realism,b,5,newer\n")
    with pytest.raises(SystemExit, match="line 2: version is 'newer'"):
        main(["split", str(path), "--recipe", "v2", "--out", str(tmp_path)])
