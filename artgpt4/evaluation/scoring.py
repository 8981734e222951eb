"""From items and predictions to a run's scores, with the controls of the same table; saved so that runs compare later.

A run is a folder: `scores.json` (what was scored and how, errors, examples) and `rows.npz` (each metric's rows).
"""

import json
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np

from artgpt4.emotions import EMOTIONS
from artgpt4.evaluation import metrics
from artgpt4.evaluation.benchmarks import AXES, DataError, Item, Prediction, csv_rows, json_field, json_lines
from artgpt4.evaluation.judge import Judge
from artgpt4.evaluation.metrics import Encoder, Rows

_PACKAGES = ("vaderSentiment", "textblob", "nltk", "numpy", "scipy", "sentence-transformers")
_EXAMPLES = 20


@dataclass
class Table:
    """One row of the report: a system or a control on a set of pictures.

    Attributes:
        ids: the pictures.
        rows: of each metric, [pictures, columns].
        strata: of each picture, for the bootstrap; empty for none.
    """

    ids: list[str]
    rows: Rows
    strata: list[str] = field(default_factory=list)


@dataclass
class Run:
    """What one system scored.

    Attributes:
        about: benchmark, system, files, time, versions, notes, errors and examples; JSON.
        tables: the system's under "system", controls under their names.
    """

    about: dict
    tables: dict[str, Table]


def score_texts(
    pairs: Sequence[tuple[Item, Prediction]], encode: Encoder | None = None, seed: int = 0
) -> tuple[dict[str, Table], list[str]]:
    """Scores captions against references, and the controls on the same pictures.

    Args:
        pairs: items with references and their predictions; those with an error are left out here and named in the run.
        encode: for embedding cosines.
        seed: of the controls.

    Returns:
        Tables by name, and notes on what was not computed.

    Raises:
        ValueError: no picture has an answer.
    """
    pairs = [(item, prediction) for item, prediction in pairs if prediction.error is None]
    if not pairs:
        raise ValueError("none of the predictions has an answer, so there is nothing to score")
    notes = [] if encode else ["Embedding cosines are not computed: no encoder was named (--encoder)."]
    try:
        wordnet = metrics.load_wordnet()
    except metrics.MetricError as error:
        wordnet = None
        notes.append(str(error))
    captions = [" ".join(prediction.answers) for _, prediction in pairs]
    references = [list(item.references) for item, _ in pairs]
    emotions = [list(item.emotions) for item, _ in pairs]
    with_emotions = all(emotions)
    answered = [prediction.emotion for _, prediction in pairs]
    made = {"system": metrics.Control(list(range(len(pairs))), captions, references, emotions, answered)}
    made |= metrics.controls(captions, references, emotions if with_emotions else None, seed)
    if encode:
        encode = _cached(encode)
    tables = {}
    for name, part in made.items():
        rows = metrics.text_rows(part.captions, part.references, encode, wordnet)
        if with_emotions:
            rows |= metrics.emotion_rows(part.captions, part.emotions, part.answered)
        tables[name] = Table([pairs[index][0].id for index in part.pictures], rows)
    return tables, notes


def score_judged(
    pairs: Sequence[tuple[Item, Prediction]],
    files: Sequence[Path] | None,
    judge: Judge | None,
    people: dict[str, list[float]],
    repeats: int = 3,
) -> tuple[dict[str, Table], list[str]]:
    """Scores ArtMM by a judge, by people, or both.

    Args:
        pairs: items of the four axes and their predictions.
        files: the picture of each, for the judge.
        judge: asked `repeats` times about each answer; an item's score is the mean of the valid verdicts.
        people: scores for each item (`read_ratings`).
        repeats: verdicts for each answer.

    Returns:
        The one table "system", and notes with the judge's counts.
    """
    axes = [item.axis for item, _ in pairs]
    rows: Rows = {}
    notes = []
    if judge is not None:
        scores = []
        for (item, prediction), file in zip(pairs, files, strict=True):
            verdicts = []
            if prediction.error is None:
                verdicts = [
                    judge.score(item.axis, item.rounds, prediction.answers, file, repeat) for repeat in range(repeats)
                ]
            valid = [verdict.score for verdict in verdicts if verdict.score is not None]
            scores.append(sum(valid) / len(valid) if valid else None)
        rows |= axis_rows("judge", axes, scores)
        counts = ", ".join(f"{count} {what}" for what, count in sorted(judge.counts.items()))
        notes.append(f"Judge {judge.model}, verdicts for each answer: {repeats}, saw the picture: {counts}.")
    if people:
        ratings = [people.get(item.id) for item, _ in pairs]
        rows |= axis_rows("people", axes, [sum(of_item) / len(of_item) if of_item else None for of_item in ratings])
        notes.append(
            f"People scored {sum(map(bool, ratings))} of {len(pairs)} items, {sum(map(len, people.values()))} scores "
            "in all; an item's score is their mean."
        )
    return {"system": Table([item.id for item, _ in pairs], rows, axes)}, notes


def score_pairs(
    ours: Sequence[tuple[Item, Prediction]],
    theirs: Sequence[tuple[Item, Prediction]],
    files: Sequence[Path],
    judge: Judge,
    repeats: int = 3,
) -> tuple[dict[str, Table], list[str]]:
    """Compares two systems' answers on ArtMM; each pair is judged in both orders.

    Args:
        ours, theirs: the same items with each system's predictions; an item that either could not answer is not judged.
        files: the picture of each.
        judge: asked `repeats` times in each order.
        repeats: verdicts for each pair.

    Returns:
        The one table "system": shares preferred on each axis and their mean; and notes with the judge's counts.
    """
    scores = []
    for (item, mine), (_, other), file in zip(ours, theirs, files, strict=True):
        verdicts = []
        if mine.error is None and other.error is None:
            verdicts = [
                judge.compare(item.axis, item.rounds, mine.answers, other.answers, file, repeat)
                for repeat in range(repeats)
            ]
        valid = [verdict for verdict in verdicts if verdict is not None]
        scores.append(sum(valid) / len(valid) if valid else None)
    axes = [item.axis for item, _ in ours]
    counts = ", ".join(f"{count} {what}" for what, count in sorted(judge.counts.items()))
    notes = [f"Judge {judge.model}, {repeats} times in both orders for each pair, saw the picture: {counts}."]
    return {"system": Table([item.id for item, _ in ours], axis_rows("preferred", axes, scores), axes)}, notes


def axis_rows(who: str, axes: Sequence[str], scores: Sequence[float | None]) -> Rows:
    """Rows of ArtMM's four axes and their total, from one score for each item (None: not scored)."""
    total = np.zeros((len(axes), 8))
    for index, (axis, value) in enumerate(zip(axes, scores, strict=True)):
        if value is not None:
            column = 2 * AXES.index(axis)
            total[index, column : column + 2] = value, 1
    rows = {f"{who}_{axis}": total[:, 2 * number : 2 * number + 2] for number, axis in enumerate(AXES)}
    return {name: of_axis for name, of_axis in rows.items() if of_axis[:, 1].any()} | {f"{who}_total": total}


def read_ratings(path: str | Path, system: str, items: Sequence[Item]) -> dict[str, list[float]]:
    """Reads people's scores of one system.

    JSONL (`.jsonl`), a line for each score: {"picture", "system", "rater", "rubric", "score"}, for instance

        {"picture": "IDC/1", "system": "ArtGPT-4", "rater": "r07", "rubric": "IDC", "score": 4}

    - picture: an item's id, or its picture's path as the benchmark writes it; where one picture has an item for each of
      several rubrics, the rubric says which is meant.
    - system: the name that `score --system` is given.
    - rater: a pseudonym, the same for all scores of one person.
    - rubric: IDC, ISAC, ICRC or MDIUC. Scores by another, a study's own, are in no total and left out here.
    - score: a number from 0 to 5.

    Whatever else a line has (session, answer, comment, seconds, time) is kept in the file and not read. Picture,
    system, rater and rubric together may be there once: a corrected score replaces its line.

    Any other file is CSV with the columns id, system, rater, score.

    Returns:
        The scores of each item that has one, by its id.

    Raises:
        DataError: a column or field is missing, a score is not from 0 to 5, a picture is unknown or not asked about on
            that rubric, a rater scored an item twice, or nobody scored the system.
    """
    path, seen = Path(path), set()
    ratings: dict[str, list[float]] = {}
    for line, name, of_system, rater, value in _ratings(path, items):
        if not 0 <= value <= 5:  # NaN is not either
            raise DataError(path, line, f"score is {value:g}; it must be a number from 0 to 5")
        if (name, of_system, rater) in seen:
            raise DataError(path, line, f"rater {rater!r} scored {name!r} of {of_system!r} twice")
        seen.add((name, of_system, rater))
        if of_system == system:
            ratings.setdefault(name, []).append(value)
    if not ratings:
        raise DataError(path, None, f"nobody scored the system {system!r} in it")
    return ratings


def _ratings(path: Path, items: Sequence[Item]) -> Iterator[tuple[int, str, str, str, float]]:
    """Line, item's id, system, rater and score of each line on an axis."""
    if path.suffix.lower() != ".jsonl":
        known = {item.id for item in items}
        for line, row in csv_rows(path, ("id", "system", "rater", "score")):
            try:
                value = float(row["score"])
            except ValueError as error:
                raise DataError(path, line, f"score is {row['score']!r}; it must be a number from 0 to 5") from error
            if row["id"] not in known:
                raise DataError(path, line, f"id {row['id']!r} is not in the benchmark")
            yield line, row["id"], row["system"], row["rater"], value
        return
    asked: dict[tuple[str, str | None], set[str]] = {}
    for item in items:
        for name in (item.picture, item.id):
            asked.setdefault((name, item.axis), set()).add(item.id)
    for line, record in json_lines(path):
        picture, system, rater, rubric = (
            json_field(path, line, record, name, str) for name in ("picture", "system", "rater", "rubric")
        )
        value = record.get("score")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise DataError(path, line, f"score is {value!r}; it must be a number from 0 to 5")
        if rubric not in AXES:
            continue
        meant = asked.get((picture, rubric), set())
        if not meant:
            raise DataError(path, line, f"picture {picture!r} is not asked about on the rubric {rubric} here")
        if len(meant) > 1:
            names = ", ".join(sorted(meant))
            raise DataError(
                path, line, f"picture {picture!r} has several items on {rubric}; name one by its id: {names}"
            )
        yield line, next(iter(meant)), system, rater, float(value)


def about_run(
    benchmark: str, system: str, pairs: Sequence[tuple[Item, Prediction]], notes: Sequence[str], **how: object
) -> dict:
    """What a run has to say about itself, beside its rows."""
    return {
        "benchmark": benchmark,
        "system": system,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in _PACKAGES},
        **how,
        "notes": list(notes),
        "emotion_confusion": emotion_confusion(pairs),
        "errors": {item.id: prediction.error for item, prediction in pairs if prediction.error is not None},
        "examples": [
            {
                "id": item.id,
                "picture": item.picture,
                "rounds": list(item.rounds),
                "answers": list(prediction.answers),
                "references": list(item.references[:5]),
            }
            for item, prediction in [pair for pair in pairs if pair[1].error is None][:_EXAMPLES]
        ],
    }


def emotion_confusion(pairs: Sequence[tuple[Item, Prediction]]) -> list[list[int]]:
    """Counts [9 dominant emotions][9 answered, and none], on the pictures that have a dominant one; empty if none has.

    What counts as answered is the system's label or likeliest emotion; failing that, what its caption names first.
    """
    counts = np.zeros((len(EMOTIONS), len(EMOTIONS) + 1), int)
    for item, prediction in pairs:
        true = metrics.dominant_emotion(item.emotions) if item.emotions else None
        if true is None or prediction.error is not None:
            continue
        answered = prediction.emotion
        if isinstance(answered, dict):
            answered = max(answered, key=answered.get)
        answered = answered or metrics.named_emotion(" ".join(prediction.answers))
        counts[EMOTIONS.index(true), len(EMOTIONS) if answered is None else EMOTIONS.index(answered)] += 1
    return counts.tolist() if counts.any() else []


def write_run(run: Run, folder: str | Path) -> None:
    """Saves a run; its values and intervals are in `scores.json` too, for reading by eye."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    arrays, tables = {}, {}
    for name, table in run.tables.items():
        arrays |= {f"{name}/{metric}": rows for metric, rows in table.rows.items()}
        scores = {metric: metrics.score(metric, rows) for metric, rows in table.rows.items()}
        scores = {metric: None if np.isnan(value) else value for metric, value in scores.items()}
        tables[name] = {"ids": table.ids, "strata": table.strata, "scores": scores}
    np.savez_compressed(folder / "rows.npz", **arrays)
    text = json.dumps(run.about | {"tables": tables}, ensure_ascii=False, indent=1)
    (folder / "scores.json").write_text(text + "\n", encoding="utf-8")


def read_run(folder: str | Path) -> Run:
    """Reads what `write_run` saved.

    Raises:
        DataError: the folder holds no run.
    """
    folder = Path(folder)
    if not (folder / "scores.json").is_file() or not (folder / "rows.npz").is_file():
        raise DataError(folder, None, "no run here; expected scores.json and rows.npz, which `score` writes")
    about = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    tables = {name: Table(of["ids"], {}, of["strata"]) for name, of in about.pop("tables").items()}
    with np.load(folder / "rows.npz") as arrays:
        for key in arrays.files:
            name, metric = key.split("/", 1)
            tables[name].rows[metric] = arrays[key]
    return Run(about, tables)


def _cached(encode: Encoder) -> Encoder:
    """The controls have the system's texts again: each is encoded once."""
    known: dict[str, np.ndarray] = {}

    def encode_new(texts: list[str]) -> np.ndarray:
        new = [text for text in texts if text not in known]
        if new:
            known.update(zip(new, encode(new), strict=True))
        return np.stack([known[text] for text in texts])

    return encode_new


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
