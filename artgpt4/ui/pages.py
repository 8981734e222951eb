"""What the organiser's and the artist's pages share: templates, words, headers, and the checks every request passes.

These pages are plain HTML that the server writes, with forms and a little script of our own, and not Gradio's: a
Gradio page lives by its connection and its state in memory, while an artist's page must survive a phone that sleeps, a
second tab, a restarted server; and every request here says by itself who asks and for what. It also lets a policy
forbid every script that is not ours, so that nothing that anybody types can become one.
"""

import json
import logging
import os
import secrets
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, get_route_path
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from artgpt4.backup import is_lasting
from artgpt4.ratings.database import URL
from artgpt4.ratings.errors import RatingsError, StorageError
from artgpt4.ratings.spoken import question_in, reason_in, rubric_in
from artgpt4.ui.headers import own_hosts

_HERE = Path(__file__).parent
_TEMPLATES = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
#: HTTP's word for what went wrong; whatever is not here was a request that cannot be understood.
_STATUS = {"link": 404, "task": 404, "study": 404, "session": 401, "expired": 410, "revoked": 410, "used_up": 410}
_STATUS |= {"not_open": 409, "paused": 409, "closed": 409, "full": 409, "status": 409}

_log = logging.getLogger(__name__)


def _read_words(path: Path) -> SimpleNamespace:
    sections = tomllib.loads(path.read_text(encoding="utf-8"))
    return SimpleNamespace(**{name: SimpleNamespace(**words) for name, words in sections.items()})


#: Every text of these pages, by language.
WORDS = {path.stem: _read_words(path) for path in sorted((_HERE / "rating_words").glob("*.toml"))}


def language(request: Request) -> str:
    """The first language the browser asks for in which there are texts; else English."""
    for wanted in request.headers.get("accept-language", "").split(","):
        asked = wanted.split(";")[0].strip().lower()
        for known in (asked, asked.split("-")[0]):
            if known in WORDS:
                return known
    return "en"


def words(request: Request) -> SimpleNamespace:
    """The texts in that language."""
    return WORDS[language(request)]


def sentence(request: Request, error: RatingsError) -> str:
    """What to say of an error: in English its own words, which are more exact, else the translation, if any."""
    return getattr(words(request).errors, error.code, str(error))


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """One of the templates, filled in. `up` in it leads to the pages' root, whatever a proxy puts before it."""
    up = "../" * (get_route_path(request.scope).count("/") - 1) or "./"
    always = {
        "rubric_in": partial(rubric_in, language(request)),
        "question_in": partial(question_in, language(request)),
        "reason_in": partial(reason_in, language(request)),
        "has_key": getattr(request.state, "has_key", False),  # the organiser's
    }
    content = _TEMPLATES.get_template(template).render(w=words(request), up=up, **always, **values)
    return HTMLResponse(content, status)


def message(request: Request, title: str, text: str, status: int = 200, link: tuple[str, str] | None = None):
    """A page of one sentence. `link` is (address, text)."""
    return render(request, "message.html", status, title=title, text=text, link=link)


def see_other(address: str) -> Response:
    """After a form was sent: the page to look at, relative to this one, so that a proxy's prefix does not matter."""
    return Response(status_code=303, headers={"Location": address})


def with_form(handler: Callable[[Request, Any], Response], max_files: int = 0) -> Callable:
    """An endpoint that reads a form and then runs `handler(request, form)` in a thread, since databases block."""

    async def endpoint(request: Request) -> Response:
        async with request.form(max_files=max_files, max_fields=500, max_part_size=2**20) as form:
            return await run_in_threadpool(handler, request, form)

    return endpoint


def with_json(handler: Callable[[Request, dict], Response]) -> Callable:
    """As `with_form`, of a JSON object; NaN and its like are none."""

    def refuse(constant: str):
        raise ValueError(constant)

    async def endpoint(request: Request) -> Response:
        try:
            content = json.loads(await request.body(), parse_constant=refuse)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise HTTPException(400, words(request).common.not_understood)
        return await run_in_threadpool(handler, request, content)

    return endpoint


def wants_json(request: Request) -> bool:
    """Whether a script asks, and not somebody who will look at the answer."""
    return "application/json" in request.headers.get("accept", "")


def cookie_settings(request: Request) -> dict[str, Any]:
    """For a cookie that no script reads and no other site's form sends along."""
    forwarded = request.headers.get("x-forwarded-proto", "").split(",")[0].strip()
    return {"httponly": True, "samesite": "lax", "secure": "https" in (request.url.scheme, forwarded)}


def pages_app(
    routes: list[BaseRoute],
    database: Callable,
    max_bytes: int,
    on_refusal: Callable[[Request, RatingsError], Response | None] = lambda request, error: None,
) -> Starlette:
    """An app of these routes, to be put behind a `Guard` of the same `max_bytes`.

    Args:
        database: gives the engine; raises StorageError as long as there is none.
        max_bytes: of a request.
        on_refusal: may answer a RatingsError its own way.
    """

    def failed(request: Request, text: str, status: int) -> Response:
        if wants_json(request):
            return JSONResponse({"error": text}, status)
        return message(request, words(request).common.sorry, text, status)

    def refused(request: Request, error: RatingsError) -> Response:
        shown = None if wants_json(request) else on_refusal(request, error)
        return shown or failed(request, sentence(request, error), _STATUS.get(error.code, 422))

    def not_stored(request: Request, error: StorageError) -> Response:
        _log.error("The database: %s", error)
        return failed(request, str(error), 503)

    def http_error(request: Request, error: HTTPException) -> Response:
        common = words(request).common
        known = {404: common.not_found, 413: common.too_large.format(limit=max_bytes // 2**20)}
        return failed(request, known.get(error.status_code, str(error.detail)), error.status_code)

    def unforeseen(request: Request, error: Exception) -> Response:
        number = secrets.token_hex(3)
        _log.error("Error %s", number, exc_info=error)
        return failed(request, words(request).common.server_error.format(number=number), 500)

    app = Starlette(
        routes=[Mount("/static", StaticFiles(directory=_HERE / "static")), *routes],
        exception_handlers={
            RatingsError: refused,
            StorageError: not_stored,
            HTTPException: http_error,
            Exception: unforeseen,
        },
    )
    app.state.database = database
    return app


class Guard:
    """Stands before an app, errors included: no writing from another site, nothing too large, strict headers."""

    def __init__(self, app: ASGIApp, max_bytes: int):
        self.app, self.max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request, taken = Request(scope), 0

        async def receive_some() -> Message:
            nonlocal taken
            received = await receive()
            taken += len(received.get("body", b""))
            if taken > self.max_bytes:
                raise HTTPException(413)
            return received

        async def send_with_headers(sent: Message) -> None:
            if sent["type"] == "http.response.start":
                headers = MutableHeaders(scope=sent)
                headers["Content-Security-Policy"] = _POLICY
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "same-origin"  # with no-referrer a form's Origin would be "null"
                headers["X-Robots-Tag"] = "noindex, nofollow"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                headers.setdefault("Cache-Control", "no-store")
            await send(sent)

        refusal = self._refusal(request)
        if refusal is not None:
            status, text = refusal
            if wants_json(request):
                response = JSONResponse({"error": text}, status)
            else:
                response = message(request, words(request).common.sorry, text, status)
            return await response(scope, receive, send_with_headers)
        await self.app(scope, receive_some, send_with_headers)

    def _refusal(self, request: Request) -> tuple[int, str] | None:
        common = words(request).common
        writes = request.method not in ("GET", "HEAD")
        if not _same_origin(request, writes):
            return 403, common.other_site
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self.max_bytes:
            return 413, common.too_large.format(limit=self.max_bytes // 2**20)
        return None


def _same_origin(request: Request, writes: bool) -> bool:
    """Whether one of our own pages asks. Without https browsers send no Sec-Fetch-Site, but an Origin when writing."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and (writes or origin is not None):
        return site == "same-origin"
    if origin is not None:
        return urlsplit(origin).netloc in (request.headers.get("host"), *own_hosts())
    return not writes


def _is_kept() -> bool:
    """Whether ratings outlive a restart of the app: beside what `is_lasting` knows, in a database elsewhere they do."""
    return is_lasting() or bool(os.environ.get(URL))


_TEMPLATES.globals["is_kept"] = _is_kept
