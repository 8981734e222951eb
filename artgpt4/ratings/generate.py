"""The systems' answers, made before the study opens: resumable, and one that fails loses none of the others."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from artgpt4.images import open_picture
from artgpt4.ratings import models
from artgpt4.ratings.database import read
from artgpt4.ratings.errors import RatingsError
from artgpt4.ratings.organise import item_picture, set_answer, study_of


@dataclass(frozen=True)
class Generated:
    """How many answers there are now that were not there before, and how many failed again or anew."""

    written: int
    failed: int


def generate_answers(
    engine: Engine,
    study_id: int,
    progress: Callable[[int, int], None] | None = None,
    open_system: Callable[[dict], object] | None = None,
    lock: AbstractContextManager | None = None,
) -> Generated:
    """Makes every answer that is not there; each is kept as soon as it is made.

    Args:
        progress: told after each answer how many of how many are done.
        open_system: makes a system with `answer(pictures, rounds)` and `about()` from a `SystemSpec` as a dict; by
            default `open_study_system`.
        lock: held while one answer is made, where a model is shared with others.

    Raises:
        RatingsError: no study.
    """
    missing = read(engine, lambda session: _missing(session, study_id))
    done = written = 0
    for system, how, items in missing:
        try:
            answering = (
                _Predictions(how["predictions"]) if how["predictions"] else (open_system or open_study_system)(how)
            )
        except Exception as error:  # whatever keeps this system from answering, the others are asked
            for item, _ in items:
                set_answer(engine, study_id, item, system, None, {}, error=_one_line(error))
                done += 1
                if progress:
                    progress(done, sum(len(of) for *_, of in missing))
            continue
        for item, rounds in items:
            try:
                with lock or nullcontext():
                    texts, about = _ask(answering, item, open_picture(item_picture(engine, study_id, item)), rounds)
                set_answer(engine, study_id, item, system, texts, about | {"prompt": rounds})
                written += 1
            except Exception as error:  # as above, for one answer
                set_answer(engine, study_id, item, system, None, {}, error=_one_line(error))
            done += 1
            if progress:
                progress(done, sum(len(of) for *_, of in missing))
    return Generated(written, done - written)


def open_study_system(how: dict):
    """The system that a `SystemSpec` names; without its adapter where it says so.

    Raises:
        SystemUnavailable: it cannot answer here.
        LoadError: its model cannot be loaded.
    """
    from artgpt4.evaluation.generate import OurModel
    from artgpt4.evaluation.systems import KEY, SystemUnavailable, open_system
    from artgpt4.loading import load, model_folders

    if how["adapter"]:
        return open_system(how["system"], how["model"], max_new_tokens=how["max_new_tokens"], url=how["url"])
    if how["system"] != "artgpt4":
        raise SystemUnavailable(
            f"adapter: false is for our models, not for {how['system']}; {KEY} is read for servers."
        )
    base, _ = model_folders(how["model"] or "mini")
    return OurModel(load(str(base)), how["max_new_tokens"])


class _Predictions:
    """A file of answers that were made elsewhere. Whatever a line says about them is their provenance."""

    def __init__(self, path: str):
        import json

        from artgpt4.evaluation.benchmarks import read_predictions

        self.name = Path(path).name
        self.predictions = {prediction.id: prediction for prediction in read_predictions(path)}
        lines = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]
        self.lines = {line["id"]: {k: v for k, v in line.items() if k not in ("id", "answers")} for line in lines}

    def of(self, item: str) -> tuple[list[str], dict]:
        found = self.predictions.get(item)
        if found is None or found.error is not None:
            raise RatingsError("answer", found.error if found else f"{self.name} has no line with the id {item!r}.")
        return list(found.answers), self.lines[item] | {"predictions": self.name}


def _ask(answering, item: str, picture, rounds: list[str]) -> tuple[list[str], dict]:
    if isinstance(answering, _Predictions):
        return answering.of(item)
    return answering.answer([picture], [rounds])[0], answering.about()


def _missing(session: Session, study_id: int) -> list[tuple[str, dict, list[tuple[str, list[str]]]]]:
    """Systems with the items that they have not answered, and those items' questions."""
    study_of(session, study_id)
    found = []
    for system in session.scalars(select(models.System).filter_by(study_id=study_id).order_by(models.System.id)):
        answered = select(models.Answer.item_id).where(
            models.Answer.system_id == system.id, models.Answer.texts.is_not(None)
        )
        items = select(models.Item).where(
            models.Item.study_id == study_id, models.Item.expected.is_(None), models.Item.id.not_in(answered)
        )
        of_system = [(item.name, item.rounds) for item in session.scalars(items.order_by(models.Item.id))]
        if of_system:
            found.append((system.name, system.how, of_system))
    return found


def _one_line(error: Exception) -> str:
    return " ".join(f"{error}".split())[:500] or type(error).__name__
