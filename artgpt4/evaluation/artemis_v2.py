"""ArtEmis v2.0's split, as far as it can be known.

Its code (github.com/Vision-CAIR/artemis-v2: dataset/combine.py, dataset/create_parts.py and, below
neural_speaker/sat/artemis, scripts/preprocess_artemis_data.py and utils/basic.py) draws the contrastive works' test set
from their sorted names: that part comes out as its authors' did. The rest it draws from Python sets of strings, whose
order changes from process to process and was not recorded (PYTHONHASHSEED): those ids nobody can draw again. Here they
are drawn by the same steps from sorted names, so that they are the same for everyone from now on.
"""

import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artgpt4.evaluation.benchmarks import REST_REPETITION, DataError, csv_rows, painting_id

_TRAIN, _VAL, _TEST = 0.85, 0.05, 0.1
#: Only works with this many annotations come into the test set of contrastive works, the fewest first.
_REPETITIONS = range(5, 10)


@dataclass(frozen=True)
class CombinedRow:
    """What the split needs to know of a row of `combined_artemis.csv`: names, and whose data it is of."""

    work: str
    id: str
    repetition: int
    is_new: bool
    anchor: str | None


def read_combined(path: str | Path) -> list[CombinedRow]:
    """Reads `combined_artemis.csv`, which the authors' `combine.py` writes.

    Raises:
        DataError: a column is missing, a field is empty, a version is neither new nor old, or a repetition no number.
    """
    path, rows = Path(path), []
    for line, row in csv_rows(path, ("art_style", "painting", "repetition", "version")):
        if "anchor_art_style" not in row or "anchor_painting" not in row:
            raise DataError(path, 1, "missing columns: anchor_art_style, anchor_painting; is it combined_artemis.csv?")
        if row["version"] not in ("new", "old"):
            raise DataError(path, line, f"version is {row['version']!r}; it must be new or old")
        if not row["repetition"].isdecimal():
            raise DataError(path, line, f"repetition is {row['repetition']!r}; it must be a whole number")
        style, painting = row["art_style"], row["painting"]
        # Old works have no anchor; pandas wrote their painting as "nan".
        anchor = _work(row["anchor_art_style"], row["anchor_painting"]) if row["anchor_art_style"] else None
        name = painting_id(style, painting)
        rows.append(CombinedRow(_work(style, painting), name, int(row["repetition"]), row["version"] == "new", anchor))
    return rows


def artemis_v2_split(rows: Iterable[CombinedRow]) -> dict[str, list[str]]:
    """Lists of ids, named as the authors name their sets.

    - test_new: contrastive works with 5 to 9 annotations, as the authors drew them.
    - test_ref: works of ArtEmis v1 in the test set; test_old: half of them, drawn with seed 42. Drawn anew, see above.
    - test_all: test_new and test_old.
    - test_40: the works of v1 with 41 annotations or more, as the authors have them.
    - train, val: all others. Works that are anchors of contrastive ones are in train, and so are the contrastive works
      that are not held out. The val set's contrastive works are the authors', its others drawn anew.

    A work may be in both data sets. test_new is to be scored on the references of `Contrastive.csv`, test_old, test_ref
    and test_40 on those of v1. The authors then drop annotations that are short or long, which is not done here.
    """
    rows = list(rows)
    rest = [row for row in rows if row.repetition >= REST_REPETITION]
    rows = [row for row in rows if row.repetition < REST_REPETITION]
    names = {row.work: row.id for row in rows}
    new = {row.work for row in rows if row.is_new}
    held_out = _new_works_held_out(rows)
    end = int(len(held_out) * (_TEST / (_TEST + _VAL)))

    others = names.keys() - new
    anchors = sorted({row.anchor for row in rows if row.anchor is not None} - new)
    train_size, later_size = _TRAIN * len(others), (_TEST + _VAL) * len(others)
    anchors = anchors[: max(0, math.floor(train_size))]  # more of them than train may have: some are let go
    free = sorted(others - set(anchors))
    share = later_size / (later_size + train_size - len(anchors)) if free else 0
    _, later = _draw(free, share)
    val, test = _draw(later, _TEST / (_TEST + _VAL))

    old = {row.work for row in rows if not row.is_new}
    test_new = set(held_out[:end])
    test_ref = sorted((test_new | set(test)) & old)
    test_old = np.random.RandomState(42).choice(len(test_ref), len(test_ref) // 2, replace=False)
    val = set(val) | set(held_out[end:])
    split = {
        "train": names.keys() - val - test_new - set(test),
        "val": val,
        "test_new": test_new,
        "test_ref": test_ref,
        "test_old": [test_ref[index] for index in test_old],
    }
    split["test_all"] = {*split["test_new"], *split["test_old"]}
    lists = {part: sorted(names[work] for work in works) for part, works in split.items()}
    return lists | {"test_40": sorted({row.id for row in rest if not row.is_new})}


def _work(style: str, painting: str) -> str:
    return style + unicodedata.normalize("NFD", painting)


def _new_works_held_out(rows: Iterable[CombinedRow]) -> list[str]:
    """The contrastive works of test and val, in the order in which they are divided."""
    new = [row for row in rows if row.is_new]
    wanted = int((_TEST + _VAL) * len(new))  # annotations, not works
    repetitions: dict[str, set[int]] = {}
    for row in new:
        repetitions.setdefault(row.work, set()).add(row.repetition)
    held_out = []
    for repetition in _REPETITIONS:
        if wanted <= 0:
            break
        works = sorted(work for work, of_work in repetitions.items() if of_work == {repetition})
        there = len(works) * repetition
        held_out += works if wanted > there else works[: wanted // repetition]
        wanted -= there
    return held_out


def _draw(works: list[str], share: float) -> tuple[list[str], list[str]]:
    """What scikit-learn's `train_test_split` makes of it with seed 2021: the rest, and `share`."""
    drawn = math.ceil(share * len(works))
    order = np.random.RandomState(2021).permutation(len(works))
    return [works[index] for index in order[drawn:]], [works[index] for index in order[:drawn]]
