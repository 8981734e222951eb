"""The rating pages as routes of the app: /rate/ for artists, /organise/ for whoever has the key."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

from sqlalchemy import Engine
from starlette.routing import Mount

from artgpt4.ratings.database import open_database
from artgpt4.ui.artist import artist_app
from artgpt4.ui.organiser import organiser_app


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
