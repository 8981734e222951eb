"""Readers for the published forms of ArtEmis, ArtMM and PaintingForm, and for predictions.

Everything becomes a list of `Item`s. What is wrong in a file is a `DataError` that names file and line (in a JSON list,
the record), says what was found and what is allowed; nothing is left out silently.
"""

import csv
import io
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artgpt4.emotions import EMOTIONS
from artgpt4.evaluation.published import ARTMM_PICTURES

AXES = tuple(ARTMM_PICTURES)

#: ArtEmis asked for one sentence on the emotion and its reason; long descriptions lose on BLEU by their length alone.
ARTEMIS_QUESTION = "In one sentence, which emotion does this picture make you feel, and why?"

#: GalleryGPT's instruction, of about 200 words.
PAINTING_FORM_QUESTION = (
    "Please construct a formal analysis paragraph of approximately 200 words that is coherent and focuses solely on "
    "visual characteristics."
)

#: ISAC's is the paper's own; those of IDC and ICRC are not published, these are ours.
ARTMM_QUESTIONS = {
    "IDC": "Describe this picture in detail, with the mood it has.",
    "ISAC": "Analyze the emotions expressed by the individuals in the images as well as the emotions felt by the "
    "viewer observing them.",
    "ICRC": "Name all objects and scenes that you recognise in this picture.",
}

SPLITS = ("train", "val", "test", "rest")

#: Works with this many annotations were collected to study coverage; ArtEmis's speakers leave them out as "rest".
REST_REPETITION = 41


class DataError(ValueError):
    """Something in a data file that cannot be used. The text begins with file and line."""

    def __init__(self, path: Path | str, line: int | None, message: str):
        where = str(path) if line is None else f"{path}, line {line}"
        super().__init__(f"{where}: {message}")


@dataclass(frozen=True)
class Item:
    """One picture to answer about.

    Attributes:
        id: unique in its benchmark.
        picture: path below the picture folder.
        rounds: the questions, asked one after another.
        references: what people said; empty where a judge scores.
        emotions: what annotators chose, one for each reference; empty where they were not asked.
        axis: of ArtMM's four, or None.
        line: where in its file it was first met.
    """

    id: str
    picture: str
    rounds: tuple[str, ...]
    references: tuple[str, ...] = ()
    emotions: tuple[str, ...] = ()
    axis: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class Prediction:
    """What a system answered about one item, or why it did not.

    Attributes:
        answers: one for each round.
        emotion: its emotion label, or p(emotion | picture), where it gives one.
        error: why there are no answers.
    """

    id: str
    answers: tuple[str, ...]
    emotion: str | dict[str, float] | None = None
    error: str | None = None
    system: str | None = None


# ArtEmis


@dataclass(frozen=True)
class Annotation:
    """One row of an ArtEmis file; names as they are written there."""

    line: int
    art_style: str
    painting: str
    emotion: str
    utterance: str
    repetition: int


def read_annotations(path: str | Path) -> list[Annotation]:
    """Reads `artemis_dataset_release_v0.csv`, `Contrastive.csv` or `combined_artemis.csv`.

    Raises:
        DataError: a column is missing, an emotion is not one of the nine, a field is empty or not a number.
    """
    path, annotations = Path(path), []
    needed = ("art_style", "painting", "emotion", "utterance", "repetition")
    for line, row in csv_rows(path, needed):
        if row["emotion"] not in EMOTIONS:
            raise DataError(path, line, f"emotion {row['emotion']!r} is unknown; the nine are: {', '.join(EMOTIONS)}")
        if not row["repetition"].isdecimal():
            raise DataError(path, line, f"repetition is {row['repetition']!r}; it must be a whole number")
        annotations.append(Annotation(line, *(row[name] for name in needed[:4]), int(row["repetition"])))
    return annotations


def artemis_items(annotations: Iterable[Annotation]) -> list[Item]:
    """One item for each painting, with all that people said about it, in the order of the file."""
    grouped: dict[str, list[Annotation]] = {}
    for annotation in annotations:
        grouped.setdefault(painting_id(annotation.art_style, annotation.painting), []).append(annotation)
    return [
        Item(
            id=name,
            picture=f"{name}.jpg",
            rounds=(ARTEMIS_QUESTION,),
            references=tuple(annotation.utterance for annotation in of_painting),
            emotions=tuple(annotation.emotion for annotation in of_painting),
            line=of_painting[0].line,
        )
        for name, of_painting in grouped.items()
    ]


def painting_id(art_style: str, painting: str) -> str:
    """`style/painting`, accents decomposed (NFD) as in the combined file, so that all files agree on it."""
    return unicodedata.normalize("NFD", f"{art_style}/{painting}")


def artemis_split(annotations: Iterable[Annotation]) -> dict[str, list[str]]:
    """The split of ArtEmis's speakers, reproduced: 85 % train, 5 % val, 10 % test of the paintings, and "rest".

    The official one sorts the distinct `art_style + painting` and draws with scikit-learn's `train_test_split`, seed
    2021 (github.com/optas/artemis: scripts/preprocess_artemis_data.py and utils/basic.py). Drawn here with the same
    permutations of NumPy's RandomState, whose stream NumPy has frozen.

    Returns:
        For each of `SPLITS` the sorted ids.
    """
    names, rest = {}, set()
    for annotation in annotations:
        key = annotation.art_style + annotation.painting
        names[key] = painting_id(annotation.art_style, annotation.painting)
        if annotation.repetition >= REST_REPETITION:
            rest.add(key)
    keys = sorted(names.keys() - rest)
    held_out = math.ceil((0.05 + 0.1) * len(keys))
    test = round(0.1 * len(keys))
    order = np.random.RandomState(2021).permutation(len(keys))
    later = order[:held_out]
    again = np.random.RandomState(2021).permutation(held_out)
    drawn = {"train": order[held_out:], "test": later[again[:test]], "val": later[again[test:]]}
    split = {part: sorted(names[keys[index]] for index in drawn[part]) for part in SPLITS[:3]}
    return split | {"rest": sorted(names[key] for key in rest)}


def write_split(split: dict[str, list[str]], folder: str | Path) -> None:
    """Saves one list for each part, `train.txt` and so on, one id per line."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for part, ids in split.items():
        (folder / f"{part}.txt").write_text("".join(f"{name}\n" for name in ids), encoding="utf-8")


def read_ids(path: str | Path) -> list[str]:
    """Reads one list of ids that `write_split` saved.

    Raises:
        DataError: an id is there twice.
    """
    first: dict[str, int] = {}
    for line, text in enumerate(_text(Path(path)).splitlines(), 1):
        name = unicodedata.normalize("NFD", text.strip())
        if name and first.setdefault(name, line) != line:
            raise DataError(path, line, f"id {name!r} is there twice, first on line {first[name]}")
    return list(first)


def select(items: Sequence[Item], ids: Iterable[str], path: str | Path) -> list[Item]:
    """The items of a list of ids.

    Raises:
        DataError: an id has no item.
    """
    by_id = {item.id: item for item in items}
    ids = list(ids)
    unknown = [name for name in ids if name not in by_id]
    if unknown:
        raise DataError(path, None, f"{len(unknown)} ids are not in the benchmark, among them {_some(unknown)}")
    return [by_id[name] for name in ids]


def class_shares(items: Iterable[Item]) -> dict[str, float]:
    """Shares of positive, negative and other emotions among all annotations (ArtEmis v1: 0.620, 0.263, 0.116)."""
    chosen = [EMOTIONS.index(emotion) for item in items for emotion in item.emotions]
    return {
        "positive": sum(index < 4 for index in chosen) / len(chosen),
        "negative": sum(4 <= index < 8 for index in chosen) / len(chosen),
        "other": sum(index == 8 for index in chosen) / len(chosen),
    }


def picture_files(items: Sequence[Item], folder: str | Path, source: str | Path) -> list[Path]:
    """The picture file of each item. Accents may be composed or decomposed in the file's name.

    Raises:
        DataError: pictures are missing; names how many, the first few and their lines.
    """
    folder, files, missing = Path(folder), [], []
    for item in items:
        names = (item.picture, *(unicodedata.normalize(form, item.picture) for form in ("NFC", "NFD")))
        found = next((folder / name for name in names if (folder / name).is_file()), None)
        if found is None:
            missing.append(item)
        else:
            files.append(found)
    if missing:
        first = _some([f"{item.picture} (line {item.line})" if item.line else item.picture for item in missing])
        raise DataError(source, missing[0].line, f"{len(missing)} pictures are not in {folder}, among them {first}")
    return files


# ArtMM


def read_artmm_folder(folder: str | Path) -> tuple[list[Item], dict[str, list[Prediction]]]:
    """Reads the published `Evaluation/` folder: numbered pictures and answer files below IDC, ISAC, ICRC and MDIUC.

    An axis is read where its folder has answers (`Answer.txt`; for MDIUC one for each picture), so that a part of the
    set can be read too.

    Returns:
        The items, and the answers published with them, of "ArtGPT-4" (`A:`) and "MiniGPT-4" (`M:`; in MDIUC once
        mistyped `B:`).

    Raises:
        DataError: there are no answers at all, or an answer file does not have that form.
    """
    folder, items = Path(folder), []
    predictions: dict[str, list[Prediction]] = {"ArtGPT-4": [], "MiniGPT-4": []}

    def add(axis: str, number: int, line: int, rounds: Sequence[str], answers: Sequence[tuple[str, str]]) -> None:
        item = Item(f"{axis}/{number}", _numbered_picture(folder, axis, number), tuple(rounds), axis=axis, line=line)
        items.append(item)
        for system, texts in zip(predictions, zip(*answers, strict=True), strict=True):
            predictions[system].append(Prediction(item.id, texts, system=system))

    for axis in AXES:
        for path in sorted((folder / axis).glob("Answer*.txt"), key=_number):
            if axis == "MDIUC":
                rounds = [_answers(path, line, block) for line, block in _blocks(path, lambda text, last: bool(text))]
                add(axis, _number(path), 1, [question for question, _ in rounds], [pair for _, pair in rounds])
            else:
                blocks = list(_blocks(path, lambda text, last: text == f"{last + 1}."))
                for number, (line, block) in enumerate(blocks, 1):
                    add(axis, number, line, [ARTMM_QUESTIONS[axis]], [_answers(path, line, block)[1]])
    if not items:
        raise DataError(folder, None, "no answer file; expected IDC/Answer.txt, ISAC/Answer.txt and so on in it")
    return items, predictions


def read_artmm_jsonl(path: str | Path) -> list[Item]:
    """Reads ArtMM in our form: lines of {"id", "axis", "picture", "rounds": [question, ...]}.

    Raises:
        DataError: a line is not such an object, an axis is unknown, or an id is there twice.
    """
    path, items = Path(path), []
    for line, record in _jsonl(path):
        axis = json_field(path, line, record, "axis", str)
        if axis not in AXES:
            raise DataError(path, line, f"axis {axis!r} is unknown; the four are: {', '.join(AXES)}")
        rounds = _texts(path, line, record, "rounds")
        items.append(Item(record["id"], json_field(path, line, record, "picture", str), rounds, axis=axis, line=line))
    return items


def write_artmm_jsonl(items: Iterable[Item], path: str | Path) -> None:
    """Writes ArtMM in our form."""
    with Path(path).open("w", encoding="utf-8") as file:
        for item in items:
            record = {"id": item.id, "axis": item.axis, "picture": item.picture, "rounds": list(item.rounds)}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


# PaintingForm


def read_painting_form(path: str | Path) -> list[Item]:
    """Reads a PaintingForm test file: a JSON list of {"image", "formal_analysis"}.

    Raises:
        DataError: it is not such a list, or an image is there twice.
    """
    path = Path(path)
    try:
        records = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise DataError(path, error.lineno, f"this is not JSON: {error.msg}") from error
    if not isinstance(records, list) or not records:
        raise DataError(path, None, 'expected a list of {"image": ..., "formal_analysis": ...}')
    items: dict[str, Item] = {}
    for number, record in enumerate(records, 1):
        for name in ("image", "formal_analysis"):
            if not isinstance(record, dict) or not isinstance(record.get(name), str) or not record[name].strip():
                raise DataError(f"{path}, record {number}", None, f"{name!r} is missing or not a text")
        image = record["image"]
        if image in items:
            raise DataError(f"{path}, record {number}", None, f"image {image!r} is there twice")
        items[image] = Item(image, image, (PAINTING_FORM_QUESTION,), (record["formal_analysis"],))
    return list(items.values())


# Predictions


def read_predictions(path: str | Path) -> list[Prediction]:
    """Reads predictions: lines of {"id", "answers": [text, ...]} or {"id", "error": text}.

    Optional in each line: "system", and "emotion", which is one of the nine or {emotion: probability}. Whatever else a
    line has (prompt, seed, versions, time) is kept in the file and not read.

    Raises:
        DataError: a line is half written or not of this form, an emotion is unknown, or an id is there twice.
    """
    path, predictions = Path(path), []
    for line, record in _jsonl(path):
        emotion, error = record.get("emotion"), record.get("error")
        labels = emotion.keys() if isinstance(emotion, dict) else [] if emotion is None else [emotion]
        for label in labels:
            if label not in EMOTIONS:
                raise DataError(path, line, f"emotion {label!r} is unknown; the nine are: {', '.join(EMOTIONS)}")
        if isinstance(emotion, dict) and not _is_distribution(emotion.values()):
            raise DataError(path, line, "the probabilities of 'emotion' must be from 0 to 1 and sum to 1")
        if error is not None and not isinstance(error, str):
            raise DataError(path, line, f"'error' must be a text, not {type(error).__name__}")
        answers = () if error is not None else _texts(path, line, record, "answers")
        predictions.append(Prediction(record["id"], answers, emotion, error, record.get("system")))
    return predictions


def match(items: Sequence[Item], predictions: Sequence[Prediction], path: str | Path) -> list[tuple[Item, Prediction]]:
    """Pairs items with their predictions, in the items' order; ids of ArtEmis may be composed or decomposed.

    Raises:
        DataError: an item has no prediction, a prediction no item, or a prediction not as many answers as rounds.
    """
    by_id = {unicodedata.normalize("NFD", prediction.id): prediction for prediction in predictions}
    pairs = [(item, by_id.pop(unicodedata.normalize("NFD", item.id), None)) for item in items]
    missing = [item.id for item, prediction in pairs if prediction is None]
    if missing:
        raise DataError(path, None, f"{len(missing)} items have no prediction, among them {_some(missing)}")
    if by_id:
        raise DataError(path, None, f"{len(by_id)} predictions are of no item, among them {_some(list(by_id))}")
    for item, prediction in pairs:
        if prediction.error is None and len(prediction.answers) != len(item.rounds):
            raise DataError(
                path, None, f"{item.id!r} has {len(prediction.answers)} answers for {len(item.rounds)} questions"
            )
    return pairs


# What the readers share


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(path, None, "there is no such file") from error
    except UnicodeDecodeError as error:
        raise DataError(path, None, f"this is not UTF-8 text (byte {error.start})") from error


def csv_rows(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    # strict: an opening quote that is never closed would otherwise take in the rest of the file
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), strict=True)
    line = 1
    try:
        missing = [name for name in needed if name not in (reader.fieldnames or [])]
        if missing:
            found = ", ".join(reader.fieldnames or ["nothing"])
            raise DataError(path, line, f"missing columns: {', '.join(missing)}; found: {found}")
        line = reader.line_num + 1
        for row in reader:
            empty = [name for name in needed if not (row[name] or "").strip()]
            if empty:
                raise DataError(path, line, f"nothing in: {', '.join(empty)}; half written?")
            yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(path, line, f"this row cannot be read ({error}); half written?") from error


def json_lines(path: Path) -> Iterator[tuple[int, dict]]:
    """Line number and object of each line that is not blank.

    Raises:
        DataError: a line is half written or no object, or there is none.
    """
    is_empty = True
    for line, text in enumerate(_text(path).split("\n"), 1):
        if not text.strip():
            continue
        try:
            record = json.loads(text)
        except json.JSONDecodeError as error:
            raise DataError(
                path, line, f"this is not whole JSON ({error.msg}); half written? Remove the line and write it again"
            ) from error
        if not isinstance(record, dict):
            raise DataError(path, line, "expected one JSON object per line")
        is_empty = False
        yield line, record
    if is_empty:
        raise DataError(path, None, "this file is empty")


def _jsonl(path: Path) -> Iterator[tuple[int, dict]]:
    """The same for lines that each have an `id` of their own."""
    first: dict[str, int] = {}
    for line, record in json_lines(path):
        name = json_field(path, line, record, "id", str)
        if first.setdefault(name, line) != line:
            raise DataError(path, line, f"id {name!r} is there twice, first on line {first[name]}")
        yield line, record


def json_field(path: Path, line: int, record: dict, name: str, kind: type):
    """What the field holds; a DataError if it is not there or of another kind."""
    if not isinstance(record.get(name), kind):
        found = f"found {type(record[name]).__name__}" if name in record else f"found only: {', '.join(record)}"
        raise DataError(path, line, f"{name!r} is missing or not a {kind.__name__}; {found}")
    return record[name]


def _texts(path: Path, line: int, record: dict, name: str) -> tuple[str, ...]:
    texts = json_field(path, line, record, name, list)
    if not texts or not all(isinstance(text, str) for text in texts):
        raise DataError(path, line, f"{name!r} must be a list of texts, one for each round")
    return tuple(texts)


def _is_distribution(values: Iterable[object]) -> bool:
    values = list(values)
    return all(isinstance(p, (int, float)) and 0 <= p <= 1 for p in values) and abs(sum(values) - 1) < 0.01


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _number(path: Path) -> int:
    digits = re.sub(r"\D", "", path.stem)
    return int(digits) if digits else 0


def _numbered_picture(folder: Path, axis: str, number: int) -> str:
    found = sorted(path.name for path in (folder / axis).glob(f"{number}.*") if path.suffix.lower() != ".txt")
    return f"{axis}/{found[0] if found else f'{number}.jpg'}"


def _blocks(path: Path, begins) -> Iterator[tuple[int, list[str]]]:
    """Cuts an answer file into blocks: a heading line outside of any answer, and what follows up to the next.

    `begins(text, last)` says whether a line that follows a blank one (or begins the file) is a heading; `last` is the
    number of blocks before it. In MDIUC the questions are headings, told from an answer's later paragraphs by the `A:`
    that comes after them.
    """
    lines = [text.strip() for text in _text(path).splitlines()]
    starts: list[int] = []
    for index, text in enumerate(lines):
        after_blank = index == 0 or not lines[index - 1]
        following = next((later for later in lines[index + 1 :] if later), "")
        if after_blank and following.startswith("A:") and begins(text, len(starts)):
            starts.append(index)
    if not starts:
        raise DataError(path, 1, "no heading (`1.`, or a question) that is followed by an answer `A:`")
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield start + 1, lines[start:stop]


def _answers(path: Path, line: int, block: list[str]) -> tuple[str, tuple[str, str]]:
    """Heading and the two answers of a block."""
    marks = [index for index, text in enumerate(block) if re.match(r"[AMB]:", text)]
    if [block[index][0] for index in marks] not in (["A", "M"], ["A", "B"]):
        found = " ".join(block[index][:2] for index in marks)
        raise DataError(path, line, f"{block[0]!r} must be followed by one answer `A:` and one `M:`; found: {found}")
    first, second = marks
    return block[0], ("\n".join(block[first:second])[2:].strip(), "\n".join(block[second:])[2:].strip())
