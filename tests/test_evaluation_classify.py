"""Zero-shot classification from the command to the report, and what its file may hold."""

import csv
import json
import math
from pathlib import Path

import pytest

from artgpt4.evaluation.__main__ import main
from artgpt4.evaluation.benchmarks import DataError
from artgpt4.evaluation.classify import classification_tables, read_labels
from artgpt4.evaluation.metrics import score

EXAMPLES = Path(__file__).parents[1] / "examples"


def write(path, *rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("picture", "label"), *rows])
    return path


def test_accuracy_and_cross_entropy_by_hand():
    records = [
        {"id": "1", "label": "a", "probabilities": {"a": 0.5, "b": 0.25, "c": 0.25}},
        {"id": "2", "label": "b", "probabilities": {"a": 0.5, "b": 0.25, "c": 0.25}},
        {"id": "3", "label": "a", "error": "no picture"},
        {"id": "4", "label": "a", "probabilities": {"a": 0.125, "b": 0.875, "c": 0.0}},
    ]
    tables = classification_tables(records)
    rows = tables["system"].rows
    assert tables["system"].ids == ["1", "2", "4"]
    assert score("label_accuracy", rows["label_accuracy"]) == pytest.approx(1 / 3)
    assert score("label_cross_entropy", rows["label_cross_entropy"]) == pytest.approx(math.log(2 * 4 * 8) / 3)
    rows = tables["commonest"].rows
    assert score("label_accuracy", rows["label_accuracy"]) == pytest.approx(2 / 3)
    assert score("label_cross_entropy", rows["label_cross_entropy"]) == pytest.approx(
        -(2 * math.log(2 / 3) + math.log(1 / 3)) / 3
    )


@pytest.mark.parametrize(
    "kind, rows, message",
    [
        (
            "style",
            [("a.jpg", "Cubism"), ("a.jpg", "Pop_Art")],
            "line 3: picture 'a.jpg' is there twice, first on line 2",
        ),
        ("emotion", [("a.jpg", "joy")], "line 2: emotion 'joy' is unknown; the nine are: amusement"),
        ("genre", [("a.jpg", "portrait"), ("b.jpg", "portrait")], "two different labels at least"),
        ("genre", [("a.jpg", "")], "line 2: nothing in: label"),
    ],
)
def test_a_faulty_file_is_named_with_its_line(tmp_path, kind, rows, message):
    with pytest.raises(DataError, match=message):
        read_labels(write(tmp_path / "labels.csv", *rows), kind)


def test_the_command_classifies_goes_on_and_is_reported(tmp_path):
    pictures = sorted(EXAMPLES.glob("*.jpg"))[:2]
    data = write(tmp_path / "labels.csv", (pictures[0].name, "Pop_Art"), (pictures[1].name, "Cubism"))
    arguments = ["classify", "style", "--data", str(data), "--pictures", str(EXAMPLES), "--device", "cpu"]
    main([*arguments, "--out", str(tmp_path / "run")])
    written = (tmp_path / "run" / "classified.jsonl").read_text()
    records = [json.loads(line) for line in written.splitlines()]
    assert [record["probabilities"].keys() for record in records] == [{"Cubism", "Pop Art"}] * 2
    assert all(sum(record["probabilities"].values()) == pytest.approx(1) for record in records)
    main([*arguments, "--out", str(tmp_path / "run")])
    assert (tmp_path / "run" / "classified.jsonl").read_text() == written
    main(["report", str(tmp_path / "run"), "--out", str(tmp_path / "report")])
    text = (tmp_path / "report" / "report.md").read_text()
    assert "control: the commonest label for every picture" in text and "label_accuracy" in text
