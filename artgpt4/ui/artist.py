"""The artist's page: by a link into a study, then one thing after another to rate, on a phone or at a desk.

What the browser keeps is a cookie with the session's token, one for each study; a `tag` in the address, which opens
nothing by itself, says which. Whose address is copied from an artist's browser thus does not get the artist's session.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from artgpt4.ratings import rate
from artgpt4.ratings.errors import RatingsError
from artgpt4.ratings.models import BETTER, COMMENT, SKIP
from artgpt4.ratings.tokens import new_token
from artgpt4.ui.pages import (
    Guard,
    cookie_settings,
    language,
    message,
    pages_app,
    render,
    see_other,
    sentence,
    with_form,
    with_json,
    words,
)

#: Of what an artist sends; the longest comment is far below it.
MAX_BYTES = 64 * 1024

_ITEM_WORDS = (
    "saving",
    "saved",
    "unsaved",
    "offline",
    "refused",
    "missing",
    "missing_better",
    "expected",
    "expected_same",
)


def artist_app(database: Callable) -> Guard:
    """The app behind /rate/. Args: as `pages_app`."""
    routes = [
        Route("/", resume_form),
        Route("/resume", with_form(resume), methods=["POST"]),
        Route("/link/{link}", invitation),
        Route("/link/{link}", with_form(enter), methods=["POST"]),
        Route("/{tag}/", go_on),
        Route("/{tag}/overview", overview),
        Route("/{tag}/code", with_form(new_code), methods=["POST"]),
        Route("/{tag}/leave", with_form(leave), methods=["POST"]),
        Route("/{tag}/delete", with_form(delete), methods=["POST"]),
        Route("/{tag}/{position:int}", item),
        Route("/{tag}/{position:int}/picture", picture),
        Route("/{tag}/{position:int}/marks", marks),
        Route("/{tag}/{position:int}/marks", with_json(save), methods=["POST"]),
    ]
    return Guard(pages_app(routes, database, MAX_BYTES, on_refusal=ask_for_code), MAX_BYTES)


# Coming in


def invitation(request: Request) -> Response:
    """Who asks, for what, and the form to begin."""
    return _invitation(request, new_token(), {"consent": False, "pseudonym": ""})


def enter(request: Request, form: Any) -> Response:
    """Begins. The page has drawn the session's token, so that sending its form twice is beginning once."""
    key, pseudonym = _text(form, "key"), _text(form, "pseudonym")
    agreed = form.get("consent") == "yes"
    link = request.path_params["link"]
    try:
        entered = rate.enter(_engine(request), link, pseudonym, agreed, session=key)
    except RatingsError as error:
        if error.code not in ("consent", "pseudonym", "text"):
            raise
        return _invitation(request, key, {"consent": agreed, "pseudonym": pseudonym}, sentence(request, error))
    address = f"../{_tag(entered.session)}/"
    response = render(request, "artist_code.html", code=entered.resume_code, address=address, fresh=True)
    _keep(request, response, entered.session)
    response.set_cookie(_link_cookie(link), _tag(entered.session), max_age=_LASTS, **cookie_settings(request))
    return response


def resume_form(request: Request) -> Response:
    """Where a resume code is entered."""
    return render(request, "artist_resume.html", error=None)


def resume(request: Request, form: Any) -> Response:
    """Goes on in this browser."""
    entered = rate.resume(_engine(request), _text(form, "code"))
    response = see_other(f"{_tag(entered.session)}/")
    _keep(request, response, entered.session)
    return response


def ask_for_code(request: Request, error: RatingsError) -> Response | None:
    """Whoever is not known here may have a resume code."""
    if error.code != "session":
        return None
    return render(request, "artist_resume.html", 401, error=sentence(request, error))


# Rating


def go_on(request: Request) -> Response:
    """To the first thing that is still open."""
    task = rate.next_task(_engine(request), _session(request))
    return see_other("overview" if task is None else str(task.position))


def item(request: Request) -> Response:
    """One thing to rate."""
    engine, session = _engine(request), _session(request)
    task = rate.task(engine, session, request.path_params["position"])
    progress = rate.progress(engine, session)
    return render(
        request,
        "artist_item.html",
        task=task,
        writable=progress.study_status == "open",
        back=str(task.position - 1) if task.position > 1 else "",
        next=str(task.position + 1) if task.position < task.total else "overview",
        words={name: getattr(words(request).item, name) for name in _ITEM_WORDS},
        longest=rate.LONGEST_TEXT,
    )


def picture(request: Request) -> Response:
    """The picture of one thing to rate."""
    content = rate.picture(_engine(request), _session(request), request.path_params["position"])
    return Response(content, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


def marks(request: Request) -> Response:
    """What this artist has said about one thing so far, and of a scored example what it should have got."""
    engine, session, position = _engine(request), _session(request), request.path_params["position"]
    task = rate.task(engine, session, position)
    given: dict[str, Any] = {**task.scores, COMMENT: task.comment}
    if task.better is not None:
        given[BETTER] = task.better
    shown = {"marks": given, "state": task.state}
    if task.calibration and task.state == "done":
        feedback = rate.feedback(engine, session, position)
        shown["feedback"] = {"expected": feedback.expected, "why": feedback.why}
    return JSONResponse(shown)


def save(request: Request, content: dict) -> Response:
    """Saves one mark, {field, value, key}; answers when the database has it, with the time."""
    field, value, key = (content.get(name) for name in ("field", "value", "key"))
    engine, session, position = _engine(request), _session(request), request.path_params["position"]
    if not isinstance(field, str):
        raise RatingsError("field", words(request).common.not_understood)
    shown_in = language(request)
    if field == BETTER:
        saved = rate.save_better(engine, session, position, value, key, shown_in)
    elif field == COMMENT:
        saved = rate.save_comment(engine, session, position, value, key, shown_in)
    elif field == SKIP and value is None:
        saved = rate.unskip(engine, session, position, key, shown_in)
    elif field == SKIP:
        saved = rate.skip(engine, session, position, value, key, shown_in)
    else:
        saved = rate.save_score(engine, session, position, field, value, key, shown_in)
    return JSONResponse({"at": saved.at.isoformat(), "state": saved.state, "done": saved.done, "total": saved.total})


# Looking back, leaving, being forgotten


def overview(request: Request) -> Response:
    """How far the artist is; where all is rated, this says so."""
    return _overview(request)


def new_code(request: Request, form: Any) -> Response:
    """Another resume code, for an artist who has lost the first."""
    code = rate.renew_resume_code(_engine(request), _session(request))
    return render(request, "artist_code.html", code=code, address="./", fresh=False)


def leave(request: Request, form: Any) -> Response:
    """Forgets the session in this browser, as after rating on somebody else's computer."""
    w = words(request)
    response = message(request, w.overview.left, w.overview.left_about, link=("../", w.invitation.enter_code))
    _forget(request, response)
    return response


def delete(request: Request, form: Any) -> Response:
    """Deletes everything that the artist gave."""
    w = words(request)
    if form.get("sure") != "yes":
        return see_other("overview")
    rate.delete_my_data(_engine(request), _session(request))
    response = message(request, w.overview.deleted, w.overview.deleted_about)
    _forget(request, response)
    return response


def _overview(request: Request) -> Response:
    engine, session, w = _engine(request), _session(request), words(request).overview
    progress = rate.progress(engine, session)
    left = progress.total - progress.done - progress.skipped
    if not left and not progress.finished:
        progress = rate.finish(engine, session)
    following = rate.next_task(engine, session) if left else None
    line = w.progress_skipped if progress.skipped else w.progress
    return render(
        request,
        "artist_overview.html",
        progress=progress,
        finished=not left,
        progress_line=line.format(done=progress.done, total=progress.total, skipped=progress.skipped),
        go_on=following.position if following else None,
        places=list(enumerate(progress.states, start=1)),
        notice=None if progress.study_status == "open" else words(request).item.read_only,
    )


# The session in the browser

_LASTS = int(rate.SESSION_LASTS.total_seconds())


def _engine(request: Request) -> Engine:
    return request.app.state.database()


def _session(request: Request) -> str:
    """The session's token of the study in the address; "" where this browser has none, which `rate` refuses."""
    session = request.cookies.get(f"artist_{request.path_params['tag']}", "")
    return session if session and _tag(session) == request.path_params["tag"] else ""


def _tag(session: str) -> str:
    return hashlib.sha256(b"tag " + session.encode()).hexdigest()[:12]


def _link_cookie(link: str) -> str:
    return f"link_{hashlib.sha256(b'link ' + link.encode()).hexdigest()[:12]}"


def _keep(request: Request, response: Response, session: str) -> None:
    response.set_cookie(f"artist_{_tag(session)}", session, max_age=_LASTS, **cookie_settings(request))


def _forget(request: Request, response: Response) -> None:
    tag = request.path_params["tag"]
    response.delete_cookie(f"artist_{tag}", **cookie_settings(request))
    for name, value in request.cookies.items():
        if name.startswith("link_") and value == tag:
            response.delete_cookie(name, **cookie_settings(request))


def _invitation(request: Request, key: str, form: dict, error: str | None = None) -> Response:
    engine, link = _engine(request), request.path_params["link"]
    returning = _returning(request, engine, link)
    try:
        found = rate.invitation(engine, link)
    except RatingsError:
        if returning is None:
            raise
        return see_other(returning["address"])  # its one use was by this very artist
    if returning is None and not found.open:
        w = words(request).invitation
        return message(request, found.title, w.not_open, 409)
    status = 200 if error is None else 422
    return render(
        request,
        "artist_invitation.html",
        status,
        invitation=found,
        key=key,
        form=form,
        error=error,
        returning=returning,
    )


def _returning(request: Request, engine, link: str) -> dict | None:
    """The artist who entered by this link in this browser, if that was so."""
    tag = request.cookies.get(_link_cookie(link), "")
    session = request.cookies.get(f"artist_{tag}", "")
    if not session or _tag(session) != tag:
        return None
    try:
        progress = rate.progress(engine, session)
    except RatingsError:  # the session has ended
        return None
    return {
        "pseudonym": progress.pseudonym,
        "done": progress.done,
        "total": progress.total,
        "address": f"../{tag}/",
    }


def _text(form: Any, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""
