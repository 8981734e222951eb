"""A study as a folder: lossless JSONL, CSV for a spreadsheet, the codebook, the pictures and the results.

`python -m artgpt4.ratings results FOLDER` computes the tables from it again, without the database.
"""

import csv
import json
from dataclasses import asdict, fields
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from artgpt4.evaluation.rubrics import Rubric
from artgpt4.ratings import models
from artgpt4.ratings.database import read
from artgpt4.ratings.record import Record, Score, read_record, scores, write_jsonl
from artgpt4.ratings.results import markdown, results
from artgpt4.ratings.spoken import RUBRICS_IN, question_in, rubric_in

#: What a spreadsheet takes for the beginning of a formula, or for white space before one (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")

_CODEBOOK = """# Codebook

`record.jsonl` has every row of the study's tables, one a line, `table` saying which; nothing is left out but what lets
somebody in. `mark` has all that the artists said, every revision of it: of one task and field the highest revision
counts. `field` is an axis (`value` 0 to 5), `better` (`text`), `comment` or `skip`; `language` is that of the
page: in another than `en`, the rubrics and questions below were shown in it. `task` has each artist's order; a
task with `repeat_of` is a hidden repeat. `answer` has the texts with their provenance. Times are UTC.

`scores.csv` has what counts now: of finished tasks the last revision of each score. A text that a spreadsheet would
take for a formula begins with an apostrophe there; `record.jsonl` has it as it was written. Columns:

{columns}

`human_scores.jsonl` has the same scores without repeats and calibration, for `python -m artgpt4.evaluation score artmm
--people human_scores.jsonl`.

`pictures/` has what the artists saw, by the `sha256` of `picture` rows. `results.md` follows from `record.jsonl`:
`python -m artgpt4.ratings results FOLDER` prints it again.

## Rubrics

{rubrics}
"""
_COLUMNS = {
    "rater": "pseudonym",
    "item": "name of the picture with its questions",
    "system": "whose answer; in pair mode of the one shown first",
    "other": "in pair mode, whose answer was shown second",
    "axis": "of the rubric; better in pair mode",
    "value": "0 to 5; in pair mode 1 if the first was preferred, 0 if the second was, else 0.5",
    "choice": "in pair mode: first, second, same or neither",
    "position": "place in this artist's order, from 1",
    "repeat_of": "place of the task that this one repeats, hidden; empty for the first time",
    "calibration": "True for items to begin with; they count nowhere",
    "revisions": "how often it was said",
    "seconds": "from when the task was first shown to when this was saved; empty if the clock was set back",
    "at": "when it was saved, UTC",
    "comment": "on the task",
}


def export_study(engine: Engine, study_id: int, folder: str | Path) -> Path:
    """Writes everything that a study has given.

    Args:
        folder: made if it is not there.

    Returns:
        The folder.

    Raises:
        RatingsError: no study.
    """
    folder = Path(folder)
    record = read_record(engine, study_id)
    (folder / "pictures").mkdir(parents=True, exist_ok=True)

    def contents(session: Session) -> list[tuple[str, bytes]]:
        query = select(models.Picture.sha256, models.Picture.content).filter_by(study_id=study_id)
        return [tuple(row) for row in session.execute(query)]

    for digest, content in read(engine, contents):
        (folder / "pictures" / f"{digest}.jpg").write_bytes(content)
    write_jsonl(record, folder / "record.jsonl")
    counted = scores(record)
    write_csv(counted, folder / "scores.csv")
    _write_human_scores(record, counted, folder / "human_scores.jsonl")
    columns = "\n".join(f"- `{name}`: {meaning}" for name, meaning in _COLUMNS.items())
    rubrics = "\n\n".join(map(_rubric, _rubrics(record)))
    for language in sorted({mark["language"] for mark in record.tables["mark"]} & set(RUBRICS_IN)):
        rubrics += f"\n\n## As they were shown in `{language}`\n\n{_shown_in(language, record)}"
    (folder / "codebook.md").write_text(_CODEBOOK.format(columns=columns, rubrics=rubrics), encoding="utf-8")
    (folder / "results.md").write_text(markdown(results(record)), encoding="utf-8")
    return folder


def _rubrics(record: Record) -> list[Rubric]:
    return [Rubric(**of | {"levels": tuple(of["levels"])}) for of in record.study["rubrics"]]


def _rubric(rubric: Rubric) -> str:
    levels = "\n".join(f"- {score}: {level}" for score, level in enumerate(rubric.levels))
    return f"{rubric.title} ({rubric.axis}). {rubric.task}\n\n{levels}"


def _shown_in(language: str, record: Record) -> str:
    rubrics = [rubric_in(language, rubric) for rubric in _rubrics(record)]
    questions = dict.fromkeys(question for item in record.tables["item"] for question in item["rounds"])
    shown = [f"- {question}: {question_in(language, question)}" for question in questions]
    return "\n\n".join([*map(_rubric, rubrics), "\n".join(shown)])


def safe_cell(value: object) -> object:
    """A cell that no spreadsheet computes: a text that looks like a formula gets an apostrophe; numbers stay."""
    if isinstance(value, str):
        value = value.replace("\0", "")
        # Some programs look past white space and past the quotes of the field.
        if value.startswith(_FORMULA) or value.lstrip(" \"'\t\r\n\xa0\ufeff").startswith(_FORMULA):
            return "'" + value
    return value


def write_csv(counted: list[Score], path: str | Path) -> None:
    """Writes scores for a spreadsheet: RFC 4180, UTF-8 with the mark by which Excel knows it."""
    with Path(path).open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow([field.name for field in fields(Score)])
        for score in counted:
            writer.writerow([safe_cell(value) for value in asdict(score).values()])


def _write_human_scores(record: Record, counted: list[Score], path: Path) -> None:
    answers = {
        (row["item_id"], row["system_id"]): row["texts"] for row in record.tables["answer"] if row["texts"] is not None
    }
    items = {row["name"]: row["id"] for row in record.tables["item"]}
    systems = {row["name"]: row["id"] for row in record.tables["system"]}
    with path.open("w", encoding="utf-8") as file:
        for score in counted:
            if score.calibration or score.repeat_of is not None or score.choice is not None:
                continue
            line = {
                "picture": score.item,
                "system": score.system,
                "rater": score.rater,
                "rubric": score.axis,
                "score": score.value,
                "session": f"study {record.study['id']}",
                "answer": answers[items[score.item], systems[score.system]],
                "comment": score.comment,
                "seconds": score.seconds,
                "time": score.at,
            }
            file.write(json.dumps({key: value for key, value in line.items() if value is not None}) + "\n")
