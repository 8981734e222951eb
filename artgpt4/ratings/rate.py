"""The artist's side: enter by a link, rate one thing after the other, stop, go on elsewhere, finish, be forgotten.

Every function but the first takes the session's token and reaches that artist's own tasks only, by their place in the
artist's order. What is returned names no system and no other artist. When something that saves returns, it is on disk.
"""

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, Row, bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from artgpt4.evaluation.rubrics import Rubric
from artgpt4.ratings import models
from artgpt4.ratings.database import read, transact, transact_together
from artgpt4.ratings.errors import RatingsError
from artgpt4.ratings.order import Place, pair_order, repeated, scoring_order
from artgpt4.ratings.organise import STALLED_AFTER, refusal, remove_rater, rubrics_of, study_of
from artgpt4.ratings.tokens import hash_resume_code, hash_token, new_resume_code, new_token, resume_code_of

SESSION_LASTS = timedelta(days=30)
LONGEST_TEXT = 5000

_KEY = re.compile(r"[A-Za-z0-9_-]{8,40}")
_COLOURS = "Ochre Umber Sienna Indigo Cobalt Viridian Carmine Ivory Saffron Teal Cerise Slate Amber Jade Coral Lilac"
_BIRDS = "Heron Wren Finch Swift Plover Magpie Kestrel Lark Robin Curlew Avocet Siskin Dipper Owl Raven Tern"
_NOT_OPEN = {
    "draft": ("not_open", "This study has not begun yet. Come back later."),
    "paused": ("paused", "This study is paused just now. What you have saved is safe; come back later."),
    "closed": ("closed", "This study is closed: nothing can be added or changed any more. Thank you."),
    "archived": ("closed", "This study is over. Thank you."),
}


@dataclass(frozen=True)
class Invitation:
    """What an artist reads before entering. `open` is False while nobody can rate."""

    title: str
    about: str
    consent: str
    mode: str
    tasks: int
    open: bool


@dataclass(frozen=True)
class Entered:
    """The session's token, for this browser only; the resume code, for the artist to note (None where it is known)."""

    session: str
    resume_code: str | None
    pseudonym: str


@dataclass(frozen=True)
class Task:
    """One thing to rate, and what this artist has said about it so far.

    Attributes:
        position, total: "7 of 24".
        calibration: an item to begin with, whose `feedback` can be read once it is scored.
        mode: `score` or `pair`; a calibration item is always scored.
        dialogue: (question, answer) pairs; in pair mode those shown first.
        other: those shown second; None unless in pair mode.
        rubrics: what it is scored on; in pair mode what is to be thought of.
        scores: by axis.
        better: one of first, second, same and neither.
        skipped: the reason.
        state: open, done or skipped.
    """

    position: int
    total: int
    calibration: bool
    mode: str
    dialogue: tuple[tuple[str, str], ...]
    other: tuple[tuple[str, str], ...] | None
    rubrics: tuple[Rubric, ...]
    scores: dict[str, int]
    better: str | None
    comment: str
    skipped: str | None
    state: str


@dataclass(frozen=True)
class Saved:
    """What the database has now. `at` is when it was saved, `revision` how often this has been said."""

    at: datetime
    position: int
    revision: int
    state: str
    done: int
    total: int


@dataclass(frozen=True)
class Feedback:
    """What a calibration item should get, by axis, what it was given, and why."""

    expected: dict[str, int]
    given: dict[str, int]
    why: str


@dataclass(frozen=True)
class Progress:
    """How far an artist is. `states` has those of all tasks in their order."""

    title: str
    pseudonym: str
    done: int
    skipped: int
    total: int
    finished: bool
    study_status: str
    states: tuple[str, ...]


def invitation(engine: Engine, link: str) -> Invitation:
    """What the link leads to, to be read before consenting; uses nothing up. Raises RatingsError: none that works."""

    def work(session: Session) -> Invitation:
        found = session.scalar(select(models.Link).filter_by(token_hash=hash_token(link), scope="rate"))
        if error := refusal(found, datetime.now(UTC)):
            raise error
        study = study_of(session, found.study_id)
        places = len(_places(session, study, 0))
        repeats = len(repeated([None] * places, study.repeats, 0, 0))
        calibration = session.scalar(
            select(func.count())
            .select_from(models.Item)
            .where(models.Item.study_id == study.id, models.Item.expected.is_not(None))
        )
        tasks = min(places, study.answers_per_rater or places) + repeats + calibration
        return Invitation(study.title, study.about, study.consent, study.mode, tasks, study.status == "open")

    return read(engine, work)


def enter(engine: Engine, link: str, pseudonym: str, consent: bool, session: str | None = None) -> Entered:
    """Enters a study as a new artist, whose tasks are dealt now and for good.

    Args:
        link: the link's token.
        pseudonym: up to 40 letters, or empty to be given one.
        consent: whether the study's text was agreed to.
        session: a token of `new_token()` drawn when the page was opened: entering with it twice, as by a double click,
            is entering once. Else one is drawn here.

    Raises:
        RatingsError: the link does not work, the study is not open or has all it needs, there is no consent, or the
            pseudonym cannot be taken.
    """
    if consent is not True:
        raise RatingsError("consent", "Nothing begins without your consent. Tick the box if you agree.")
    name = _one_line(pseudonym, "pseudonym", 40)
    if session is not None and len(session) < 40:
        raise RatingsError("session", "This page is too old. Open the link again.")
    token = session or new_token()
    code = resume_code_of(token)

    def work(database: Session) -> Entered:
        now = datetime.now(UTC)
        already = database.scalar(
            select(models.Rater).join(models.Session).where(models.Session.token_hash == hash_token(token))
        )
        if already is not None:
            return Entered(token, code, already.pseudonym)
        found = database.scalar(
            select(models.Link).filter_by(token_hash=hash_token(link), scope="rate").with_for_update()
        )
        if error := refusal(found, now):
            raise error
        study = study_of(database, found.study_id, lock=True)
        _check_open(study)
        places = _still_needed(database, study, now)
        of_study = select(models.Rater.pseudonym, models.Rater.number).filter_by(study_id=study.id)
        taken = dict(database.execute(of_study).all())
        folded = {one.casefold() for one in taken}
        if name and name.casefold() in folded:
            raise RatingsError("pseudonym", "Somebody has this pseudonym already. Take another, or leave it empty.")
        rater = models.Rater(
            study_id=study.id,
            link_id=found.id,
            number=next(number for number in range(len(taken) + 1) if number not in taken.values()),
            pseudonym=name or _suggested(folded),
            resume_hash=hash_resume_code(code),
            consent_hash=hashlib.sha256(study.consent.encode()).hexdigest(),
            created_at=now,
            last_seen_at=now,
        )
        database.add(rater)
        database.flush()
        _deal(database, study, rater, places)
        found.uses += 1
        _add_session(database, rater, token, now)
        return Entered(token, code, rater.pseudonym)

    return transact(engine, work)


def resume(engine: Engine, resume_code: str) -> Entered:
    """Goes on in another browser. Raises RatingsError: there is no such code, or its link was revoked."""
    token = new_token()

    def work(database: Session) -> Entered:
        rater = database.scalar(select(models.Rater).filter_by(resume_hash=hash_resume_code(resume_code)))
        if rater is None:
            raise RatingsError("session", "This code is not known here. Look again, or open your link anew.")
        if database.get(models.Link, rater.link_id).revoked_at is not None:
            raise RatingsError("revoked", "The link that this code belongs to has been withdrawn.")
        _add_session(database, rater, token, datetime.now(UTC))
        return Entered(token, None, rater.pseudonym)

    return transact(engine, work)


def renew_resume_code(engine: Engine, session: str) -> str:
    """Draws another resume code for the artist; the one before works no longer. Raises RatingsError: no session."""
    code = new_resume_code()

    def work(database: Session) -> str:
        rater, _ = _who(database, session)
        rater.resume_hash = hash_resume_code(code)
        return code

    return transact(engine, work)


def progress(engine: Engine, session: str) -> Progress:
    """How far the artist is. Raises RatingsError: no session."""

    def work(database: Session) -> Progress:
        return _progress(database, *_who(database, session))

    return read(engine, work)


def next_task(engine: Engine, session: str) -> Task | None:
    """The first task that is still open; None when there is none left. Raises RatingsError: no session."""

    def work(database: Session) -> Task | None:
        rater, study = _who(database, session)
        task = database.scalar(
            select(models.Task).filter_by(rater_id=rater.id, state="open").order_by(models.Task.position).limit(1)
        )
        return None if task is None else _shown(database, rater, study, task)

    return transact(engine, work)


def task(engine: Engine, session: str, position: int) -> Task:
    """The task at that place, to go back to it or on. Raises RatingsError: no session, or no such place."""

    def work(database: Session) -> Task:
        rater, study = _who(database, session)
        return _shown(database, rater, study, _task(database, rater, position))

    return transact(engine, work)


def picture(engine: Engine, session: str, position: int) -> bytes:
    """The picture of the task at that place, as JPEG. Raises RatingsError: no session, or no such place."""

    def work(database: Session) -> bytes:
        rater, _ = _who(database, session)
        item = database.get(models.Item, _task(database, rater, position).item_id)
        return database.scalar(select(models.Picture.content).filter_by(id=item.picture_id))

    return read(engine, work)


def save_score(
    engine: Engine, session: str, position: int, axis: str, value: int, key: str, language: str | None = None
) -> Saved:
    """Saves a score. Another for the same axis is a later revision, and counts instead.

    Args:
        position: the task's place.
        axis: one of the task's rubrics.
        value: a whole number from 0 to 5.
        key: drawn at random for this tap, 8 to 40 letters and digits. The same call again with it, as by a double
            click or after a broken connection, saves nothing more and returns what was saved.
        language: of the page, in which the artist read the rubric.

    Raises:
        RatingsError: no session, no such place or axis, no such score, the study is not open, or the key was used for
            something else.
        StorageError: it could not be saved; the score before still counts.
    """
    if type(value) is not int or not 0 <= value <= 5:
        raise RatingsError("score", "A score is a whole number from 0 to 5.")
    if axis == models.BETTER:
        raise RatingsError("field", "Say which answer is better; a pair gets no score.")
    return _save(engine, session, position, axis, value, None, key, language)


def save_better(
    engine: Engine, session: str, position: int, choice: str, key: str, language: str | None = None
) -> Saved:
    """Saves which answer is better, as shown: first, second, same or neither; otherwise as `save_score`."""
    if choice not in models.CHOICES:
        raise RatingsError("score", f"Choose one of: {', '.join(models.CHOICES)}.")
    return _save(engine, session, position, models.BETTER, None, choice, key, language)


def save_comment(
    engine: Engine, session: str, position: int, text: str, key: str, language: str | None = None
) -> Saved:
    """Saves a comment; an empty one takes the last back. Otherwise as `save_score`."""
    return _save(engine, session, position, models.COMMENT, None, _text(text, "comment") or None, key, language)


def skip(engine: Engine, session: str, position: int, reason: str, key: str, language: str | None = None) -> Saved:
    """Skips a task, with a reason; scoring it later undoes that. Otherwise as `save_score`."""
    reason = _text(reason, "reason")
    if not reason:
        raise RatingsError("text", "Say in a word why you skip this one.")
    return _save(engine, session, position, models.SKIP, None, reason, key, language)


def unskip(engine: Engine, session: str, position: int, key: str, language: str | None = None) -> Saved:
    """Takes a skipping back: the task is as it was before. Otherwise as `save_score`."""
    return _save(engine, session, position, models.SKIP, None, None, key, language)


def undo(engine: Engine, session: str, key: str) -> Saved | None:
    """Takes back the last thing that was saved and not yet taken back, by a revision that says what was said before.

    Returns:
        Where that was; None if there is nothing to take back.

    Raises:
        RatingsError: no session, or the study is not open.
    """
    _check_key(key)

    def work(database: Session) -> Saved | None:
        rater, study = _who(database, session)
        _check_open(study)
        connection = database.connection()
        # One at a time for one artist, as saving is for one task.
        database.scalar(select(models.Rater.id).filter_by(id=rater.id).with_for_update())
        marks = database.scalars(select(models.Mark).filter_by(rater_id=rater.id).order_by(models.Mark.id)).all()
        undone = set()
        for mark in marks:
            if mark.key.startswith("undo:"):
                _, number, of = mark.key.split(":")
                undone.add(int(number))
                if of == key:
                    task = database.get(models.Task, mark.task_id)
                    return _saved(connection, _where(database, session, task.position), mark, task.state)
        last = [mark for mark in marks if not mark.key.startswith("undo:") and mark.id not in undone]
        if not last:
            return None
        at = _where(database, session, database.get(models.Task, last[-1].task_id).position)
        of_task = connection.execute(_MARKS, {"task": at.id, "of": rater.id, "k": ""}).all()
        of_field = [mark for mark in of_task if mark.field == last[-1].field]
        before = next((mark for mark in of_field if mark.revision == last[-1].revision - 1), None)
        value, text = (before.value, before.text) if before else (None, None)
        language = last[-1].language
        return _append(connection, at, of_task, last[-1].field, value, text, f"undo:{last[-1].id}:{key}", language)

    return transact(engine, work)


def feedback(engine: Engine, session: str, position: int) -> Feedback:
    """What a calibration item should get. Raises RatingsError: it is none, or not scored or skipped yet."""

    def work(database: Session) -> Feedback:
        rater, _ = _who(database, session)
        task = _task(database, rater, position)
        item = database.get(models.Item, task.item_id)
        if item.expected is None or task.state == "open":
            raise RatingsError("task", "There is no feedback to this one, or not before it is scored.")
        latest = _latest(database, task)
        given = {axis: latest[axis].value for axis in item.axes if axis in latest and latest[axis].value is not None}
        return Feedback({axis: item.expected["scores"][axis] for axis in item.axes}, given, item.expected["why"])

    return read(engine, work)


def finish(engine: Engine, session: str) -> Progress:
    """Says that the artist is done. Raises RatingsError: no session, or tasks are still open."""

    def work(database: Session) -> Progress:
        rater, study = _who(database, session)
        if left := _counts(database, rater).get("open", 0):
            raise RatingsError("nothing", f"{left} are still open. Score them, or skip them with a reason.")
        rater.finished_at = rater.finished_at or datetime.now(UTC)
        return _progress(database, rater, study)

    return transact(engine, work)


def delete_my_data(engine: Engine, session: str) -> int:
    """Deletes the artist with everything that he or she gave, at once and for good, whatever the study's status.

    Returns:
        How many marks, with their revisions, went.

    Raises:
        RatingsError: no session.
    """
    return transact(engine, lambda database: remove_rater(database, _who(database, session)[0]))


# Who and what


def _who(database: Session, token: str) -> tuple[models.Rater, models.Study]:
    found = database.execute(
        select(models.Rater, models.Study, models.Session.expires_at)
        .join(models.Session, models.Session.rater_id == models.Rater.id)
        .join(models.Study, models.Study.id == models.Rater.study_id)
        .where(models.Session.token_hash == hash_token(token if isinstance(token, str) else ""))
    ).first()
    if found is None or found[2] <= datetime.now(UTC):
        raise RatingsError("session", "You are not signed in here any more. Open your link or enter your resume code.")
    return found[0], found[1]


def _task(database: Session, rater: models.Rater, position: int) -> models.Task:
    query = select(models.Task).filter_by(rater_id=rater.id, position=position)
    found = database.scalar(query) if type(position) is int and 0 < position < 2**31 else None
    if found is None:
        raise RatingsError("task", "There is no such place in your list.")
    return found


def _check_open(study: models.Study) -> None:
    if study.status != "open":
        raise RatingsError(*_NOT_OPEN[study.status])


def _check_key(key: str) -> None:
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise RatingsError("key", "This saving has no key of its own. Load the page again.")


def _text(text: str, what: str) -> str:
    if not isinstance(text, str):
        raise RatingsError("text", f"The {what} is no text.")
    # PostgreSQL takes no NUL, no database takes half a surrogate pair, and nobody sees the other controls.
    kept = [c for c in text.replace("\r\n", "\n") if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs")]
    text = unicodedata.normalize("NFC", "".join(kept)).strip()
    if len(text) > LONGEST_TEXT:
        raise RatingsError("text", f"The {what} has {len(text)} letters; {LONGEST_TEXT} are allowed.")
    return text


def _one_line(text: str, what: str, longest: int) -> str:
    text = " ".join("".join(c for c in _text(text, what) if unicodedata.category(c) != "Cf").split())
    if len(text) > longest:
        raise RatingsError(what, f"The {what} has {len(text)} letters; {longest} are allowed.")
    return text


def _suggested(taken: set[str]) -> str:
    names = [f"{colour} {bird}" for colour in _COLOURS.split() for bird in _BIRDS.split()]
    free = [name for name in names if name.casefold() not in taken]
    return secrets.choice(free) if free else f"{secrets.choice(names)} {secrets.randbelow(10**6)}"


def _add_session(database: Session, rater: models.Rater, token: str, now: datetime) -> None:
    database.add(
        models.Session(rater_id=rater.id, token_hash=hash_token(token), created_at=now, expires_at=now + SESSION_LASTS)
    )


# Dealing tasks


#: The item and the answers, one or two, that a place shows.
_Shown = tuple[int, tuple[int, ...]]


def _places(database: Session, study: models.Study, number: int) -> list[_Shown]:
    """What the artist of that number would rate in that order, if all were to be rated."""
    items = database.scalars(
        select(models.Item.id)
        .where(models.Item.study_id == study.id, models.Item.expected.is_(None))
        .order_by(models.Item.id)
    ).all()
    systems = database.scalars(select(models.System.id).filter_by(study_id=study.id).order_by(models.System.id)).all()
    answers = {
        (item, system): answer
        for item, system, answer in database.execute(
            select(models.Answer.item_id, models.Answer.system_id, models.Answer.id)
            .join(models.Item)
            .where(models.Item.study_id == study.id)
        )
    }
    order = pair_order if study.mode == "pair" else scoring_order
    places: list[Place] = order(len(items), len(systems), number, study.seed)
    return [
        (items[item], tuple(answers.get((items[item], systems[system])) for system in shown)) for item, shown in places
    ]


def _still_needed(database: Session, study: models.Study, now: datetime) -> set[_Shown] | None:
    """The answers, or pairs in any order, that another artist is to rate; None for all of them."""
    if study.ratings_per_answer is None and study.answers_per_rater is None:
        return None
    task, rater = models.Task, models.Rater
    given: dict[frozenset, int] = {}
    tasks = database.execute(
        select(task.answer_id, task.other_answer_id, task.state, rater.last_seen_at)
        .join(rater, rater.id == task.rater_id)
        .where(rater.study_id == study.id, task.repeat_of.is_(None), task.answer_id.is_not(None))
    )
    for first, second, state, seen in tasks:
        # Whoever has stopped coming holds nothing up; if they come back, an answer has one rating more.
        if state == "done" or state == "open" and now - seen <= STALLED_AFTER:
            pair = frozenset({first, second} - {None})
            given[pair] = given.get(pair, 0) + 1
    units = dict.fromkeys((item, tuple(sorted(shown))) for item, shown in _places(database, study, 0))
    wanted = study.ratings_per_answer
    open_units = [unit for unit in units if wanted is None or given.get(frozenset(unit[1]), 0) < wanted]
    if not open_units:
        raise RatingsError("full", "This study has all the ratings it needs. Thank you for coming.")
    open_units.sort(key=lambda unit: given.get(frozenset(unit[1]), 0))
    return set(open_units[: study.answers_per_rater])


def _deal(database: Session, study: models.Study, rater: models.Rater, wanted: set[_Shown] | None) -> None:
    position = 0

    def add(item: int, shown: tuple[int, ...] = (), repeat_of: int | None = None) -> models.Task:
        nonlocal position
        position += 1
        first, second = (*shown, None, None)[:2]
        task = models.Task(
            rater_id=rater.id,
            position=position,
            item_id=item,
            answer_id=first,
            other_answer_id=second,
            repeat_of=repeat_of,
            state="open",
        )
        database.add(task)
        return task

    calibration = select(models.Item.id).where(models.Item.study_id == study.id, models.Item.expected.is_not(None))
    for item in database.scalars(calibration.order_by(models.Item.id)):
        add(item)
    places = [
        (item, shown)
        for item, shown in _places(database, study, rater.number)
        if wanted is None or (item, tuple(sorted(shown))) in wanted
    ]
    tasks = [add(item, shown) for item, shown in places]
    database.flush()
    for index in repeated(places, study.repeats, rater.number, study.seed):
        item, shown = places[index]
        add(item, shown[::-1], tasks[index].id)  # of a pair, the sides are changed
    database.flush()


# Showing and saving


def _latest(database: Session, task: models.Task) -> dict[str, models.Mark]:
    """By field, what counts now."""
    marks = database.scalars(select(models.Mark).filter_by(task_id=task.id).order_by(models.Mark.revision))
    return {mark.field: mark for mark in marks}


def state_of(fields: list[str], latest: Mapping[str, models.Mark | Row]) -> str:
    """Whether a task is open, done or skipped; of a score and a skipping, the later one holds."""
    given = [
        latest[name] for name in fields if name in latest and (latest[name].value, latest[name].text) != (None, None)
    ]
    skipped = latest.get(models.SKIP)
    if skipped is not None and skipped.text is not None and all(mark.id < skipped.id for mark in given):
        return "skipped"
    return "done" if len(given) == len(fields) else "open"


def _counts(database: Session, rater: models.Rater) -> dict[str, int]:
    query = select(models.Task.state, func.count()).filter_by(rater_id=rater.id).group_by(models.Task.state)
    return {state: count for state, count in database.execute(query)}


def _progress(database: Session, rater: models.Rater, study: models.Study) -> Progress:
    query = select(models.Task.state).filter_by(rater_id=rater.id).order_by(models.Task.position)
    states = tuple(database.scalars(query))
    done, skipped, finished = states.count("done"), states.count("skipped"), rater.finished_at is not None
    return Progress(study.title, rater.pseudonym, done, skipped, len(states), finished, study.status, states)


def _shown(database: Session, rater: models.Rater, study: models.Study, task: models.Task) -> Task:
    now = datetime.now(UTC)
    task.shown_at = task.shown_at or now
    rater.last_seen_at = max(rater.last_seen_at, now)
    item = database.get(models.Item, task.item_id)
    latest, rubrics = _latest(database, task), rubrics_of(study)

    def dialogue(answer_id: int) -> tuple[tuple[str, str], ...]:
        return tuple(zip(item.rounds, database.get(models.Answer, answer_id).texts, strict=True))

    given = tuple(zip(item.rounds, item.expected["answers"], strict=True)) if item.expected else None
    return Task(
        position=task.position,
        total=sum(_counts(database, rater).values()),
        calibration=item.expected is not None,
        mode="pair" if task.other_answer_id is not None else "score",
        dialogue=given or dialogue(task.answer_id),
        other=None if task.other_answer_id is None else dialogue(task.other_answer_id),
        rubrics=tuple(rubrics[axis] for axis in item.axes),
        scores={a: latest[a].value for a in item.axes if a in latest and latest[a].value is not None},
        better=latest[models.BETTER].text if models.BETTER in latest else None,
        comment=(latest[models.COMMENT].text or "") if models.COMMENT in latest else "",
        skipped=latest[models.SKIP].text if task.state == "skipped" else None,
        state=task.state,
    )


# One saving is few statements, since everybody waits for everybody's: they are made once, and their rows are plain.

_mark, _rater, _all_tasks = models.Mark.__table__, models.Rater.__table__, models.Task.__table__
_WHERE = (
    select(
        models.Task.id,
        models.Task.position,
        models.Task.rater_id,
        models.Task.other_answer_id,
        models.Item.axes,
        models.Rater.finished_at,
        models.Study.status,
        models.Session.expires_at,
    )
    .join(models.Rater, models.Rater.id == models.Task.rater_id)
    .join(models.Session, models.Session.rater_id == models.Rater.id)
    .join(models.Study, models.Study.id == models.Rater.study_id)
    .join(models.Item, models.Item.id == models.Task.item_id)
    .where(models.Session.token_hash == bindparam("token"), models.Task.position == bindparam("place"))
    .with_for_update(of=models.Task)  # one saving at a time for one task
)
_MARKS = (
    select(_mark)
    .where(
        (_mark.c.task_id == bindparam("task")) | (_mark.c.rater_id == bindparam("of")) & (_mark.c.key == bindparam("k"))
    )
    .order_by(_mark.c.revision)
)
_SET_STATE = update(_all_tasks).where(_all_tasks.c.id == bindparam("task")).values(state=bindparam("new"))
_SET_SEEN = (
    update(_rater)
    .where(_rater.c.id == bindparam("of"), _rater.c.last_seen_at < bindparam("now"))
    .values(last_seen_at=bindparam("now"))
)
_SET_UNFINISHED = update(_rater).where(_rater.c.id == bindparam("of")).values(finished_at=None)
_COUNTS = (
    select(_all_tasks.c.state, func.count())
    .where(_all_tasks.c.rater_id == bindparam("of"))
    .group_by(_all_tasks.c.state)
)


def _save(
    engine: Engine,
    session: str,
    position: int,
    field: str,
    value: int | None,
    text: str | None,
    key: str,
    language: str | None,
) -> Saved:
    _check_key(key)

    def work(database: Session) -> Saved:
        connection = database.connection()
        at = _where(database, session, position)
        marks = connection.execute(_MARKS, {"task": at.id, "of": at.rater_id, "k": key}).all()
        before = next((mark for mark in marks if mark.key == key), None)
        if before is not None:
            if (before.task_id, before.field, before.value, before.text) != (at.id, field, value, text):
                raise RatingsError("key", "This key was used for something else. Load the page again.")
            return _saved(connection, at, before, state_of(_fields(at), {mark.field: mark for mark in marks}))
        if at.status != "open":
            raise RatingsError(*_NOT_OPEN[at.status])
        # A score goes to an axis, a choice to a pair, and neither to where a comment is kept.
        if field not in _fields(at) if field not in (models.COMMENT, models.SKIP) else value is not None:
            raise RatingsError("field", f"This one is not scored on that; it is on: {', '.join(_fields(at))}.")
        return _append(connection, at, marks, field, value, text, key, language)

    return transact_together(engine, work)


def _where(database: Session, session: str, position: int) -> Row:
    """A task of the session's artist, with what saving needs to know, locked until the transaction ends."""
    is_place = type(position) is int and 0 < position < 2**31
    found = (
        database.connection()
        .execute(
            _WHERE,
            {"token": hash_token(session if isinstance(session, str) else ""), "place": position if is_place else 0},
        )
        .first()
    )
    if found is None or found.expires_at <= datetime.now(UTC):
        rater, _ = _who(database, session)
        _task(database, rater, position)  # one of the two says what is wrong
    return found


def _fields(at: Row) -> list[str]:
    """What has to be said for the task to be done."""
    return [models.BETTER] if at.other_answer_id is not None else list(at.axes)


def _append(
    connection: Connection,
    at: Row,
    marks: Sequence[Row],
    field: str,
    value: int | None,
    text: str | None,
    key: str,
    language: str | None,
) -> Saved:
    """Args: marks: what was said about the task so far, by revision."""
    latest: dict[str, models.Mark | Row] = {mark.field: mark for mark in marks}
    before, now = latest.get(field), datetime.now(UTC)
    mark = models.Mark(
        rater_id=at.rater_id,
        task_id=at.id,
        field=field,
        revision=before.revision + 1 if before else 1,
        value=value,
        text=text,
        key=key,
        created_at=max(now, before.created_at) if before else now,  # a clock may be set back
        language=language,
    )
    values = {column.name: getattr(mark, column.name) for column in _mark.c if column.name != "id"}
    mark.id = connection.execute(insert(_mark), values).inserted_primary_key[0]
    state = state_of(_fields(at), latest | {field: mark})
    connection.execute(_SET_STATE, {"task": at.id, "new": state})
    connection.execute(_SET_SEEN, {"of": at.rater_id, "now": now})
    if state == "open" and at.finished_at is not None:
        connection.execute(_SET_UNFINISHED, {"of": at.rater_id})
    return _saved(connection, at, mark, state)


def _saved(connection: Connection, at: Row, mark: models.Mark | Row, state: str) -> Saved:
    counts = dict(connection.execute(_COUNTS, {"of": at.rater_id}).all())
    return Saved(mark.created_at, at.position, mark.revision, state, counts.get("done", 0), sum(counts.values()))
