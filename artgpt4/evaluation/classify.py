"""Zero-shot classification by likelihood: of a list of labels, the one that the model's answer most likely begins with.

The labels are those of the data file, a CSV with the columns picture and label.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from artgpt4.chat import ChatModel
from artgpt4.emotions import EMOTIONS, emotion_probabilities
from artgpt4.evaluation.benchmarks import DataError, Item, csv_rows, json_lines
from artgpt4.evaluation.scoring import Table
from artgpt4.images import PictureError
from artgpt4.likelihood import candidate_probabilities

#: What is asked, and how an answer may begin. An emotion is asked for as `emotions` does it.
QUESTIONS = {"style": "What style is this painting in?", "genre": "What genre of painting is this?", "emotion": None}
ANSWERS = ("{}", "This is {}", "It is {}", "The painting is in the style of {}", "This painting is {}")


def read_labels(path: str | Path, kind: str) -> list[Item]:
    """Reads a CSV with the columns picture (path below the picture folder) and label; underscores count as spaces.

    Returns:
        An item for each picture, its label as the one reference.

    Raises:
        DataError: a column is missing or a field empty, a picture is there twice, an emotion is not one of the nine, or
            there are not two labels to choose from.
    """
    path, items = Path(path), {}
    for line, row in csv_rows(path, ("picture", "label")):
        picture, label = row["picture"].strip(), row["label"].strip().replace("_", " ")
        if picture in items:
            raise DataError(path, line, f"picture {picture!r} is there twice, first on line {items[picture].line}")
        if kind == "emotion" and label not in EMOTIONS:
            raise DataError(path, line, f"emotion {label!r} is unknown; the nine are: {', '.join(EMOTIONS)}")
        items[picture] = Item(picture, picture, (QUESTIONS[kind] or "",), (label,), line=line)
    if len({item.references for item in items.values()}) < 2:
        raise DataError(path, None, "there must be two different labels at least to choose between")
    return list(items.values())


def classify(items: Sequence[Item], files: Sequence[Path], model: ChatModel, kind: str, path: str | Path) -> list[dict]:
    """p(label | picture) of each picture, written to `path` as it comes; what is in it already is not asked again.

    Args:
        items: `read_labels`'s.
        files: the picture of each.
        model: what is asked.
        kind: style, genre or emotion.
        path: JSONL, a line for each picture: {"id", "label", "probabilities"} or {"id", "error"}.

    Returns:
        The records, in the items' order.

    Raises:
        DataError: what is in `path` is not of that form, or is of other labels.
    """
    path = Path(path)
    labels = sorted({item.references[0] for item in items}) if kind != "emotion" else list(EMOTIONS)
    done = {}
    if path.exists() and path.stat().st_size:
        for line, record in json_lines(path):
            if "error" not in record and sorted(record.get("probabilities", ())) != sorted(labels):
                raise DataError(path, line, f"this is of other labels; name another --out. Now: {', '.join(labels)}")
            done[record["id"]] = record
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        for item, picture in tqdm(list(zip(items, files, strict=True)), unit="picture", disable=None):
            if item.id in done:
                continue
            record = {"id": item.id, "label": item.references[0], "model": model.name}
            try:
                if kind == "emotion":
                    record["probabilities"] = emotion_probabilities(model, picture)
                else:
                    phrasings = {label: [answer.format(label) for answer in ANSWERS] for label in labels}
                    record["probabilities"] = candidate_probabilities(model, picture, QUESTIONS[kind], phrasings)
            except PictureError as error:
                record["error"] = str(error)
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
            file.flush()
            done[item.id] = record
    return [done[item.id] for item in items]


def classification_tables(records: Sequence[dict]) -> dict[str, Table]:
    """The system's rows, and as controls every picture called by the commonest label, and its shares as probabilities.

    Raises:
        ValueError: no picture was classified.
    """
    records = [record for record in records if "error" not in record]
    if not records:
        raise ValueError("no picture was classified, so there is nothing to score")
    counts = Counter(record["label"] for record in records)
    shares = {label: counts[label] / len(records) for label in records[0]["probabilities"]}
    ids = [record["id"] for record in records]
    true = [record["label"] for record in records]
    return {
        "system": Table(ids, _rows(true, [record["probabilities"] for record in records])),
        "commonest": Table(ids, _rows(true, [shares] * len(records))),
    }


def _rows(true: Sequence[str], probabilities: Sequence[dict[str, float]]) -> dict[str, np.ndarray]:
    right = [float(max(of, key=of.get) == label) for label, of in zip(true, probabilities, strict=True)]
    # A label that cannot happen would cost endlessly much; a float32 model's smallest is about this.
    cost = [-np.log(max(of[label], 1e-38)) for label, of in zip(true, probabilities, strict=True)]
    ones = np.ones(len(true))
    return {"label_accuracy": np.stack([right, ones], 1), "label_cross_entropy": np.stack([cost, ones], 1)}
