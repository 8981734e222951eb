"""The pages behind read-only links: one conversation as it was when the link was made, and the way to withdraw it."""

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from artgpt4.export import POLICY, from_json, html_page, to_html
from artgpt4.kept import DAYS, Kept, reading_token

_HEADERS = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "same-origin",  # without any, a browser would post the form as if from nowhere, and be refused
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}
#: The same for a link that never was, one that is over and one that was withdrawn: nobody learns which.
_NOTHING = html_page(
    "Nothing here",
    f'<p class="text">There is no talk under this address: it was withdrawn, or its {DAYS} days are over, or the '
    "address is not complete.</p>",
)


def frozen_routes(links: Kept) -> list[Route]:
    """/s/{token} shows a kept conversation; /withdraw/{secret} asks whether to withdraw it, and on POST does it."""

    # Plain functions: Starlette runs them in a thread of their own, since they read files.
    def show(request: Request) -> HTMLResponse:
        text = links.get(request.path_params["token"])
        return _page(to_html(from_json(text))) if text else _page(_NOTHING, 404)

    def withdraw(request: Request) -> HTMLResponse:
        token = reading_token(request.path_params["secret"])
        if request.method == "POST":
            if not links.drop(token):
                return _page(_NOTHING, 404)
            return _page(html_page("Withdrawn", '<p class="text">Nobody can open the link any more.</p>'))
        if links.get(token) is None:
            return _page(_NOTHING, 404)
        form = '<form method="post"><button>Withdraw the link</button></form>'  # to this very address
        return _page(html_page("Withdraw this link?", f'<p class="text">Nobody can open it afterwards.</p>{form}'))

    return [
        Route("/s/{token}", show, methods=["GET"]),
        Route("/withdraw/{secret}", withdraw, methods=["GET", "POST"]),
    ]


def _page(html: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(html, status, headers=_HEADERS)
