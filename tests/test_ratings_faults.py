"""What happens to a score when the process is killed, the disk is full, the database busy, unwritable or gone."""

import ctypes
import os
import resource
import shutil
import sqlite3
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from ratings_study import key, opened, postgresql, rate_all
from sqlalchemy import event, func, select, text

from artgpt4.ratings import database, models, organise, rate
from artgpt4.ratings.database import _groups, backup, open_database, read, transact, transact_together
from artgpt4.ratings.errors import StorageError
from benchmarks.ratings import killings


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/ratings.sqlite3"


@pytest.fixture
def engine(url):
    engine = open_database(url, busy_seconds=0.2)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def server():
    folder = Path(tempfile.mkdtemp(prefix="artgpt4"))
    server = postgresql(folder)
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder)


@pytest.fixture
def postgresql_engine(server):
    engine = open_database(server)
    yield engine
    transact(engine, lambda session: session.execute(models.Study.__table__.delete()))
    engine.dispose()


def marks(engine):
    return read(engine, lambda session: session.scalars(select(models.Mark).order_by(models.Mark.id)).all())


def storage_error(work, *arguments):
    with pytest.raises(StorageError) as caught:
        work(*arguments)
    assert str(caught.value).startswith("Not saved.")
    return caught.value.code


def test_a_process_killed_at_any_step_loses_no_acknowledged_score_and_doubles_none(url):
    killed, told = killings(url, 40)  # 500 are in benchmarks.ratings
    assert killed == 40 and told >= 40


@pytest.fixture
def held(engine, eventually):
    """Lets what is done in `with held(n):` wait until n saves do, so that they share one transaction."""

    @contextmanager
    def held(count):
        gate = threading.Event()
        first = threading.Thread(target=transact_together, args=(engine, lambda session: gate.wait(60)))
        first.start()
        eventually(lambda: engine in _groups and _groups[engine].turn.locked() and not _groups[engine].waiting)
        yield
        eventually(lambda: len(_groups[engine].waiting) == count)
        gate.set()
        first.join()

    return held


def test_saves_that_wait_at_the_same_time_share_a_commit_and_a_refused_one_harms_no_other(engine, tmp_path, held):
    _, link = opened(engine, tmp_path)
    sessions = [rate.enter(engine, link, "", True).session for _ in range(5)]
    commits = []
    event.listen(engine, "commit", commits.append)
    axes = ["IDC", "ISAC", "BEAUTY", "ICRC", "IDC"]
    with ThreadPoolExecutor(5) as artists:
        with held(5):
            saves = [
                artists.submit(rate.save_score, engine, session, 1, axis, 4, key())
                for session, axis in zip(sessions, axes, strict=True)
            ]
        refused = saves.pop(2)
        assert refused.exception().code == "field" and [save.result().revision for save in saves] == [1] * 4
    assert len(commits) == 1
    assert [mark.field for mark in marks(engine)].count("IDC") == 2 and len(marks(engine)) == 4


def test_what_the_database_refuses_of_one_waiting_save_harms_no_other(engine, tmp_path, held, monkeypatch):
    _, link = opened(engine, tmp_path)
    session, another = (rate.enter(engine, link, "", True).session for _ in range(2))
    monkeypatch.setattr(database, "ATTEMPTS", 2)

    def refused(session):
        session.execute(text("UPDATE task SET state = 'lost'"))

    with ThreadPoolExecutor(3) as artists:
        with held(3):
            first = artists.submit(rate.save_score, engine, session, 1, "IDC", 4, key())
            wrong = artists.submit(transact_together, engine, refused)
            last = artists.submit(rate.save_score, engine, another, 1, "IDC", 5, key())
        assert wrong.exception().code == "other" and first.result().revision == last.result().revision == 1
    assert sorted(mark.value for mark in marks(engine)) == [4, 5]


def test_a_disk_that_takes_no_more_is_said_and_loses_nothing(engine, tmp_path):
    """A limit on the size of files, at which the system refuses to write as on a full disk."""
    _, link = opened(engine, tmp_path)
    session, tap = rate.enter(engine, link, "", True).session, key()
    rate.save_score(engine, session, 1, "IDC", 4, key())
    limit = 50_000 + max(path.stat().st_size for path in tmp_path.glob("ratings.sqlite3*"))
    engine.dispose()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            for number in range(1000):
                rate.save_comment(engine, session, 2, f"{number} {'x' * 1000}", tap if number == 0 else key())
                os.write(writing, b"saved ")
        except StorageError as error:
            os.write(writing, f"{error.code} {error}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        saved, _, refusal = said.read().rpartition("saved ")
    os.waitpid(child, 0)
    count = saved.count("saved") + 1
    assert refusal.startswith("disk Not saved. The disk did not take it") and 1 < count < 1000
    again = open_database(str(engine.url))  # which checks it
    kept = [mark for mark in marks(again) if mark.field == "comment"]
    assert [mark.revision for mark in kept] == list(range(1, count + 1)) and kept[0].key == tap
    assert rate.save_comment(again, session, 2, "room again", key()).revision == count + 1
    assert rate.task(again, session, 1).scores == {"IDC": 4}


def test_a_full_disk_is_said_and_loses_nothing(engine, tmp_path):
    _, link = opened(engine, tmp_path)
    session = rate.enter(engine, link, "", True).session
    rate.save_score(engine, session, 1, "IDC", 4, key())
    pages = engine.connect().exec_driver_sql("PRAGMA page_count").scalar()
    event.listen(engine, "connect", lambda connection, _: connection.execute(f"PRAGMA max_page_count={pages + 2}"))
    engine.dispose()
    saved = []
    with pytest.raises(StorageError, match="disk is full") as caught:
        for _ in range(100):
            tap = key()
            rate.save_comment(engine, session, 2, "x" * 4000, tap)
            saved.append(tap)
    assert caught.value.code == "full"
    assert [mark.key for mark in marks(engine) if mark.field == "comment"] == saved
    assert rate.task(open_database(str(engine.url)), session, 1).scores == {"IDC": 4}
    with_room = open_database(str(engine.url))
    assert rate.save_comment(with_room, session, 2, "x" * 4000, tap).revision == len(saved) + 1


def test_a_locked_database_is_said_and_the_same_tap_is_saved_afterwards(engine, tmp_path):
    _, link = opened(engine, tmp_path)
    session, tap = rate.enter(engine, link, "", True).session, key()
    other = sqlite3.connect(tmp_path / "ratings.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert storage_error(rate.save_score, engine, session, 1, "IDC", 4, tap) == "locked"
    assert rate.progress(engine, session).done == 0  # reading goes on
    other.execute("ROLLBACK")
    assert rate.save_score(engine, session, 1, "IDC", 4, tap).revision == 1
    assert [mark.value for mark in marks(engine)] == [4]


def test_a_read_only_folder_is_said(tmp_path):
    folder = Path(tempfile.mkdtemp(prefix="artgpt4"))  # pytest's own folders let nobody else in
    url = f"sqlite:///{folder}/ratings.sqlite3"
    engine = open_database(url)
    _, link = opened(engine, tmp_path)
    session = rate.enter(engine, link, "", True).session
    engine.dispose()
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        if os.geteuid() == 0:  # whom rights do not bind: look at files as somebody else
            ctypes.CDLL(None).setfsuid(65534)
        try:
            rate.save_score(engine, session, 1, "IDC", 4, key())
            os.write(writing, b"saved")
        except StorageError as error:
            os.write(writing, error.code.encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    assert os.read(reading, 100) == b"read_only"
    folder.chmod(0o755)
    for path in folder.iterdir():
        path.chmod(0o644)
    assert rate.save_score(open_database(url), session, 1, "IDC", 4, key()).revision == 1
    shutil.rmtree(folder)


def test_a_clock_set_back_changes_neither_what_counts_nor_the_order_of_times(engine, tmp_path, monkeypatch):
    class Yesterday(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) - timedelta(days=1)

    _, link = opened(engine, tmp_path)
    session = rate.enter(engine, link, "", True).session
    first = rate.save_score(engine, session, 1, "IDC", 4, key())
    monkeypatch.setattr(rate, "datetime", Yesterday)
    second = rate.save_score(engine, session, 1, "IDC", 2, key())
    assert (second.revision, rate.task(engine, session, 1).scores) == (2, {"IDC": 2})
    assert second.at >= first.at


def test_a_damaged_database_is_not_opened_and_a_backup_of_it_is(engine, url, tmp_path):
    study, link = opened(engine, tmp_path)
    session = rate.enter(engine, link, "", True).session
    rate_all(engine, session)
    copy = backup(engine, tmp_path / "copy.sqlite3")
    engine.dispose()
    path = tmp_path / "ratings.sqlite3"
    content = bytearray(path.read_bytes())
    content[4096 : len(content) // 2] = b"\xa5" * (len(content) // 2 - 4096)
    path.write_bytes(content)
    with pytest.raises(StorageError) as caught:
        open_database(url)
    assert caught.value.code == "damaged" and path.read_bytes() == content
    again = open_database(f"sqlite:///{copy}")
    assert organise.status(again, study).scores == 24 and rate.next_task(again, session) is None


def test_a_backup_made_while_artists_save_is_whole(engine, url, tmp_path):
    _, link = opened(engine, tmp_path)
    session, stop = rate.enter(engine, link, "", True).session, threading.Event()

    def save():
        while not stop.is_set():
            rate.save_score(engine, session, 1, "IDC", 4, key())

    thread = threading.Thread(target=save)
    thread.start()
    before = len(marks(engine))
    copy = backup(engine, tmp_path / "copy.sqlite3")
    stop.set()
    thread.join()
    revisions = [mark.revision for mark in marks(open_database(f"sqlite:///{copy}"))]
    assert revisions == list(range(1, len(revisions) + 1)) and before <= len(revisions) <= len(marks(engine))


def test_a_database_of_a_newer_version_is_left_alone(engine, url):
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StorageError) as caught:
        open_database(url)
    assert caught.value.code == "newer"


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "sqlite://", "postgresql://u@127.0.0.1:9/none"])
def test_an_address_of_no_database_is_one_clear_error(url):
    with pytest.raises(StorageError):
        open_database(url)


def test_the_tables_are_those_that_the_migrations_make(engine, postgresql_engine):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    for either in (engine, postgresql_engine):
        with either.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), models.Base.metadata) == []


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request):
    return request.getfixturevalue("engine" if request.param == "sqlite" else "postgresql_engine")


def test_artists_and_tabs_at_once_lose_no_update(either, tmp_path):
    study, link = opened(either, tmp_path)
    entered, errors = [], []

    def artist(number):
        try:
            session = rate.enter(either, link, f"artist {number}", True).session
            entered.append(session)

            def tab():
                try:
                    for value in range(6):
                        rate.save_score(either, session, 1, "IDC", value, key())
                except Exception as error:
                    errors.append(error)

            tabs = [threading.Thread(target=tab) for _ in range(2)]
            for thread in tabs:
                thread.start()
            for thread in tabs:
                thread.join()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=artist, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [] and len(entered) == 4
    by_task = {}
    for mark in marks(either):
        by_task.setdefault(mark.task_id, []).append(mark)
    assert len(by_task) == 4
    for of_task in by_task.values():
        assert sorted(mark.revision for mark in of_task) == list(range(1, 13))
        assert Counter(mark.value for mark in of_task) == dict.fromkeys(range(6), 2)
    numbers = read(either, lambda session: session.scalars(select(models.Rater.number)).all())
    assert sorted(numbers) == [0, 1, 2, 3]


def test_a_connection_dropped_at_any_statement_loses_and_doubles_nothing(postgresql_engine, server, tmp_path):
    _, link = opened(postgresql_engine, tmp_path)
    session = rate.enter(postgresql_engine, link, "", True).session
    count = 0

    def drop(connection, cursor, *_):
        nonlocal count
        count += 1
        if count == at:
            with psycopg.connect(server, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", (cursor.connection.info.backend_pid,))

    event.listen(postgresql_engine, "before_cursor_execute", drop)
    at = reached = 0
    while reached >= at:  # until there is no such statement
        at += 1
        count = 0
        tap = key()
        assert rate.save_score(postgresql_engine, session, 1, "IDC", at % 6, tap).revision == at
        assert rate.save_score(postgresql_engine, session, 1, "IDC", at % 6, tap).revision == at
        reached = count
        if at == 12:
            break
    assert at > 5
    assert [mark.value for mark in marks(postgresql_engine)] == [number % 6 for number in range(1, at + 1)]


def test_a_commit_whose_acknowledgement_is_lost_is_not_doubled(postgresql_engine, tmp_path, monkeypatch):
    _, link = opened(postgresql_engine, tmp_path)
    session = rate.enter(postgresql_engine, link, "", True).session
    dialect = postgresql_engine.dialect
    commit, lost = dialect.do_commit, []

    def do_commit(connection):
        commit(connection)
        if not lost:
            lost.append(True)
            connection.dbapi_connection.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(dialect, "do_commit", do_commit)
    assert rate.save_score(postgresql_engine, session, 1, "IDC", 4, key()).revision == 1
    assert lost and [mark.value for mark in marks(postgresql_engine)] == [4]


def test_a_database_that_is_gone_is_said(postgresql_engine, tmp_path, monkeypatch):
    _, link = opened(postgresql_engine, tmp_path)
    session = rate.enter(postgresql_engine, link, "", True).session

    def refuse(*arguments, **more):
        raise psycopg.OperationalError("connection refused")

    postgresql_engine.dispose()
    monkeypatch.setattr(postgresql_engine.dialect, "connect", refuse)
    assert storage_error(rate.save_score, postgresql_engine, session, 1, "IDC", 4, key()) == "connection"
    monkeypatch.undo()
    assert read(postgresql_engine, lambda s: s.scalar(select(func.count()).select_from(models.Mark))) == 0
