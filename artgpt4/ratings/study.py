"""What a study is, as it is written in a YAML file; read whole, with every mistake in one message.

    title: What do the answers see?
    about: Jane Doe, University of X, compares two programs that describe pictures.
    consent: I am 18 or older, and my scores may be published under my pseudonym.
    rounds: ['Describe this picture in detail.', 'What does it make you feel?']
    items:
      - picture: pictures/storm.jpg
      - {name: market, picture: pictures/market.jpg, rounds: ['What is in this picture?'], axes: [ICRC]}
    systems:
      - {name: with, model: mini}
      - {name: without, model: mini, adapter: false}
      - {name: theirs, predictions: theirs.jsonl}
      - {name: artist, answers: {storm: [A harbour in a storm., Fear.], market: [Two women and a fish.]}}

and, where the defaults do not suit: mode (score or pair), rubrics, ratings_per_answer, answers_per_rater, repeats,
calibration, seed, keep_days.
"""

import dataclasses
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from artgpt4.evaluation.rubrics import RUBRICS, Rubric
from artgpt4.images import PictureError, open_picture

MODES = ("score", "pair")
_NAME = re.compile(r"[\w][\w .()+-]{0,79}")
_RESERVED = ("better", "comment", "skip", "total")


class StudyErrors(ValueError):
    """Every mistake in a study, in one message.

    Attributes:
        problems: one sentence each.
    """

    def __init__(self, problems: list[str]):
        super().__init__("\n".join(["This study cannot be made:", *(f"  - {problem}" for problem in problems)]))
        self.problems = problems


@dataclass(frozen=True)
class Item:
    """A picture and the questions that every system is asked about it.

    Attributes:
        name: unique in the study; by default the picture's file name.
        picture: the file, or its bytes.
        rounds: the questions.
        axes: those that its answers are scored on; empty for all of the study's.
    """

    name: str
    picture: str | Path | bytes
    rounds: tuple[str, ...]
    axes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Calibration(Item):
    """An item to begin with whose answers are given and whose scores are explained afterwards; counted nowhere.

    Attributes:
        answers: one for each question.
        scores: what it should get, by axis.
        why: the explanation.
    """

    answers: tuple[str, ...] = ()
    scores: dict[str, int] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True)
class SystemSpec:
    """What answers: a model (see `artgpt4.evaluation.systems`), a file of predictions, or people.

    Attributes:
        name: unique in the study. Raters never see it.
        system: of `artgpt4.evaluation.systems.SYSTEMS`.
        model: Hub id, folder or server's name; None for the system's own.
        adapter: False to leave the model's adapter off, which is the base.
        url: the server's, for a system behind one.
        max_new_tokens: length of each answer at most.
        predictions: JSONL, lines of {"id": item's name, "answers": [...]}.
        answers: texts by item, where a person has written them.
    """

    name: str
    system: str = "artgpt4"
    model: str | None = None
    adapter: bool = True
    url: str | None = None
    max_new_tokens: int = 300
    predictions: str | Path | None = None
    answers: dict[str, tuple[str, ...]] | None = None


@dataclass(frozen=True)
class StudySpec:
    """A study to be made.

    Attributes:
        title: as the artists read it.
        about: who is asking, and why.
        consent: what the artist agrees to.
        items: what is asked.
        systems: who answers.
        mode: `score` (every answer on every rubric) or `pair` (which of two answers is better).
        rubrics: the axes in their order; the four of the paper by default.
        ratings_per_answer: how many artists each answer (in pair mode: each pair) needs; None: all of them rate all.
        answers_per_rater: at most so many for one artist; None: no limit.
        repeats: so many are shown to each artist a second time, hidden among the last.
        calibration: shown first.
        seed: of all orders.
        keep_days: days after closing when everything the artists gave is deleted; None: never.
    """

    title: str
    about: str
    consent: str
    items: tuple[Item, ...]
    systems: tuple[SystemSpec, ...]
    mode: str = "score"
    rubrics: tuple[Rubric, ...] = tuple(RUBRICS.values())
    ratings_per_answer: int | None = None
    answers_per_rater: int | None = None
    repeats: int = 0
    calibration: tuple[Calibration, ...] = ()
    seed: int = 0
    keep_days: int | None = None

    def problems(self) -> list[str]:
        """What is wrong with it, one sentence each with the remedy; empty if nothing is. Opens every picture."""
        found = []
        for name in ("title", "about", "consent"):
            if not getattr(self, name).strip():
                found.append(f"{name} is empty; the artists read it before they begin")
        if len(self.title) > 200:
            found.append(f"title has {len(self.title)} letters; 200 are allowed")
        if self.mode not in MODES:
            found.append(f"mode is {self.mode!r}; it must be {' or '.join(MODES)}")
        if not self.items:
            found.append("items is empty; name at least one picture")
        needed = 2 if self.mode == "pair" else 1
        if len(self.systems) < needed:
            found.append(f"systems has {len(self.systems)}; this mode needs at least {needed}")
        for name, lowest in (("ratings_per_answer", 1), ("answers_per_rater", 1), ("repeats", 0), ("keep_days", 0)):
            value = getattr(self, name)
            if value is not None and value < lowest:
                found.append(f"{name} is {value}; it must be {lowest} or more")
        if not 0 <= self.seed < 2**31:
            found.append(f"seed is {self.seed}; it must be from 0 to 2147483647")
        axes = [rubric.axis for rubric in self.rubrics]
        if not axes:
            found.append(f"rubrics is empty; name some of {', '.join(RUBRICS)}, or write your own")
        for rubric in self.rubrics:
            if not re.fullmatch(r"\w[\w-]{0,29}", rubric.axis) or rubric.axis in _RESERVED:
                found.append(f"the axis {rubric.axis!r} is no name; take letters and digits, 30 at most, and none of "
                             f"{', '.join(_RESERVED)}")  # fmt: skip
            if len(rubric.levels) != 6:
                found.append(f"the rubric {rubric.axis} has {len(rubric.levels)} levels; six are needed, for 0 to 5")
        found += _twice("axis", axes)
        found += _twice("system", [system.name for system in self.systems])
        found += _twice("item", [item.name for item in (*self.items, *self.calibration)])
        for item in (*self.items, *self.calibration):
            found += [f"item {item.name!r}: {problem}" for problem in _item_problems(item, axes)]
        for system in self.systems:
            found += [f"system {system.name!r}: {problem}" for problem in self._system_problems(system)]
        return found

    def _system_problems(self, system: SystemSpec) -> list[str]:
        found = []
        if not _NAME.fullmatch(system.name):
            found.append("this is no name; take letters, digits, spaces and . ( ) + - _, 80 at most")
        if system.predictions and system.answers is not None:
            found.append("predictions and answers are both given; give one of them")
        if system.predictions and not Path(system.predictions).is_file():
            found.append(f"there is no file {system.predictions}")
        if system.max_new_tokens < 1:
            found.append(f"max_new_tokens is {system.max_new_tokens}; it must be 1 or more")
        if system.answers is not None:
            for item in self.items:
                given = system.answers.get(item.name, ())
                if len(given) != len(item.rounds) or not all(text.strip() for text in given):
                    found.append(f"item {item.name!r} needs {len(item.rounds)} answers, one for each question")
            found += [
                f"there is no item {name!r}" for name in system.answers if name not in {i.name for i in self.items}
            ]
        return found


def _item_problems(item: Item, axes: list[str]) -> list[str]:
    found = []
    if not _NAME.fullmatch(item.name):
        found.append("this is no name; take letters, digits, spaces and . ( ) + - _, 80 at most")
    if not item.rounds or not all(question.strip() for question in item.rounds):
        found.append("it needs at least one question in rounds, and none may be empty")
    found += [f"axis {axis!r} is not among the rubrics ({', '.join(axes)})" for axis in item.axes if axis not in axes]
    try:
        open_picture(item.picture)
    except PictureError as error:
        found.append(str(error))
    if isinstance(item, Calibration):
        if len(item.answers) != len(item.rounds):
            found.append(f"it has {len(item.rounds)} questions and {len(item.answers)} answers")
        for axis in item.axes or axes:
            if type(item.scores.get(axis)) is not int or not 0 <= item.scores[axis] <= 5:
                found.append(f"scores needs {axis}, a whole number from 0 to 5, not {item.scores.get(axis)!r}")
        if not item.why.strip():
            found.append("why is empty; it is the feedback that the artist reads")
    return found


def _twice(what: str, names: list[str]) -> list[str]:
    return [
        f"{what} {name!r} is there {names.count(name)} times" for name in dict.fromkeys(names) if names.count(name) > 1
    ]


def read_study(path: str | Path) -> StudySpec:
    """Reads a study file; pictures and predictions in it are relative to its folder.

    Raises:
        StudyErrors: with every mistake in it.
    """
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise StudyErrors([f"{path} cannot be read: {' '.join(str(error).split())[:300]}"]) from error
    if not isinstance(content, dict):
        raise StudyErrors([f"{path} must be a list of settings like `title: ...`"])
    return study_from(content, path.parent)


def study_from(content: dict[str, Any], folder: str | Path = ".") -> StudySpec:
    """Makes a study of what a YAML file has, or a form. Raises StudyErrors with every mistake in it."""
    reader = _Reader(Path(folder))
    values = dict(content)
    rounds = reader.texts("rounds", values.pop("rounds", None))
    rubrics = reader.rubrics(values.pop("rubrics", list(RUBRICS)))
    items = reader.items("items", values.pop("items", None), rounds, Item)
    calibration = reader.items("calibration", values.pop("calibration", None), rounds, Calibration)
    systems = reader.systems(values.pop("systems", None))
    plain = reader.typed("", StudySpec, values, without=("items", "systems", "rubrics", "calibration"))
    if plain is None:
        raise StudyErrors(reader.problems)
    spec = StudySpec(**plain, items=items, systems=systems, rubrics=rubrics, calibration=calibration)
    problems = reader.problems + spec.problems()
    if problems:
        raise StudyErrors(problems)
    return spec


class _Reader:
    """Turns what YAML has into the types of the fields above, collecting what does not fit."""

    def __init__(self, folder: Path):
        self.folder, self.problems = folder, []

    def typed(self, where: str, kind: type, values: dict, without: tuple[str, ...] = ()) -> dict | None:
        """The values checked against the fields' types; None where one is missing."""
        fields = {of.name: of for of in dataclasses.fields(kind) if of.name not in without}
        found, whole = {}, True
        for name in values:
            if name not in fields:
                self.problems.append(f"{where}there is no setting {name!r}; there are: {', '.join(fields)}")
        for name, of in fields.items():
            if name not in values:
                if of.default is dataclasses.MISSING and of.default_factory is dataclasses.MISSING:
                    self.problems.append(f"{where}{name} is missing")
                    whole = False
                continue
            value = values[name]
            kinds = of.type if isinstance(of.type, type) else None
            allowed = (kinds,) if kinds else of.type.__args__
            # A Path is of a class of its own on every system, and True is an int that is not meant.
            if type(value) not in allowed and not (isinstance(value, Path) and Path in allowed):
                names = " or ".join("nothing" if one is type(None) else one.__name__ for one in allowed)
                self.problems.append(f"{where}{name} must be {names}, not {value!r}")
                whole = whole and of.default is not dataclasses.MISSING
                continue
            found[name] = value
        return found if whole else None

    def texts(self, where: str, value: Any) -> tuple[str, ...]:
        if isinstance(value, str):
            return (value,)
        if value is None:
            return ()
        if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
            self.problems.append(f"{where} must be a list of texts, not {value!r}")
            return ()
        return tuple(value)

    def mappings(self, where: str, value: Any, shorthand: str | None = None) -> list[dict]:
        value = [] if value is None else value
        if not isinstance(value, list | tuple):
            self.problems.append(f"{where} must be a list, not {value!r}")
            return []
        found = []
        for number, entry in enumerate(value, start=1):
            if shorthand and isinstance(entry, str):
                entry = {shorthand: entry}
            if isinstance(entry, dict) and all(isinstance(key, str) for key in entry):
                found.append(dict(entry))
            else:
                self.problems.append(f"{where}, entry {number}: must be settings like `name: ...`, not {entry!r}")
        return found

    def rubrics(self, value: Any) -> tuple[Rubric, ...]:
        found = []
        if not isinstance(value, list | tuple):
            self.problems.append(f"rubrics must be a list, not {value!r}")
            return ()
        for entry in value:
            if isinstance(entry, Rubric):
                found.append(entry)
            elif isinstance(entry, str):
                if entry in RUBRICS:
                    found.append(RUBRICS[entry])
                else:
                    self.problems.append(f"there is no rubric {entry!r}; there are {', '.join(RUBRICS)}, or your own")
            elif isinstance(entry, dict):
                levels = self.texts("levels of a rubric", entry.get("levels"))
                plain = self.typed("rubric: ", Rubric, {k: v for k, v in entry.items() if k != "levels"}, ("levels",))
                if plain is not None and len(plain) == 3:
                    found.append(Rubric(**plain, levels=levels))
            else:
                self.problems.append(f"a rubric is a name or {{axis, title, task, levels}}, not {entry!r}")
        return tuple(found)

    def items(self, where: str, value: Any, rounds: tuple[str, ...], kind: type) -> tuple:
        found = []
        for number, entry in enumerate(self.mappings(where, value, "picture"), start=1):
            at = f"{where}, entry {number}: "
            picture = entry.get("picture")
            if isinstance(picture, str | Path):
                entry["picture"] = picture = self.folder / picture
            if "name" not in entry and isinstance(picture, Path):
                entry["name"] = picture.stem
            lists = {"rounds": self.texts(at + "rounds", entry.pop("rounds", None)) or rounds}
            lists["axes"] = self.texts(at + "axes", entry.pop("axes", None))
            if kind is Calibration:
                lists["answers"] = self.texts(at + "answers", entry.pop("answers", None))
                scores = entry.pop("scores", {})
                if not isinstance(scores, dict):
                    self.problems.append(f"{at}scores must be scores by axis, like `IDC: 4`, not {scores!r}")
                    scores = {}
                lists["scores"] = {str(axis): score for axis, score in scores.items()}
            plain = self.typed(at, kind, entry, tuple(lists))
            if plain is not None:
                found.append(kind(**plain, **lists))
        return tuple(found)

    def systems(self, value: Any) -> tuple[SystemSpec, ...]:
        found = []
        for number, entry in enumerate(self.mappings("systems", value), start=1):
            at = f"systems, entry {number}: "
            answers = entry.pop("answers", None)
            if answers is not None:
                if isinstance(answers, dict):
                    answers = {str(item): self.texts(f"{at}answers", texts) for item, texts in answers.items()}
                else:
                    self.problems.append(f"{at}answers must be texts by item, not {answers!r}")
                    answers = None
            if isinstance(entry.get("predictions"), str):
                entry["predictions"] = self.folder / entry["predictions"]
            plain = self.typed(at, SystemSpec, entry, ("answers",))
            if plain is not None:
                found.append(SystemSpec(**plain, answers=answers))
        return tuple(found)
