"""What comes of a study: the table, agreement and exports, against hand counts and other ways to the same number."""

import csv
import json

import numpy as np
import pytest
from ratings_study import SYSTEMS, key, opened, rate_all

from artgpt4.ratings import rate
from artgpt4.ratings.database import open_database
from artgpt4.ratings.export import export_study, safe_cell
from artgpt4.ratings.record import Score, read_jsonl, read_record, scores, write_jsonl
from artgpt4.ratings.results import alpha, bradley_terry, icc, results, write_plots

#: What each artist gives on each axis to the system `with` and to `without`.
GIVEN = {"Ada": (4, 2), "Bo": (5, 2), "Cy": (3, 1)}


@pytest.fixture
def engine(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path}/ratings.sqlite3")
    yield engine
    engine.dispose()


def by_system(values):
    return lambda task, axis: values[task.dialogue[0][1].startswith("without")]


@pytest.fixture
def rated(engine, tmp_path):
    study, link = opened(engine, tmp_path, repeats=1)
    for name, values in GIVEN.items():
        session = rate.enter(engine, link, name, True).session
        rate_all(engine, session, by_system(values))
    return study


def test_the_table_is_the_one_computed_by_hand(engine, rated):
    found = results(read_record(engine, rated))
    with_it, without = found.table
    assert with_it.sums == dict.fromkeys(found.axes, 12) and with_it.items == dict.fromkeys(found.axes, 3)
    assert without.sums == pytest.approx(dict.fromkeys(found.axes, 5))
    assert [row.total.value for row in found.table] == pytest.approx([4, 5 / 3])
    assert with_it.total.low <= 4 <= with_it.total.high
    assert found.counts == {"artists": 3, "scores": 72, "skipped": 0}
    assert {name: figure.value for name, figure in found.leniency.items()} == pytest.approx(
        {"Ada": 0.25, "Bo": 1.0, "Cy": -1.25}
    )
    assert found.consistency == {name: (1.0, 4) for name in GIVEN}


def test_agreement_is_undefined_where_there_is_nothing_to_agree_on():
    for matrix in (np.full((3, 6), 4.0), np.array([[1, np.nan], [np.nan, 2.0]]), np.empty((0, 0))):
        assert alpha(matrix).value is None and alpha(matrix).why
        assert icc(matrix)[0].value is None
    assert alpha(np.array([[0, 1, 2, 3, 4, 5.0]] * 2)).value == pytest.approx(1)


def test_bradley_terry_of_two_systems_is_the_logarithm_of_their_odds():
    won = [
        Score("r", "i", "a", "b", "better", value, "x", 1, None, False, 1, None, "", "") for value in [1.0] * 3 + [0.0]
    ]
    found = bradley_terry(won, ["a", "b"])
    assert found["a"].value - found["b"].value == pytest.approx(np.log(3), abs=1e-6)
    assert bradley_terry(won[:3], ["a", "b"])["a"].value is None


def test_in_pair_mode_the_preferred_system_wins_from_either_side(engine, tmp_path):
    study, link = opened(engine, tmp_path, mode="pair", repeats=1)
    prefers_with = lambda task, _: "first" if task.dialogue[0][1].startswith("with ") else "second"  # noqa: E731
    for _ in range(2):
        rate_all(engine, rate.enter(engine, link, "", True).session, prefers_with)
    found = results(read_record(engine, study))
    assert found.wins[SYSTEMS].value == 1.0 and found.position.value == 0.5
    assert [share for share, _ in found.consistency.values()] == [1.0, 1.0]


def test_the_record_is_lossless_and_gives_the_same_table(engine, rated, tmp_path):
    folder = export_study(engine, rated, tmp_path / "out")
    record = read_record(engine, rated)
    again = read_jsonl(folder / "record.jsonl")
    assert again == record and str(results(again)) == str(results(record))
    write_jsonl(again, tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == (folder / "record.jsonl").read_bytes()
    assert "hash" not in (folder / "record.jsonl").read_text().replace("consent_hash", "")
    assert len(list((folder / "pictures").iterdir())) == 3


def test_formulas_in_names_and_comments_are_texts_in_the_spreadsheet_and_unchanged_in_the_record(engine, tmp_path):
    study, link = opened(engine, tmp_path)
    session = rate.enter(engine, link, "=cmd|' /C calc'!A0", True).session
    rate_all(engine, session)
    rate.save_comment(engine, session, 1, '=HYPERLINK(1)\n,"quoted"', key())
    folder = export_study(engine, study, tmp_path / "out")
    with (folder / "scores.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["rater"] == "'=cmd|' /C calc'!A0" and rows[0]["comment"] == '\'=HYPERLINK(1)\n,"quoted"'
    assert rows[0]["value"] == "3" and len(rows) == 24
    assert scores(read_jsonl(folder / "record.jsonl"))[0].comment == '=HYPERLINK(1)\n,"quoted"'
    lines = [json.loads(line) for line in (folder / "human_scores.jsonl").read_text().splitlines()]
    assert len(lines) == 24 and {line["rubric"] for line in lines} == {"IDC", "ISAC", "ICRC", "MDIUC"}
    for text in ("=1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "＝1", "\0=1"):
        assert safe_cell(text).startswith("'")
    assert safe_cell(-1) == -1 and safe_cell("plain") == "plain"


def test_plots_are_drawn(engine, rated, tmp_path):
    for path in write_plots(results(read_record(engine, rated)), tmp_path):
        assert path.read_bytes().startswith(b"\x89PNG")
