"""The organiser's pages, behind one key: make a study, have its answers made, read them, send links, watch, export.

The key opens a cookie that lasts half a day and is signed with the key itself: nothing of it has to be kept, and
another key ends every such cookie. A link of the scope `organise` opens one study to a co-organiser, who may do all
with it but delete it or let in more organisers; it is looked up at every request, so that withdrawing it ends it.
"""

import hashlib
import hmac
import inspect
import json
import logging
import math
import os
import re
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from artgpt4.evaluation.rubrics import RUBRICS
from artgpt4.images import MAX_BYTES as PICTURE_BYTES
from artgpt4.presets import PRESETS
from artgpt4.ratings import organise
from artgpt4.ratings.errors import RatingsError, StorageError
from artgpt4.ratings.generate import generate_answers, open_study_system
from artgpt4.ratings.study import StudyErrors, study_from
from artgpt4.ui.pages import (
    Guard,
    cookie_settings,
    language,
    pages_app,
    render,
    see_other,
    wants_json,
    with_form,
    words,
)
from artgpt4.ui.words import say

#: Of one form: a study's pictures come in one.
MAX_BYTES = 500 * 2**20
MAX_PICTURES = 500

KEY = "ARTGPT4_ORGANISER_KEY"
#: Of a model behind a server, in `artgpt4.load`.
PREFIX = "openai:"
_COOKIE, _LASTS = "organiser", 12 * 3600

_log = logging.getLogger(__name__)


@dataclass
class Job:
    """Answers being made for one study, in a thread."""

    total: int
    made: int = 0
    error: str | None = None
    running: bool = True
    stop: threading.Event = field(default_factory=threading.Event)


class LoadedModel:
    """The app's own model as a study's system: asked as a visitor asks, in turns with everybody else.

    Args:
        model: what `artgpt4.load` gives.
        max_new_tokens: length of each answer at most.
    """

    def __init__(self, model: Any, max_new_tokens: int):
        self.model, self.parameters = model, {"temperature": 0, "max_new_tokens": max_new_tokens}

    def about(self) -> dict:
        """What made the answers."""
        from artgpt4.evaluation.generate import versions

        adapter = hasattr(getattr(self.model, "model", None), "peft_config")
        return {"model": self.model.name, "adapter": adapter, "parameters": self.parameters, "versions": versions()}

    def answer(self, pictures: Sequence, rounds: Sequence[Sequence[str]]) -> list[list[str]]:
        """The answers to each picture's questions, one after another."""
        found = []
        for picture, questions in zip(pictures, rounds, strict=True):
            conversation = self.model.start(picture)
            try:
                for question in questions:
                    for _ in conversation.ask(question, **self.parameters):
                        pass
                found.append([one.answer for one in conversation.rounds])
            finally:
                conversation.close()
        return found


class _Stopped(Exception):
    """The organiser has stopped the making of answers."""


def organiser_key() -> str:
    """What `ARTGPT4_ORGANISER_KEY` says, or a new key. Raises ValueError: it is short enough to be guessed."""
    key = os.environ.get(KEY) or secrets.token_urlsafe(24)
    if len(key) < 16:
        raise ValueError(f"{KEY} has {len(key)} characters; take at least 16, so that nobody guesses it.")
    return key


def organiser_app(
    database: Callable,
    key: str,
    model: str,
    examples: Sequence[Path] = (),
    loaded: Future | None = None,
    generate: Callable | None = None,
) -> Guard:
    """The app behind /organise/.

    Args:
        database: as of `pages_app`.
        key: the secret that opens it.
        model: the name of the loaded model.
        examples: picture files to choose from.
        loaded: that model, which may still be loading; without it, models are loaded for their answers.
        generate: makes a study's answers, as `artgpt4.ratings.generate.generate_answers`, which is the default.
    """
    routes = [
        Route("/login", with_form(login), methods=["POST"]),
        Route("/key/{key}", login_by_link),
        Route("/view/{link}", view),
        Route("/link/{link}", co_organise),
        Route("/{study:int}/delete", _private(with_form(delete), by_key=True), methods=["POST"]),
        *(
            Route(path, _private(endpoint), methods=[method])
            for path, method, endpoint in (
                ("/", "GET", studies),
                ("/logout", "POST", with_form(logout)),
                ("/new", "GET", new),
                ("/new", "POST", with_form(create, max_files=MAX_PICTURES)),
                ("/examples/{name}", "GET", example),
                ("/{study:int}/", "GET", overview),
                ("/{study:int}/live", "GET", live),
                ("/{study:int}/results", "GET", results),
                ("/{study:int}/status", "POST", with_form(set_status)),
                ("/{study:int}/answers", "GET", answers),
                ("/{study:int}/answers", "POST", with_form(write_answer)),
                ("/{study:int}/generate", "POST", with_form(start)),
                ("/{study:int}/stop", "POST", with_form(stop)),
                ("/{study:int}/progress", "GET", progress),
                ("/{study:int}/picture", "GET", picture),
                ("/{study:int}/links", "GET", links),
                ("/{study:int}/links", "POST", with_form(make_links)),
                ("/{study:int}/links/{link:int}/revoke", "POST", with_form(revoke)),
                ("/{study:int}/artists/{rater:int}", "GET", artist),
                ("/{study:int}/artists/{rater:int}/code", "POST", with_form(new_code)),
                ("/{study:int}/artists/{rater:int}/delete", "POST", with_form(delete_artist)),
                ("/{study:int}/export", "GET", export),
            )
        ),
    ]
    app = pages_app(routes, database, MAX_BYTES)
    app.state.key, app.state.model, app.state.loaded, app.state.generate = key, model, loaded, generate
    app.state.examples = {path.name: path for path in examples}
    app.state.jobs, app.state.created, app.state.creating, app.state.results = {}, {}, threading.Lock(), {}
    return Guard(app, MAX_BYTES)


# The key


def login_by_link(request: Request) -> Response:
    """The secret link: the key goes into the cookie, and out of the address."""
    return _sign_in(request, request.path_params["key"], "../")


def login(request: Request, form: Any) -> Response:
    """The key, typed."""
    return _sign_in(request, _text(form, "key"), "./")


def logout(request: Request, form: Any) -> Response:
    """Ends it in this browser."""
    response = see_other("./")
    response.delete_cookie(_COOKIE, **cookie_settings(request))
    return response


def _sign_in(request: Request, key: str, address: str) -> Response:
    if not hmac.compare_digest(key.strip().encode(), request.app.state.key.encode()):
        _log.warning("Somebody gave a wrong organiser's key")
        return render(request, "organiser_login.html", 403, error=words(request).organiser.wrong_key)
    until = int(time.time()) + _LASTS
    response = see_other(address)
    signed = f"{until}.{_signature(request.app.state.key, until)}"
    response.set_cookie(_COOKIE, signed, max_age=_LASTS, **cookie_settings(request))
    return response


def _signature(key: str, until: int) -> str:
    return hmac.new(key.encode(), f"organiser until {until}".encode(), hashlib.sha256).hexdigest()


def _signed_in(request: Request) -> bool:
    until, _, signature = request.cookies.get(_COOKIE, "").partition(".")
    if not until.isascii() or not until.isdecimal() or len(until) > 12 or int(until) < time.time():
        return False
    return hmac.compare_digest(signature.encode(), _signature(request.app.state.key, int(until)).encode())


def co_organise(request: Request) -> Response:
    """A link to organise one study: its token goes into a cookie, and out of the address."""
    token = request.path_params["link"]
    number = organise.check_link(_engine(request), token, "organise")
    response = see_other(f"../{number}/")
    response.set_cookie(f"{_COOKIE}_{number}", token, max_age=_LASTS, **cookie_settings(request))
    return response


def _co_organises(request: Request) -> bool:
    number = request.path_params.get("study")
    token = request.cookies.get(f"{_COOKIE}_{number}")
    try:
        return token is not None and organise.check_link(_engine(request), token, "organise") == number
    except RatingsError:
        return False


def _private(endpoint: Callable, by_key: bool = False) -> Callable:
    """The endpoint for whoever has the key, or unless it is `by_key` a link to organise this study.

    Others are asked for the key before anything they sent is read.
    """

    async def checked(request: Request) -> Response:
        request.state.has_key = _signed_in(request)
        if not request.state.has_key and (by_key or not await run_in_threadpool(_co_organises, request)):
            if wants_json(request):
                return JSONResponse({"error": words(request).organiser.key_needed}, 401)
            return render(request, "organiser_login.html", 401, error=None)
        if inspect.iscoroutinefunction(endpoint):
            return await endpoint(request)
        return await run_in_threadpool(endpoint, request)

    return checked


# Studies


def studies(request: Request) -> Response:
    """All studies."""
    return render(request, "organiser_studies.html", studies=organise.studies(_engine(request)))


def new(request: Request) -> Response:
    """The form for a new study."""
    state = request.app.state
    return render(
        request,
        "organiser_new.html",
        key=secrets.token_urlsafe(16),
        examples=[(path.name, path.stem.replace("-", " ")) for path in state.examples.values()],
        preset_label=lambda label: say(label, language(request)),
        presets=[(group, list(of)) for group, of in groupby(PRESETS, key=lambda preset: preset.group)],
        rubrics=RUBRICS.values(),
        model=state.model,
        has_adapter=not state.model.startswith(PREFIX),
        limit=MAX_BYTES,
    )


def example(request: Request) -> Response:
    """An example picture, for the form."""
    path = request.app.state.examples.get(request.path_params["name"])
    if path is None:
        raise RatingsError("study", words(request).common.not_found)
    return FileResponse(path, headers={"Cache-Control": "private, max-age=3600"})


def create(request: Request, form: Any) -> Response:
    """Makes a study of the form; a mistake gives every mistake, and the form stays as it is."""
    state, key = request.app.state, _text(form, "key")
    with state.creating:  # the same form sent twice makes one study
        if key not in state.created:
            try:
                spec = study_from(_Form(form, words(request).new, state.model, state.examples).study())
                state.created[key] = organise.create_study(_engine(request), spec)
            except StudyErrors as error:
                return JSONResponse({"problems": error.problems}, 422)
    return JSONResponse({"address": f"{state.created[key]}/"})


def overview(request: Request) -> Response:
    """One study: what is to be done next, who is where, the scores so far."""
    return render(request, "organiser_study.html", **_study(request), **_live(request, request.path_params["study"]))


def live(request: Request) -> Response:
    """The part of the overview that changes while artists rate."""
    return render(request, "organiser_live.html", **_study(request), **_live(request, request.path_params["study"]))


def results(request: Request) -> Response:
    """What has come of it so far, with plots."""
    study = _study(request)
    found = _results(request, study["id"])
    both_ways = (*found.bradley_terry.values(), *found.leniency.values())
    return render(
        request,
        "organiser_results.html",
        **study,
        results=found,
        rubrics=organise.rubrics(_engine(request), study["id"]),
        most=math.ceil(max((abs(one.value) for one in both_ways if one.value is not None), default=0)) or 1,
    )


def view(request: Request) -> Response:
    """The live part for whoever has a link to view it, and nothing else."""
    number = organise.check_link(_engine(request), request.path_params["link"], "view")
    status = organise.status(_engine(request), number)
    return render(request, "organiser_view.html", study=status, for_organiser=False, **_live(request, number))


def set_status(request: Request, form: Any) -> Response:
    """Opens, pauses, closes or archives."""
    organise.set_status(_engine(request), request.path_params["study"], _text(form, "status"))
    return see_other("./")


def delete(request: Request, form: Any) -> Response:
    """Deletes a study with everything in it."""
    if form.get("sure") != "yes":
        return see_other("./")
    organise.delete_study(_engine(request), request.path_params["study"])
    return see_other("../")


def _study(request: Request) -> dict:
    number, job = request.path_params["study"], _job(request)
    making = job is not None and job.running  # before the answers are counted: what has ended has made them all
    status = organise.status(_engine(request), number)
    rows = organise.answers(_engine(request), number)
    return {
        "id": number,
        "study": status,
        "failed": sum(row.error is not None for row in rows),
        "made": status.answers - status.answers_missing,
        "job": job,
        "making": making,
        "for_organiser": True,
    }


def _live(request: Request, study: int) -> dict:
    return {"now": datetime.now(UTC), "results": _results(request, study)}


def _results(request: Request, study: int):
    """The results so far; the same ones as long as nobody has said anything more."""
    from artgpt4.ratings.record import read_record
    from artgpt4.ratings.results import results  # imports pandas

    record = read_record(_engine(request), study)
    known = request.app.state.results
    last = max((mark["id"] for mark in record.tables["mark"]), default=0)
    version = (study, last, len(record.tables["mark"]))
    if version not in known:
        known.clear()
        known[version] = results(record)
    return known[version]


# Answers


def answers(request: Request) -> Response:
    """Every answer, to be read before the study is opened."""
    study = _study(request)
    by_item = {}
    for row in organise.answers(_engine(request), study["id"]):
        by_item.setdefault(row.item, []).append(row)
    return render(request, "organiser_answers.html", **study, items=by_item, address=quote)


def write_answer(request: Request, form: Any) -> Response:
    """An answer in the organiser's own words, for one that could not be made or that a person is to give."""
    texts = [text if isinstance(text, str) else "" for text in form.getlist("text")]
    item, system = _text(form, "item"), _text(form, "system")
    engine, study = _engine(request), request.path_params["study"]
    organise.set_answer(engine, study, item, system, texts, {"written_by": "a person"})
    return see_other("answers")


def picture(request: Request) -> Response:
    """An item's picture."""
    content = organise.item_picture(_engine(request), request.path_params["study"], request.query_params["item"])
    return Response(content, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


def start(request: Request, form: Any) -> Response:
    """Has the missing answers made, in a thread; those that are there stay."""
    engine, number, state = _engine(request), request.path_params["study"], request.app.state
    status = organise.status(engine, number)
    with state.creating:
        job = state.jobs.get(number)
        if job is None or not job.running:
            job = state.jobs[number] = Job(status.answers, status.answers - status.answers_missing)
            threading.Thread(target=_make, args=(state, engine, number, job), daemon=True).start()
    return see_other("./")


def stop(request: Request, form: Any) -> Response:
    """Stops it after the answer under way."""
    if job := _job(request):
        job.stop.set()
    return see_other("./")


def progress(request: Request) -> Response:
    """How many answers there are, for the bar."""
    job = _job(request)
    if job is None:
        return JSONResponse({"running": False})
    text = words(request).study.making.format(made=job.made, total=job.total)
    return JSONResponse({"running": job.running, "made": job.made, "total": job.total, "text": text})


def _make(state: Any, engine: Engine, number: int, job: Job) -> None:
    before = job.made

    def so_far(done: int, total: int) -> None:
        job.made = before + done
        if job.stop.is_set():
            raise _Stopped

    try:
        generate = state.generate or partial(generate_answers, open_system=partial(_open_system, state))
        generate(engine, number, progress=so_far)
    except _Stopped:
        pass
    except (RatingsError, StorageError) as error:
        job.error = str(error)
    except Exception as error:  # whatever it was: the organiser reads it, and what was made is there
        _log.exception("The answers of study %s could not be made", number)
        job.error = f"{type(error).__name__}: {error}"
    finally:
        job.running = False


def _open_system(state: Any, how: dict) -> Any:
    """What answers for a study's system: the loaded model where that is meant, and not a second copy of it."""
    if state.loaded is not None and (how["system"], how["model"], how["adapter"]) == ("artgpt4", state.model, True):
        model = state.loaded.result()
        if model.name == state.model:  # and not the embedded one, which stands in for one that could not be loaded
            return LoadedModel(model, how["max_new_tokens"])
    return open_study_system(how)


def _job(request: Request) -> Job | None:
    return request.app.state.jobs.get(request.path_params["study"])


# Links


def links(request: Request) -> Response:
    """The study's links."""
    return _links(request, [], None)


def make_links(request: Request, form: Any) -> Response:
    """Makes one link for all, or one for each name; they are shown now and never again."""
    w = words(request)
    engine, number = _engine(request), request.path_params["study"]
    try:
        days, uses = _number(form, "expires", w.study.link_expires, w), _number(form, "uses", w.study.link_uses, w)
        labels = [line.strip() for line in _text(form, "labels").splitlines() if line.strip()]
        each = form.get("kind") == "each"
        if each and not labels:
            raise RatingsError("text", w.study.link_names_missing)
        if days is not None and not 0 < days <= 3650:
            raise RatingsError("text", w.study.link_days_wrong)
        scope = _text(form, "scope") or "rate"
        if scope == "organise" and not request.state.has_key:
            raise RatingsError("scope", w.study.link_scope_key)
        until = None if days is None else datetime.now(UTC) + timedelta(days=days)
        most = None if scope != "rate" else 1 if each else uses  # a link to look on is used as often as one likes
        made = []
        for label in labels if each else [", ".join(labels)]:
            link = organise.create_link(engine, number, scope, label, until, most)
            made.append((label, organise.ADDRESSES[scope] + link.token))
    except RatingsError as error:
        return _links(request, [], str(error))
    return _links(request, made, None)


def revoke(request: Request, form: Any) -> Response:
    """Ends a link, and the sessions that began with it."""
    organise.revoke_link(_engine(request), request.path_params["study"], request.path_params["link"])
    return see_other("../../links")


def _links(request: Request, made: list[tuple[str, str]], error: str | None) -> Response:
    study = _study(request)
    rows = []
    for link in organise.links(_engine(request), study["id"]):
        state = "valid"
        if link.revoked_at is not None:
            state = "revoked"
        elif not link.usable:
            state = "used_up" if link.max_uses is not None and link.uses >= link.max_uses else "expired"
        rows.append((link, state))
    status = 200 if error is None else 422
    return render(request, "organiser_links.html", status, **study, links=rows, new_links=made, error=error)


# One artist


def artist(request: Request) -> Response:
    """What can be done about one artist."""
    return _artist(request, None)


def new_code(request: Request, form: Any) -> Response:
    """Another resume code for an artist who has lost everything; shown now and never again."""
    code = organise.renew_resume_code(_engine(request), request.path_params["study"], request.path_params["rater"])
    return _artist(request, code)


def delete_artist(request: Request, form: Any) -> Response:
    """Deletes an artist with everything that he or she gave, as when somebody asks for it or has only tried."""
    if form.get("sure") == "yes":
        organise.delete_rater(_engine(request), request.path_params["study"], request.path_params["rater"])
    return see_other("../../")


def _artist(request: Request, code: str | None) -> Response:
    status = organise.status(_engine(request), request.path_params["study"])
    rater = next((rater for rater in status.raters if rater.id == request.path_params["rater"]), None)
    if rater is None:
        raise RatingsError("study", words(request).common.not_found)
    address = f"{request.path_params['study']}/"
    return render(request, "organiser_artist.html", study=status, rater=rater, code=code, study_address=address)


# Export


def export(request: Request) -> Response:
    """Everything, as one archive."""
    from artgpt4.ratings.export import export_study  # imports pandas

    number = request.path_params["study"]
    folder = tempfile.TemporaryDirectory()
    try:
        export_study(_engine(request), number, Path(folder.name) / f"study-{number}")
        archive = shutil.make_archive(f"{folder.name}/archive", "zip", folder.name, f"study-{number}")
    except BaseException:
        folder.cleanup()
        raise
    return FileResponse(archive, filename=f"study-{number}.zip", background=BackgroundTask(folder.cleanup))


# The form of a new study


class _Form:
    """Turns what the form has into what a study's file has; what cannot be read is a mistake of its own."""

    def __init__(self, form: Any, w: SimpleNamespace, model: str, examples: dict[str, Path]):
        self.form, self.w, self.model, self.examples = form, w, model, examples
        self.problems: list[str] = []

    def study(self) -> dict[str, Any]:
        """As `artgpt4.ratings.study.study_from` takes it. Raises StudyErrors."""
        content: dict[str, Any] = {name: _text(self.form, name) for name in ("title", "about", "consent", "mode")}
        content["rounds"] = _lines(_text(self.form, "rounds"))
        content["items"] = self.items()
        content["systems"] = self.systems(content["items"])
        content["rubrics"] = self.form.getlist("rubrics") + self.own_rubric()
        content["calibration"] = self.calibration(content["rubrics"])
        content["seed"] = secrets.randbelow(2**31)
        for name in ("ratings_per_answer", "answers_per_rater", "repeats", "keep_days"):
            label = {"ratings_per_answer": "ratings", "answers_per_rater": "per_rater"}.get(name, name)
            number = self.number(name, getattr(self.w, label))
            if number is not None:
                content[name] = number
        if self.problems:
            raise StudyErrors(self.problems)
        return content

    def items(self) -> list[dict]:
        found, names = [], set()
        for name in self.form.getlist("examples"):
            if name in self.examples:
                found.append({"name": self.examples[name].stem, "picture": self.examples[name].read_bytes()})
                names.add(self.examples[name].stem)
        for upload in self.uploads("pictures"):
            name, number = _item_name(upload.filename), 2
            while name in names:
                name, number = f"{_item_name(upload.filename)} {number}", number + 1
            names.add(name)
            found.append({"name": name, "picture": upload.file.read(PICTURE_BYTES + 1)})
        return found

    def systems(self, items: list[dict]) -> list[dict]:
        found = []
        for field_name, adapter in (("with", True), ("without", False)):
            if self.form.get(f"system_{field_name}"):
                name = _text(self.form, f"name_{field_name}")
                found.append({"name": name, "adapter": adapter, **_how(self.model)})
        if other := _text(self.form, "model_other").strip():
            found.append({"name": _text(self.form, "name_other") or _item_name(other), **_how(other)})
        for upload in self.uploads("predictions"):
            answers = self.predictions(upload)
            found.append({"name": _item_name(upload.filename), "answers": answers})
        if people := _text(self.form, "people").strip():
            name = _text(self.form, "name_people")
            found.append({"name": name, "answers": self.people(people, name)})
        return found

    def predictions(self, upload: Any) -> dict[str, list[str]]:
        found = {}
        try:
            lines = upload.file.read().decode("utf-8-sig").splitlines()
        except UnicodeDecodeError:
            self.problems.append(self.w.not_utf8.format(name=upload.filename))
            return found
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                content = json.loads(line)
                name, answers = content["id"], content["answers"]
                if not isinstance(name, str) or not all(isinstance(text, str) for text in answers):
                    raise TypeError
                found[_item_name(name)] = list(answers)
            except (ValueError, KeyError, TypeError, RecursionError):
                self.problems.append(self.w.unreadable.format(name=upload.filename, line=number))
        return found

    def people(self, text: str, name: str) -> dict[str, list[str]]:
        found, current = {}, None
        for line in _lines(text):
            if line.startswith("#"):
                current = found.setdefault(_item_name(line.lstrip("# ")), [])
            elif current is None:
                self.problems.append(self.w.people_line.format(name=name))
                break
            else:
                current.append(line)
        return found

    def own_rubric(self) -> list[dict]:
        levels = _lines(_text(self.form, "own_levels"))
        values = {name: _text(self.form, f"own_{name}").strip() for name in ("axis", "title", "task")}
        return [{**values, "levels": levels}] if levels or any(values.values()) else []

    def calibration(self, rubrics: list) -> list[dict]:
        uploads = self.uploads("calibration_picture")
        answers, why = _lines(_text(self.form, "calibration_answers")), _text(self.form, "calibration_why").strip()
        if not (uploads or answers or why):
            return []
        scores = {}
        for rubric in rubrics:
            field_name = "score_own" if isinstance(rubric, dict) else f"score_{rubric}"
            axis = rubric["axis"] if isinstance(rubric, dict) else rubric
            scores[axis] = self.number(field_name, f"{self.w.calibration_scores}, {axis}")
        picture = uploads[0].file.read(PICTURE_BYTES + 1) if uploads else b""
        return [{"name": "example", "picture": picture, "answers": answers, "scores": scores, "why": why}]

    def number(self, name: str, label: str) -> int | None:
        text = _text(self.form, name).strip()
        if not text:
            return None
        if not re.fullmatch(r"[0-9]{1,9}", text):
            self.problems.append(self.w.number.format(field=label, value=text))
            return None
        return int(text)

    def uploads(self, name: str) -> list:
        return [upload for upload in self.form.getlist(name) if getattr(upload, "filename", None)]


def _how(model: str) -> dict[str, str]:
    """The settings of a study's system that stand for a model as `artgpt4.load` knows it."""
    if not model.startswith(PREFIX):
        return {"model": model}
    url, _, name = model.removeprefix(PREFIX).partition("#")
    return {"system": "gpt-4", "url": url, "model": name}  # how `artgpt4.evaluation.systems` calls any such server


def _item_name(name: str) -> str:
    """A file's name, or an id made from one, as the name of an item or a system."""
    stem = re.sub(r"\.\w{2,5}$", "", name.replace("\\", "/").rsplit("/")[-1])
    return re.sub(r"^\W+", "", re.sub(r"[^\w .()+-]", "-", stem)).strip()[:60] or "picture"


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _number(form: Any, name: str, label: str, w: SimpleNamespace) -> int | None:
    text = _text(form, name).strip()
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise RatingsError("text", w.new.number.format(field=label, value=text))
    return int(text)


def _text(form: Any, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def _engine(request: Request) -> Engine:
    return request.app.state.database()
