"""The tables. What artists say is only ever appended (`Mark`); everything else can be made again from the study."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

#: What one mark can be about, beside the axes of the study's rubrics.
BETTER, COMMENT, SKIP = "better", "comment", "skip"

#: Which answer is better, as shown; in the column `text` of a mark of the field `better`.
CHOICES = ("first", "second", "same", "neither")

STATUSES = ("draft", "open", "paused", "closed", "archived")
SCOPES = ("rate", "view", "organise")


class UTCDateTime(TypeDecorator):
    """A moment, always with its time zone: SQLite forgets it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    # Constraints have names, so that a migration can change them on every database.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UTCDateTime, dict: JSON(none_as_null=True), list: JSON(none_as_null=True)}


def _within(table: str, **more) -> Mapped[int]:
    """A reference whose row goes when the one it points to goes."""
    return mapped_column(ForeignKey(f"{table}.id", ondelete="CASCADE"), **more)


class Study(Base):
    """What is asked of whom. `rubrics` is a list of {axis, title, task, levels}."""

    __tablename__ = "study"
    __table_args__ = (CheckConstraint("status IN ('draft', 'open', 'paused', 'closed', 'archived')", name="status"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    about: Mapped[str] = mapped_column(Text)
    consent: Mapped[str] = mapped_column(Text)
    mode: Mapped[str] = mapped_column(String(10))  # "score" or "pair"
    status: Mapped[str] = mapped_column(String(10), default="draft")
    seed: Mapped[int]
    rubrics: Mapped[list]
    ratings_per_answer: Mapped[int | None]  # None: every rater rates every answer
    answers_per_rater: Mapped[int | None]
    repeats: Mapped[int]
    keep_days: Mapped[int | None]  # after closing
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class Picture(Base):
    """Upright RGB pixels as JPEG, without anything else in the file."""

    __tablename__ = "picture"
    __table_args__ = (UniqueConstraint("study_id", "sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = _within("study")
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Item(Base):
    """A picture with its questions. A calibration item also has the `expected` {scores, why, answers}."""

    __tablename__ = "item"
    __table_args__ = (UniqueConstraint("study_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = _within("study")
    name: Mapped[str] = mapped_column(String(100))
    picture_id: Mapped[int] = _within("picture")
    rounds: Mapped[list]  # the questions
    axes: Mapped[list]  # those of the study's that this one is scored on
    expected: Mapped[dict | None]


class System(Base):
    """What answers. `how` says how its answers are made; raters never see any of this."""

    __tablename__ = "system"
    __table_args__ = (UniqueConstraint("study_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = _within("study")
    name: Mapped[str] = mapped_column(String(100))
    how: Mapped[dict]


class Answer(Base):
    """A system's answers to an item's questions, or the error why there are none, with what made them."""

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("item_id", "system_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = _within("item")
    system_id: Mapped[int] = _within("system", index=True)
    texts: Mapped[list | None]
    error: Mapped[str | None] = mapped_column(Text)
    provenance: Mapped[dict]
    created_at: Mapped[datetime]


class Link(Base):
    """A way in. Of the token only the hash is kept."""

    __tablename__ = "link"
    __table_args__ = (CheckConstraint("scope IN ('rate', 'view', 'organise')", name="scope"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = _within("study", index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scope: Mapped[str] = mapped_column(String(10))
    label: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    max_uses: Mapped[int | None]
    uses: Mapped[int] = mapped_column(default=0)


class Rater(Base):
    """An artist, known by a pseudonym. `number` is the row of the Latin squares that the order comes from."""

    __tablename__ = "rater"
    __table_args__ = (UniqueConstraint("study_id", "number"), UniqueConstraint("study_id", "pseudonym"))

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = _within("study")
    link_id: Mapped[int] = _within("link", index=True)
    number: Mapped[int]
    pseudonym: Mapped[str] = mapped_column(String(40))
    resume_hash: Mapped[str] = mapped_column(String(64), unique=True)
    consent_hash: Mapped[str] = mapped_column(String(64))  # of the text that was agreed to
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Session(Base):
    """One browser of one artist. Of the token only the hash is kept."""

    __tablename__ = "session"

    id: Mapped[int] = mapped_column(primary_key=True)
    rater_id: Mapped[int] = _within("rater", index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Task(Base):
    """One thing that one artist is to rate, at its place in this artist's order.

    In pair mode `answer_id` is shown first and `other_answer_id` second. A calibration task has no answer, its texts
    are the item's. A hidden repeat is `repeat_of` an earlier task.
    """

    __tablename__ = "task"
    __table_args__ = (
        UniqueConstraint("rater_id", "position"),
        CheckConstraint("state IN ('open', 'done', 'skipped')", name="state"),
        Index("ix_task_answer", "answer_id"),
        Index("ix_task_other_answer", "other_answer_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    rater_id: Mapped[int] = _within("rater")
    position: Mapped[int]  # from 1
    item_id: Mapped[int] = _within("item", index=True)
    answer_id: Mapped[int | None] = _within("answer")
    other_answer_id: Mapped[int | None] = _within("answer")
    repeat_of: Mapped[int | None] = _within("task", index=True)
    state: Mapped[str] = mapped_column(String(10), default="open")
    shown_at: Mapped[datetime | None]


class Mark(Base):
    """One thing an artist said about one task, appended and never changed; the highest revision counts.

    `field` is an axis (then `value` is 0 to 5), `better` (`text` is one of `CHOICES`), `comment` or `skip` (`text`). A
    revision with neither value nor text takes back what was said. `key` is the browser's own for this saving: sent
    twice, it is saved once.
    """

    __tablename__ = "mark"
    __table_args__ = (
        UniqueConstraint("task_id", "field", "revision"),
        UniqueConstraint("rater_id", "key"),
        CheckConstraint("value IN (0, 1, 2, 3, 4, 5)", name="value"),
        CheckConstraint("value IS NULL OR text IS NULL", name="one"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    rater_id: Mapped[int] = _within("rater")
    task_id: Mapped[int] = _within("task")
    field: Mapped[str] = mapped_column(String(40))
    revision: Mapped[int]  # from 1
    value: Mapped[int | None]
    text: Mapped[str | None] = mapped_column(Text)
    key: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    language: Mapped[str | None] = mapped_column(String(10))  # of the page; see `artgpt4.ratings.spoken`


class Event(Base):
    """What an organiser did, and that somebody's data was deleted: what and when, never who."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = _within("study", index=True)
    what: Mapped[str] = mapped_column(String(40))
    detail: Mapped[dict]
    created_at: Mapped[datetime]
