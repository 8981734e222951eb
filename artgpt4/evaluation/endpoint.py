"""One completion from an OpenAI-compatible server, asked again while it is busy."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable


class EndpointError(RuntimeError):
    """A server that gave no completion; the text begins with its address."""


def complete(
    url: str,
    key: str | None,
    body: dict,
    attempts: int,
    pause: float,
    timeout: float,
    failed: Callable[[], None] = lambda: None,
) -> dict:
    """The message of the server's first choice: `content`, or `refusal`.

    Args:
        url: up to and without `/chat/completions`.
        key: sent as bearer token where there is one.
        body: of the request.
        attempts: tries in all.
        pause: seconds before the second, doubled for each after.
        timeout: seconds for one.
        failed: called for each try that failed and may be repeated.

    Raises:
        EndpointError: the address is not one of http or https, the server turned the request down, or it gave no
            completion in any attempt.
    """
    if not url.startswith(("http://", "https://")):
        raise EndpointError(f"{url!r} is no address of a server; it must begin with http:// or https://.")
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    request = urllib.request.Request(
        url.rstrip("/") + "/chat/completions", data=json.dumps(body).encode(), headers=headers
    )
    for attempt in range(attempts):
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                message = json.load(response)["choices"][0]["message"]
            if isinstance(message, dict):
                return message
            reason = "its message is no object"
        except urllib.error.HTTPError as error:
            if error.code != 429 and error.code < 500:  # the request itself is wrong: asking again will not help
                said = " ".join(error.read(1000).decode(errors="replace").split())
                raise EndpointError(f"{url} answered {error.code}: {said}") from error
            reason = f"it answered {error.code}"
        except (OSError, ValueError, LookupError, TypeError) as error:  # no connection, or not a completion
            reason = f"{type(error).__name__}: {error}"
        failed()
        if attempt + 1 < attempts:
            time.sleep(pause * 2**attempt)
    raise EndpointError(f"{url} gave no completion in {attempts} attempts ({reason}).")
