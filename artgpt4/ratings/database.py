"""One database: SQLite by default, PostgreSQL for several app processes. Brought up to date whenever it is opened.

SQLite runs in WAL with synchronous FULL: what is committed has reached the disk, and a killed process loses nothing.
Every change goes through `transact`, so it is whole or not there.
"""

import os
import random
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import nullcontext
from pathlib import Path
from typing import TypeVar
from weakref import WeakKeyDictionary

import alembic.command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from artgpt4.backup import data_folder
from artgpt4.ratings.errors import RatingsError, StorageError
from artgpt4.turns import FairLock

URL = "ARTGPT4_DATABASE_URL"

#: How often a transaction is tried when another one came first or the connection was lost under it.
ATTEMPTS = 8

#: The same number in every process: who holds this lock in PostgreSQL brings the tables up to date.
_MIGRATION_LOCK = 0x41475034

#: SQLite has one writer at a time, and its own waiting is by sleeping, in which some threads starve.
_turn = FairLock()

T = TypeVar("T")


class _Group:
    """Who waits to write to one database, and whose turn it is to write for all of them."""

    def __init__(self):
        self.waiting: deque[tuple[Callable[[Session], object], Future]] = deque()
        self.turn = FairLock()


_groups: WeakKeyDictionary[Engine, _Group] = WeakKeyDictionary()
#: What stands for a result where the work has to be done in a transaction of its own.
_ALONE = object()


def open_database(url: str | None = None, busy_seconds: float = 5.0) -> Engine:
    """Opens the database, checks that it is sound, and brings its tables up to date; makes it if there is none.

    Args:
        url: SQLAlchemy's, `sqlite:///folder/file.sqlite3` or `postgresql://user:password@host/name`; by default what
            `ARTGPT4_DATABASE_URL` says, or `ratings.sqlite3` in `artgpt4.backup.data_folder()`.
        busy_seconds: how long SQLite waits while another process writes.

    Raises:
        StorageError: the address is none, or the database cannot be reached, is damaged, or was made by a newer
            version.
    """
    try:
        url = make_url(url or os.environ.get(URL) or f"sqlite:///{data_folder() / 'ratings.sqlite3'}")
        if url.drivername in ("postgres", "postgresql"):
            url = url.set(drivername="postgresql+psycopg")
        if url.get_backend_name() == "sqlite":
            engine = _sqlite(url, busy_seconds)
        elif url.get_backend_name() == "postgresql":
            engine = create_engine(url, pool_pre_ping=True, pool_size=20, max_overflow=20, hide_parameters=True)
        else:
            raise ArgumentError(f"{url.get_backend_name()} is neither sqlite nor postgresql")
    except (ArgumentError, NoSuchModuleError) as error:
        raise StorageError("other", f"{URL} does not name a database: {error}.") from error
    except OSError as error:
        raise StorageError("read_only", f"The folder of the database cannot be made: {error}.") from error
    try:
        _migrate(engine)
    except DBAPIError as error:
        engine.dispose()
        raise _storage_error(error) from error
    except CommandError as error:
        engine.dispose()
        raise StorageError(
            "newer",
            f"This database was made by a newer version of the app ({error}). Update the app, or open another one.",
        ) from error
    return engine


def transact(engine: Engine, work: Callable[[Session], T]) -> T:
    """Runs `work` in one transaction that writes, and commits it: when this returns, the disk has it.

    `work` is run again when another transaction was faster, or when the connection broke and nobody knows whether the
    commit arrived; it has to find what it has done already.

    Raises:
        StorageError: the database did not take it. Nothing of it was saved.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with nullcontext() if _is_pg(engine) else _turn:
                with Session(engine.execution_options(writes=True), expire_on_commit=False) as session, session.begin():
                    return work(session)
        except DBAPIError as error:
            if attempt == ATTEMPTS or not _may_pass(error):
                raise _storage_error(error) from error
            time.sleep(random.uniform(0, 0.02 * 2**attempt))  # two that ran into each other do so only once
    raise AssertionError("unreachable")


def transact_together(engine: Engine, work: Callable[[Session], T]) -> T:
    """As `transact`; on SQLite in one transaction with whoever else waits, so that the disk is waited for once for all.

    `work` refuses, by a RatingsError, before it changes anything: then it alone has failed. If anything else goes
    wrong, the transaction did not happen, and everybody's work is done in one of its own. PostgreSQL lets many write at
    once, and brings what they commit to the disk together by itself.

    Raises:
        RatingsError: what `work` raises.
        StorageError: the database did not take it. Nothing of it was saved.
    """
    if _is_pg(engine):
        return transact(engine, work)
    group, outcome = _groups.setdefault(engine, _Group()), Future()
    group.waiting.append((work, outcome))
    with group.turn:
        if not outcome.done():  # else it was done in somebody else's turn
            _do_all(engine, [group.waiting.popleft() for _ in range(len(group.waiting))])
    result = outcome.result()
    return transact(engine, work) if result is _ALONE else result


def _do_all(engine: Engine, all_waiting: list[tuple[Callable[[Session], object], Future]]) -> None:
    def work_of_all(session: Session) -> list[object]:
        results = []
        for work, _ in all_waiting:
            try:
                results.append(work(session))
            except RatingsError as error:
                results.append(error)
        return results

    results: list[object] = [_ALONE] * len(all_waiting)
    try:
        results = transact(engine, work_of_all)
    except StorageError as error:
        if error.code in ("locked", "read_only"):  # which holds for all of them
            results = [error] * len(all_waiting)
    finally:
        for (_, outcome), result in zip(all_waiting, results, strict=True):
            if isinstance(result, Exception):
                outcome.set_exception(result)
            else:
                outcome.set_result(result)


def read(engine: Engine, work: Callable[[Session], T]) -> T:
    """Runs `work` on one consistent state of the database. Raises StorageError."""
    for attempt in (1, 2):
        try:
            level = {"isolation_level": "REPEATABLE READ"} if _is_pg(engine) else {}  # SQLite's is so anyway
            with Session(engine.execution_options(**level)) as session:
                return work(session)
        except DBAPIError as error:
            if attempt == 2 or not error.connection_invalidated:
                raise _storage_error(error) from error
    raise AssertionError("unreachable")


def backup(engine: Engine, path: str | Path) -> Path:
    """Copies an SQLite database to a file of its own while it is in use. Raises StorageError.

    The copy is whole or not there: it is written beside `path` and moved.
    """
    if engine.dialect.name != "sqlite":
        raise StorageError("other", "This copies SQLite databases; of a PostgreSQL database make one with pg_dump.")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    growing = path.with_name(path.name + ".part")
    growing.unlink(missing_ok=True)
    try:
        with engine.connect() as connection:
            copy = sqlite3.connect(growing)
            try:
                connection.connection.driver_connection.backup(copy)
                copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a -wal beside it
            finally:
                copy.close()
    except sqlite3.Error as error:
        growing.unlink(missing_ok=True)
        raise _storage_error(OperationalError(None, None, error)) from error
    with growing.open("rb+") as file:
        os.fsync(file.fileno())
    growing.replace(path)
    return path


def _is_pg(engine: Engine) -> bool:
    return engine.dialect.name == "postgresql"


def _sqlite(url, busy_seconds: float) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise ArgumentError("name a file; a database in memory would lose everything")
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    # The connection that was used last knows the statements already.
    settings = {"pool_size": 20, "max_overflow": 30, "pool_use_lifo": True}
    engine = create_engine(url, connect_args={"timeout": busy_seconds}, **settings)

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # else the driver begins transactions when it thinks fit
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        # A transaction that reads first and writes then could find that it cannot: say so from the start.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _migrate(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    with engine.execution_options(writes=True).connect() as connection:
        with connection.begin():
            if _is_pg(engine):
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            else:
                found = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check(3)")]
                found += [f"{row[0]} points nowhere" for row in connection.exec_driver_sql("PRAGMA foreign_key_check")]
                if found != ["ok"]:
                    raise _damaged(found)
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")


def _damaged(found: list[str]) -> StorageError:
    return StorageError(
        "damaged", f"The database is damaged ({'; '.join(found[:3])}). Nothing was changed in it; restore a backup."
    )


def _may_pass(error: DBAPIError) -> bool:
    """Whether the same transaction may well succeed when it is tried again."""
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or isinstance(error, IntegrityError) or state in ("40001", "40P01")


_SQLITE = {
    "SQLITE_BUSY": "locked",
    "SQLITE_LOCKED": "locked",
    "SQLITE_FULL": "full",
    "SQLITE_READONLY": "read_only",
    "SQLITE_CANTOPEN": "read_only",
    "SQLITE_CORRUPT": "damaged",
    "SQLITE_NOTADB": "damaged",
    "SQLITE_IOERR": "disk",
}
_POSTGRESQL = {
    "53100": "full",
    "53200": "full",
    "25006": "read_only",
    "55P03": "locked",
    "57014": "locked",
    "58030": "disk",
}
_SENTENCES = {
    "locked": "The database is busy with something else just now. Try again in a moment.",
    "full": "The disk is full. Ask whoever runs this app to make room, then try again.",
    "disk": "The disk did not take it: a quota may be used up, or the disk failing. Ask whoever runs this app to look.",
    "read_only": "The folder of the database cannot be written to. Ask whoever runs this app to look at its rights.",
    "damaged": "The database is damaged. Ask whoever runs this app to restore a backup.",
    "connection": "The database cannot be reached just now. Try again in a moment.",
    "other": "The database refused this. Ask whoever runs this app to look at its log.",
}


def _storage_error(error: DBAPIError) -> StorageError:
    code = _POSTGRESQL.get(getattr(error.orig, "sqlstate", None) or "")
    name = getattr(error.orig, "sqlite_errorname", "")
    for prefix, sqlite_code in _SQLITE.items():
        if name.startswith(prefix):
            code = sqlite_code
    if code is None:
        broken = error.connection_invalidated or type(error.orig).__module__.startswith("psycopg")
        code = "connection" if broken and isinstance(error, OperationalError) else "other"
    return StorageError(code, f"Not saved. {_SENTENCES[code]}")
