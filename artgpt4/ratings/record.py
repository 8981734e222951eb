"""Everything a study has given, as plain rows: read from the database, or from the file that was exported from it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import Session

from artgpt4.ratings import models
from artgpt4.ratings.database import read
from artgpt4.ratings.errors import RatingsError
from artgpt4.ratings.organise import study_of

#: What is never given out: what lets somebody in. A picture's content has a file of its own.
_SECRET = ("token_hash", "resume_hash", "content")


@dataclass(frozen=True)
class Record:
    """The rows of each table, as dicts of what JSON has."""

    tables: dict[str, list[dict]]

    @property
    def study(self) -> dict:
        return self.tables["study"][0]

    @property
    def axes(self) -> list[str]:
        return [rubric["axis"] for rubric in self.study["rubrics"]]

    @property
    def systems(self) -> list[str]:
        return [system["name"] for system in self.tables["system"]]


@dataclass(frozen=True)
class Score:
    """One score that counts, or in pair mode one choice.

    Attributes:
        rater: the pseudonym.
        item, system: their names.
        other: in pair mode the system that was shown second, `system` being the one shown first.
        axis: of the rubric; `better` in pair mode.
        value: 0 to 5; in pair mode 1 where the first was better, 0 where the second was, else 0.5.
        choice: in pair mode, what was chosen.
        position: the task's place in the rater's order, from 1.
        repeat_of: the earlier position that this repeats; None for the first time.
        calibration: of an item to begin with, which counts nowhere.
        revisions: how often it was said.
        seconds: from when the task was shown to when this was saved.
        at: when that was.
        comment: on the task.
    """

    rater: str
    item: str
    system: str | None
    other: str | None
    axis: str
    value: float
    choice: str | None
    position: int
    repeat_of: int | None
    calibration: bool
    revisions: int
    seconds: float | None
    at: str
    comment: str


def read_record(engine: Engine, study_id: int) -> Record:
    """A study's record as the database has it now. Raises RatingsError: no study."""

    def work(session: Session) -> Record:
        study_of(session, study_id)
        return Record({table: list(_rows(session, query)) for table, query in _queries(study_id).items()})

    return read(engine, work)


def _queries(study_id: int) -> dict[str, Select]:
    of_study = {
        name: select(table).filter_by(study_id=study_id).order_by(table.id)
        for name, table in (
            ("picture", models.Picture),
            ("item", models.Item),
            ("system", models.System),
            ("link", models.Link),
            ("rater", models.Rater),
            ("event", models.Event),
        )
    }
    items = select(models.Item.id).filter_by(study_id=study_id)
    raters = select(models.Rater.id).filter_by(study_id=study_id)
    return {
        "study": select(models.Study).filter_by(id=study_id),
        **of_study,
        "answer": select(models.Answer).where(models.Answer.item_id.in_(items)).order_by(models.Answer.id),
        "task": select(models.Task).where(models.Task.rater_id.in_(raters)).order_by(models.Task.id),
        "mark": select(models.Mark).where(models.Mark.rater_id.in_(raters)).order_by(models.Mark.id),
    }


def _rows(session: Session, query: Select) -> Iterator[dict]:
    for row in session.scalars(query):
        values = {column.key: getattr(row, column.key) for column in row.__table__.columns if column.key not in _SECRET}
        yield {
            name: value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value
            for name, value in values.items()
        }


def write_jsonl(record: Record, path: str | Path) -> None:
    """Writes a record, one row a line, nothing left out."""
    with Path(path).open("w", encoding="utf-8") as file:
        for table, rows in record.tables.items():
            for row in rows:
                file.write(json.dumps({"table": table, **row}, ensure_ascii=False) + "\n")


def read_jsonl(path: str | Path) -> Record:
    """Reads what `write_jsonl` wrote. Raises RatingsError: it is not that."""
    tables: dict[str, list[dict]] = {name: [] for name in _queries(0)}
    try:
        with Path(path).open(encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                tables[row.pop("table")].append(row)
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise RatingsError("study", f"{path} is no record that `export` wrote: {error}") from error
    if len(tables["study"]) != 1:
        raise RatingsError("study", f"{path} is no whole record: it has {len(tables['study'])} studies.")
    return Record(tables)


def scores(record: Record) -> list[Score]:
    """What counts now: of each field the last revision, and nothing of tasks that are skipped or unfinished."""
    tables = record.tables
    items = {row["id"]: row for row in tables["item"]}
    systems = {row["id"]: row["name"] for row in tables["system"]}
    answers = {row["id"]: systems[row["system_id"]] for row in tables["answer"]}
    raters = {row["id"]: row["pseudonym"] for row in tables["rater"]}
    positions = {row["id"]: row["position"] for row in tables["task"]}
    latest: dict[int, dict[str, dict]] = {}
    for mark in sorted(tables["mark"], key=lambda mark: mark["revision"]):
        latest.setdefault(mark["task_id"], {})[mark["field"]] = mark
    found = []
    for task in tables["task"]:
        if task["state"] != "done":
            continue
        item, marks = items[task["item_id"]], latest[task["id"]]
        pair = task["other_answer_id"] is not None
        shown = task["shown_at"] and datetime.fromisoformat(task["shown_at"])
        for axis in [models.BETTER] if pair else item["axes"]:
            mark = marks[axis]
            seconds = (datetime.fromisoformat(mark["created_at"]) - shown).total_seconds() if shown else None
            found.append(
                Score(
                    rater=raters[task["rater_id"]],
                    item=item["name"],
                    system=answers.get(task["answer_id"]),
                    other=answers.get(task["other_answer_id"]),
                    axis=axis,
                    value={"first": 1.0, "second": 0.0}.get(mark["text"], 0.5) if pair else mark["value"],
                    choice=mark["text"] if pair else None,
                    position=task["position"],
                    repeat_of=positions.get(task["repeat_of"]),
                    calibration=item["expected"] is not None,
                    revisions=mark["revision"],
                    seconds=None if seconds is None or seconds < 0 else round(seconds, 3),
                    at=mark["created_at"],
                    comment=(marks.get(models.COMMENT) or {}).get("text") or "",
                )
            )
    return found
