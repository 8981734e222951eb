"""The rating pages as routes of the app: /rate/ for artists, /organise/ for whoever has the key.

And what the app does about ratings without being asked: it deletes what a study said would not be kept any longer.
"""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine
from starlette.routing import Mount

from artgpt4.backup import data_folder
from artgpt4.ratings.database import URL, open_database
from artgpt4.ratings.errors import StorageError
from artgpt4.ratings.organise import delete_what_is_due
from artgpt4.ui.artist import artist_app
from artgpt4.ui.organiser import organiser_app

DAY = timedelta(days=1).total_seconds()

_log = logging.getLogger(__name__)


def rating_routes(
    key: str,
    model: str,
    examples: Sequence[Path] = (),
    loaded: Future | None = None,
    generate: Callable | None = None,
) -> list[Mount]:
    """The routes. The database is opened when first needed: an app that nobody rates in needs no place to write.

    Args: as of `organiser_app`.
    """
    opening, opened = threading.Lock(), []

    def database() -> Engine:
        with opening:
            if not opened:
                opened.append(open_database())
        return opened[0]

    return [
        Mount("/rate", artist_app(database)),
        Mount("/organise", organiser_app(database, key, model, examples, loaded, generate)),
    ]


def start_deleting() -> threading.Thread:
    """Starts a thread that keeps `keep_days`: see `delete_daily`. It ends with the app."""
    thread = threading.Thread(target=delete_daily, args=(threading.Event().wait,), name="retention", daemon=True)
    thread.start()
    return thread


def delete_daily(pause: Callable[[float], bool], now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """Deletes what artists gave to studies whose time is over, now and once a day. Makes no database where none is.

    Args:
        pause: waits so many seconds; True ends it.
        now: the time.
    """
    while True:
        try:
            # One is opened each time: it is once a day, and somebody may have made the first study meanwhile.
            if os.environ.get(URL) or (data_folder() / "ratings.sqlite3").exists():
                engine = open_database()
                try:
                    if count := delete_what_is_due(engine, now()):
                        _log.warning("What %s artists gave was deleted: their studies keep it no longer", count)
                finally:
                    engine.dispose()
        except StorageError as error:  # tomorrow is another day
            _log.error("What studies keep no longer could not be deleted: %s", error)
        if pause(DAY):
            return
