"""The organiser's side: studies, answers, links, who is where. Who may call these is checked by whoever calls them."""

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session

from artgpt4.evaluation.rubrics import Rubric
from artgpt4.images import open_picture
from artgpt4.ratings import models
from artgpt4.ratings.database import read, transact
from artgpt4.ratings.errors import RatingsError
from artgpt4.ratings.study import Calibration, Item, StudyErrors, StudySpec
from artgpt4.ratings.tokens import hash_resume_code, hash_token, new_resume_code, new_token

#: Pixels on a picture's longer side that are kept.
LARGEST_SIDE = 2048
#: Where a link of each scope leads to, before its token.
ADDRESSES = {"rate": "rate/link/", "view": "organise/view/", "organise": "organise/link/"}
#: After so long without a word an artist who has not finished counts as stalled.
STALLED_AFTER = timedelta(hours=24)

_NEXT = {
    "draft": ("open", "archived"),
    "open": ("paused", "closed"),
    "paused": ("open", "closed"),
    "closed": ("open", "archived"),
    "archived": (),
}


@dataclass(frozen=True)
class StudyRow:
    """A study in a list; `finished` of its `raters` have rated everything."""

    id: int
    title: str
    status: str
    mode: str
    raters: int
    finished: int
    created_at: datetime


@dataclass(frozen=True)
class AnswerRow:
    """One system's answers to one item; `texts` is None while there are none, `error` says why where it is known."""

    item: str
    system: str
    rounds: tuple[str, ...]
    texts: tuple[str, ...] | None
    error: str | None
    provenance: dict


@dataclass(frozen=True)
class NewLink:
    """A link just made. The token is told once; only its hash is kept."""

    id: int
    token: str


@dataclass(frozen=True)
class LinkRow:
    id: int
    scope: str
    label: str
    uses: int
    max_uses: int | None
    expires_at: datetime | None
    revoked_at: datetime | None
    usable: bool


@dataclass(frozen=True)
class RaterRow:
    """One artist. `link` is the label of the one he or she came by, `place` of the first task that is still open."""

    id: int
    pseudonym: str
    link: str
    place: int | None
    done: int
    skipped: int
    total: int
    last_seen_at: datetime
    stalled: bool
    finished: bool


@dataclass(frozen=True)
class Status:
    """A study as it stands. `scores` counts scores and choices that count now, without calibration."""

    title: str
    status: str
    mode: str
    answers: int
    answers_missing: int
    raters: tuple[RaterRow, ...]
    scores: int


def create_study(engine: Engine, spec: StudySpec) -> int:
    """Makes a study, as a draft; every picture is kept as plain pixels, what people have written as answers.

    Returns:
        Its number.

    Raises:
        StudyErrors: it has mistakes.
        StorageError: it could not be saved; nothing of it was.
    """
    if problems := spec.problems():
        raise StudyErrors(problems)
    pictures = {item.name: _jpeg(item) for item in (*spec.items, *spec.calibration)}

    def work(session: Session) -> int:
        now = datetime.now(UTC)
        study = models.Study(
            title=spec.title.strip(),
            about=spec.about.strip(),
            consent=spec.consent.strip(),
            mode=spec.mode,
            seed=spec.seed,
            rubrics=[asdict(rubric) for rubric in spec.rubrics],
            ratings_per_answer=spec.ratings_per_answer,
            answers_per_rater=spec.answers_per_rater,
            repeats=spec.repeats,
            keep_days=spec.keep_days,
            created_at=now,
        )
        session.add(study)
        session.flush()
        kept: dict[str, int] = {}
        items = {}
        axes = [rubric.axis for rubric in spec.rubrics]
        for item in (*spec.items, *spec.calibration):
            content = pictures[item.name]
            digest = hashlib.sha256(content).hexdigest()
            if digest not in kept:
                picture = models.Picture(study_id=study.id, sha256=digest, content=content)
                session.add(picture)
                session.flush()
                kept[digest] = picture.id
            expected = None
            if isinstance(item, Calibration):
                expected = {"answers": list(item.answers), "scores": item.scores, "why": item.why}
            items[item.name] = models.Item(
                study_id=study.id,
                name=item.name,
                picture_id=kept[digest],
                rounds=list(item.rounds),
                axes=[axis for axis in axes if axis in (item.axes or axes)],
                expected=expected,
            )
            session.add(items[item.name])
            session.flush()  # ids in the items' order
        for system in spec.systems:
            how = json.loads(json.dumps(asdict(system), default=str))
            how.pop("answers")
            row = models.System(study_id=study.id, name=system.name, how=how | {"people": system.answers is not None})
            session.add(row)
            session.flush()
            for name, texts in (system.answers or {}).items():
                session.add(
                    models.Answer(
                        item_id=items[name].id,
                        system_id=row.id,
                        texts=list(texts),
                        provenance={"written_by": "a person"},
                        created_at=now,
                    )
                )
        _note(session, study.id, "created")
        return study.id

    return transact(engine, work)


def _jpeg(item: Item) -> bytes:
    picture = open_picture(item.picture)  # upright, without EXIF
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=92)
    return content.getvalue()


def studies(engine: Engine) -> list[StudyRow]:
    """All studies, the newest first."""
    of_study = models.Rater.study_id == models.Study.id
    count = select(func.count()).where(of_study).scalar_subquery()
    finished = select(func.count(models.Rater.finished_at)).where(of_study).scalar_subquery()

    def work(session: Session) -> list[StudyRow]:
        found = session.execute(select(models.Study, count, finished).order_by(models.Study.id.desc()))
        return [
            StudyRow(study.id, study.title, study.status, study.mode, raters, done, study.created_at)
            for study, raters, done in found
        ]

    return read(engine, work)


def answers(engine: Engine, study_id: int) -> list[AnswerRow]:
    """What every system says about every item, to be read before the study is opened. Raises RatingsError: no study."""
    return read(engine, lambda session: _answers(session, study_id))


def _answers(session: Session, study_id: int) -> list[AnswerRow]:
    study_of(session, study_id)
    item, system, answer = models.Item, models.System, models.Answer
    query = (
        select(item, system, answer)
        .join(system, system.study_id == item.study_id)
        .outerjoin(answer, (answer.item_id == item.id) & (answer.system_id == system.id))
        .where(item.study_id == study_id, item.expected.is_(None))
        .order_by(item.id, system.id)
    )
    return [
        AnswerRow(
            item.name,
            system.name,
            tuple(item.rounds),
            tuple(answer.texts) if answer and answer.texts else None,
            answer.error if answer else None,
            answer.provenance if answer else {},
        )
        for item, system, answer in session.execute(query)
    ]


def missing_answers(engine: Engine, study_id: int) -> list[tuple[str, str]]:
    """Item and system of every answer that is not there yet, or failed."""
    return [(row.item, row.system) for row in answers(engine, study_id) if row.texts is None]


def set_answer(
    engine: Engine,
    study_id: int,
    item: str,
    system: str,
    texts: Sequence[str] | None,
    provenance: dict,
    error: str | None = None,
) -> None:
    """Keeps one system's answers to one item, or the error why it gave none.

    Args:
        texts: one for each question, or None with an `error`.
        provenance: what made them: model, adapter, prompt, seed, parameters, versions.

    Raises:
        RatingsError: the study is no draft any more and has this answer (it may have been rated), there is no such item
            or system, or the texts are not one for each question.
    """

    def work(session: Session) -> None:
        study = study_of(session, study_id, lock=True)
        found_item = session.scalar(select(models.Item).filter_by(study_id=study_id, name=item))
        found_system = session.scalar(select(models.System).filter_by(study_id=study_id, name=system))
        if found_item is None or found_system is None or found_item.expected is not None:
            raise RatingsError("answer", f"This study has no item {item!r} with a system {system!r}.")
        if texts is not None and (len(texts) != len(found_item.rounds) or not all(text.strip() for text in texts)):
            raise RatingsError("answer", f"{item!r} needs {len(found_item.rounds)} answers, none of them empty.")
        if (texts is None) == (error is None):
            raise RatingsError("answer", "An answer has either texts or the error why there are none.")
        row = session.scalar(select(models.Answer).filter_by(item_id=found_item.id, system_id=found_system.id))
        if row is not None and row.texts is not None and study.status != "draft":
            raise RatingsError("answer", "This study has been opened; an answer that may have been rated stays.")
        if row is None:
            row = models.Answer(item_id=found_item.id, system_id=found_system.id)
            session.add(row)
        row.texts, row.error = None if texts is None else list(texts), error
        row.provenance, row.created_at = provenance, datetime.now(UTC)

    transact(engine, work)


def set_status(engine: Engine, study_id: int, status: str) -> None:
    """Opens, pauses, closes, reopens or archives a study.

    Raises:
        RatingsError: this does not follow on how the study stands, or answers are missing.
    """

    def work(session: Session) -> None:
        study = study_of(session, study_id, lock=True)
        if status == study.status:
            return
        if status not in _NEXT[study.status]:
            allowed = ", ".join(_NEXT[study.status]) or "nothing any more"
            raise RatingsError("status", f"This study is {study.status}; from there it can be: {allowed}.")
        if status == "open":
            missing = [row for row in _answers(session, study_id) if row.texts is None]
            if missing:
                first = missing[0]
                why = f": {first.error}" if first.error else ""
                raise RatingsError(
                    "answer",
                    f"{len(missing)} answers are missing, for one {first.system!r} on {first.item!r}{why}. Generate "
                    "them first.",
                )
        if status == "archived":
            now = datetime.now(UTC)
            for link in session.scalars(select(models.Link).filter_by(study_id=study_id, revoked_at=None)):
                link.revoked_at = now
            raters = select(models.Rater.id).filter_by(study_id=study_id)
            session.execute(delete(models.Session).where(models.Session.rater_id.in_(raters)))
        study.status = status
        study.closed_at = datetime.now(UTC) if status == "closed" else None if status == "open" else study.closed_at
        _note(session, study_id, status)

    transact(engine, work)


def create_link(
    engine: Engine,
    study_id: int,
    scope: str = "rate",
    label: str = "",
    expires_at: datetime | None = None,
    max_uses: int | None = None,
) -> NewLink:
    """Makes a link: to rate, to view the live page, or to organise this one study.

    Args:
        label: whose it is, for the organiser.
        expires_at: with its time zone; None for never.
        max_uses: how many artists may enter with it; 1 for a link of one artist's own, None for any number.

    Raises:
        RatingsError: there is no such study or scope, the moment has passed, or the number is not above 0.
    """
    now = datetime.now(UTC)
    if scope not in models.SCOPES:
        raise RatingsError("scope", f"A link is for {', '.join(models.SCOPES)}, not for {scope!r}.")
    if expires_at is not None and (expires_at.tzinfo is None or expires_at <= now):
        raise RatingsError("expired", "The link would have expired already; give a later moment, with its time zone.")
    if max_uses is not None and (type(max_uses) is not int or max_uses < 1):
        raise RatingsError("used_up", "A link is for one artist at least, or for any number.")
    token = new_token()

    def work(session: Session) -> NewLink:
        if study_of(session, study_id).status == "archived":
            raise RatingsError("status", "This study is archived; nobody can enter it any more.")
        link = models.Link(
            study_id=study_id,
            token_hash=hash_token(token),
            scope=scope,
            label=label.strip()[:100],
            created_at=now,
            expires_at=expires_at,
            max_uses=max_uses,
            uses=0,
        )
        session.add(link)
        session.flush()
        return NewLink(link.id, token)

    return transact(engine, work)


def links(engine: Engine, study_id: int) -> list[LinkRow]:
    """The study's links; their tokens cannot be told again."""

    def work(session: Session) -> list[LinkRow]:
        study_of(session, study_id)
        found = session.scalars(select(models.Link).filter_by(study_id=study_id).order_by(models.Link.id))
        return [
            LinkRow(
                link.id,
                link.scope,
                link.label,
                link.uses,
                link.max_uses,
                link.expires_at,
                link.revoked_at,
                refusal(link, datetime.now(UTC)) is None,
            )
            for link in found
        ]

    return read(engine, work)


def revoke_link(engine: Engine, study_id: int, link_id: int) -> None:
    """Ends a link, and the sessions of all who entered by it. What they scored stays, and their resume codes end too.

    Raises RatingsError: this study has no such link.
    """

    def work(session: Session) -> None:
        link = session.scalar(select(models.Link).filter_by(id=link_id, study_id=study_id))
        if link is None:
            raise RatingsError("link", "This study has no such link.")
        if link.revoked_at is None:
            link.revoked_at = datetime.now(UTC)
            _note(session, study_id, "link revoked", link=link_id)
        raters = select(models.Rater.id).filter_by(link_id=link_id)
        session.execute(delete(models.Session).where(models.Session.rater_id.in_(raters)))

    transact(engine, work)


def refusal(link: models.Link | None, now: datetime) -> RatingsError | None:
    """Why nobody can enter by this link any more; None if one can."""
    if link is None:
        return RatingsError("link", "This link is not known here. Ask whoever sent it for another one.")
    if link.revoked_at is not None:
        return RatingsError("revoked", "This link has been withdrawn. Ask whoever sent it for another one.")
    if link.expires_at is not None and link.expires_at <= now:
        return RatingsError("expired", "This link has expired. Ask whoever sent it for another one.")
    if link.max_uses is not None and link.uses >= link.max_uses:
        return RatingsError(
            "used_up", "This link has been used already. If it was you, go on with your resume code; else ask for one."
        )
    return None


def check_link(engine: Engine, token: str, scope: str) -> int:
    """The study that this token opens for this scope; `organise` also views. Raises RatingsError: none."""

    def work(session: Session) -> int:
        link = session.scalar(select(models.Link).filter_by(token_hash=hash_token(token)))
        scopes = ("view", "organise") if scope == "view" else (scope,)
        if link is not None and link.scope not in scopes:
            link = None  # what it is for is nobody's business who has the wrong one
        if error := refusal(link, datetime.now(UTC)):
            raise error
        return link.study_id

    return read(engine, work)


def status(engine: Engine, study_id: int, now: datetime | None = None) -> Status:
    """Who is where, and how much there is. Raises RatingsError: no study."""
    now = now or datetime.now(UTC)

    def work(session: Session) -> Status:
        study = study_of(session, study_id)
        of_study = _answers(session, study_id)
        task, rater = models.Task, models.Rater
        counts: dict[int, dict[str, int]] = {}
        grouped = (
            select(task.rater_id, task.state, func.count())
            .join(rater, rater.id == task.rater_id)
            .where(rater.study_id == study_id)
            .group_by(task.rater_id, task.state)
        )
        for rater_id, state, count in session.execute(grouped):
            counts.setdefault(rater_id, {})[state] = count
        rows = []
        first_open = (
            select(func.min(task.position))
            .where(task.rater_id == rater.id, task.state == "open")
            .correlate(rater)
            .scalar_subquery()
        )
        query = select(rater, models.Link.label, first_open).join(models.Link).where(rater.study_id == study_id)
        for found, label, place in session.execute(query.order_by(rater.number)):
            of_rater = counts.get(found.id, {})
            finished = found.finished_at is not None
            rows.append(
                RaterRow(
                    found.id,
                    found.pseudonym,
                    label,
                    place,
                    of_rater.get("done", 0),
                    of_rater.get("skipped", 0),
                    sum(of_rater.values()),
                    found.last_seen_at,
                    not finished and bool(of_rater.get("open")) and now - found.last_seen_at > STALLED_AFTER,
                    finished,
                )
            )
        missing = sum(row.texts is None for row in of_study)
        return Status(
            study.title, study.status, study.mode, len(of_study), missing, tuple(rows), _scores(session, study_id)
        )

    return read(engine, work)


def _scores(session: Session, study_id: int) -> int:
    mark, later = models.Mark, models.Mark.__table__.alias()
    superseded = (
        select(later.c.id)
        .where(later.c.task_id == mark.task_id, later.c.field == mark.field, later.c.revision > mark.revision)
        .exists()
    )
    return session.scalar(
        select(func.count())
        .select_from(mark)
        .join(models.Task, models.Task.id == mark.task_id)
        .join(models.Item, models.Item.id == models.Task.item_id)
        .where(
            models.Item.study_id == study_id,
            models.Item.expected.is_(None),
            mark.field.not_in([models.COMMENT, models.SKIP]),
            mark.value.is_not(None) | mark.text.is_not(None),
            ~superseded,
        )
    )


def item_picture(engine: Engine, study_id: int, item: str) -> bytes:
    """An item's picture as JPEG. Raises RatingsError: this study has no such item."""

    def work(session: Session) -> bytes:
        content = session.scalar(
            select(models.Picture.content)
            .join(models.Item, models.Item.picture_id == models.Picture.id)
            .where(models.Item.study_id == study_id, models.Item.name == item)
        )
        if content is None:
            raise RatingsError("study", f"This study has no item {item!r}.")
        return content

    return read(engine, work)


def rubrics_of(study: models.Study) -> dict[str, Rubric]:
    """The study's rubrics by axis, in their order."""
    return {of["axis"]: Rubric(of["axis"], of["title"], of["task"], tuple(of["levels"])) for of in study.rubrics}


def rubrics(engine: Engine, study_id: int) -> dict[str, Rubric]:
    """As `rubrics_of`. Raises RatingsError: no study."""
    return read(engine, lambda session: rubrics_of(study_of(session, study_id)))


def renew_resume_code(engine: Engine, study_id: int, rater_id: int) -> str:
    """Another resume code for an artist who has lost the first, which works no longer. Raises RatingsError: nobody."""
    code = new_resume_code()

    def work(session: Session) -> str:
        _rater_of(session, study_id, rater_id).resume_hash = hash_resume_code(code)
        return code

    return transact(engine, work)


def delete_rater(engine: Engine, study_id: int, rater_id: int) -> int:
    """Deletes an artist with everything that he or she gave; only that it happened is noted.

    Returns:
        How many marks, with their revisions, went.

    Raises:
        RatingsError: this study has no such artist.
    """

    return transact(engine, lambda session: remove_rater(session, _rater_of(session, study_id, rater_id)))


def _rater_of(session: Session, study_id: int, rater_id: int) -> models.Rater:
    rater = session.scalar(select(models.Rater).filter_by(id=rater_id, study_id=study_id))
    if rater is None:
        raise RatingsError("study", "This study has no such artist.")
    return rater


def remove_rater(session: Session, rater: models.Rater) -> int:
    """Deletes an artist's rows within a transaction; returns the number of marks."""
    marks = session.scalar(select(func.count()).select_from(models.Mark).filter_by(rater_id=rater.id))
    _note(session, rater.study_id, "artist's data deleted", marks=marks)
    session.execute(delete(models.Rater).where(models.Rater.id == rater.id))  # the rest goes with it
    return marks


def delete_study(engine: Engine, study_id: int) -> None:
    """Deletes a study with everything in it, answers and scores too. Raises RatingsError: no study."""

    def work(session: Session) -> None:
        study_of(session, study_id)
        session.execute(delete(models.Study).where(models.Study.id == study_id))

    transact(engine, work)


def delete_what_is_due(engine: Engine, now: datetime | None = None) -> int:
    """Deletes what artists gave to studies that were closed longer ago than their `keep_days`.

    Returns:
        How many artists' data went.
    """
    now = now or datetime.now(UTC)

    def work(session: Session) -> int:
        count = 0
        closed = select(models.Study).where(models.Study.keep_days.is_not(None), models.Study.closed_at.is_not(None))
        for study in session.scalars(closed).all():
            if now - study.closed_at >= timedelta(days=study.keep_days):
                for rater in session.scalars(select(models.Rater).filter_by(study_id=study.id)).all():
                    remove_rater(session, rater)
                    count += 1
        return count

    return transact(engine, work)


def study_of(session: Session, study_id: int, lock: bool = False) -> models.Study:
    """The study of that number, locked against others' changes where asked for. Raises RatingsError: there is none."""
    query = select(models.Study).filter_by(id=study_id)
    study = session.scalar(query.with_for_update() if lock else query)
    if study is None:
        raise RatingsError("study", f"There is no study {study_id}.")
    return study


def _note(session: Session, study_id: int, what: str, **detail: object) -> None:
    session.add(models.Event(study_id=study_id, what=what, detail=detail, created_at=datetime.now(UTC)))
