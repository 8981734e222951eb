"""A web page that a model wrote in its answer: found, and shown where it can do nothing."""

import base64
import re
from html import escape

_FENCED = re.compile(r"```html\s*\n(.*?)(?:```|\Z)", re.IGNORECASE | re.DOTALL)
_WHOLE = re.compile(r"(?:<!doctype html[^>]*>\s*)?<html\b.*?(?:</html\s*>|\Z)", re.IGNORECASE | re.DOTALL)

#: The page's own words stand behind it: whatever they ask for, nothing is fetched and nothing runs.
_NOTHING = (
    '<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'\">"
)


def find_page(answer: str) -> str | None:
    """The web page in an answer, in an ```html fence or from <html> to </html>; None if there is none."""
    found = _FENCED.search(answer)
    if found:
        return found[1].strip()
    found = _WHOLE.search(answer)
    return found[0].strip() if found else None


def sandboxed(page: str, title: str) -> str:
    """An iframe with `page` in it that has no scripts, no network, no forms and no origin."""
    return (
        f'<iframe sandbox="" referrerpolicy="no-referrer" loading="lazy" title="{escape(title)}" '
        f'srcdoc="{escape(_NOTHING + page)}"></iframe>'
    )


def download(page: str) -> str:
    """The address of a download of `page` as it is."""
    return "data:text/html;charset=utf-8;base64," + base64.b64encode(page.encode()).decode()
