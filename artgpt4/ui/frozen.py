"""The pages behind read-only links: one conversation as it was when the link was made, and the way to withdraw it."""

import re

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from artgpt4.export import POLICY, from_json, html_page, to_html
from artgpt4.kept import DAYS, Kept, reading_token
from artgpt4.ui.words import say

_HEADERS = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "same-origin",  # without any, a browser would post the form as if from nowhere, and be refused
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}


def frozen_routes(links: Kept) -> list[Route]:
    """/s/{token} shows a kept conversation; /withdraw/{secret} asks whether to withdraw it, and on POST does it.

    They speak the language of whoever reads, which need not be that of whoever made the link.
    """

    # Plain functions: Starlette runs them in a thread of their own, since they read files.
    def show(request: Request) -> HTMLResponse:
        text, language = links.get(request.path_params["token"]), _language(request)
        return _page(to_html(from_json(text), language)) if text else _nothing(language)

    def withdraw(request: Request) -> HTMLResponse:
        token, language = reading_token(request.path_params["secret"]), _language(request)
        if request.method == "POST":
            if not links.drop(token):
                return _nothing(language)
            told = f'<p class="text">{say("Nobody can open the link any more.", language)}</p>'
            return _page(html_page(say("Withdrawn", language), told, language))
        if links.get(token) is None:
            return _nothing(language)
        told = f'<p class="text">{say("Nobody can open it afterwards.", language)}</p>'
        button = f"<button>{say('Withdraw the link', language)}</button>"
        form = f'<form method="post">{button}</form>'  # to this very address
        return _page(html_page(say("Withdraw this link?", language), told + form, language))

    return [
        Route("/s/{token}", show, methods=["GET"]),
        Route("/withdraw/{secret}", withdraw, methods=["GET", "POST"]),
    ]


def _nothing(language: str) -> HTMLResponse:
    """The same for a link that never was, one that is over and one that was withdrawn: nobody learns which."""
    told = say(
        "There is no talk under this address: it was withdrawn, or its {days} days are over, or the address is not "
        "complete.",
        language,
        days=DAYS,
    )
    return _page(html_page(say("Nothing here", language), f'<p class="text">{told}</p>', language), 404)


def _language(request: Request) -> str:
    """Whichever of the two the reader's browser asks for first."""
    asked = re.search(r"\b(en|zh)\b", request.headers.get("accept-language", ""), re.IGNORECASE)
    return asked[1].lower() if asked else "en"


def _page(html: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(html, status, headers=_HEADERS)
