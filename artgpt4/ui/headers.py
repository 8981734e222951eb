"""What Gradio leaves open between this page and other sites: response headers, and requests from other origins."""

import os
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Gradio's own front end needs inline scripts and eval. Nothing may come from, or go to, another server.
_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "frame-ancestors 'self' https://huggingface.co https://*.hf.space",
    ]
)


class SecurityHeaders:
    """ASGI middleware that adds them to every answer that has none of its own."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", _POLICY)  # a page may have a stricter one
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "no-referrer")
            await send(message)

        await self.app(scope, receive, send_with_headers)


class SameOrigin:
    """ASGI middleware that refuses what another site's page makes a visitor's browser send here.

    Gradio 6.31 lets any site do so on a public host. Programs send no Origin and are not concerned. X-Forwarded-Host is
    not looked at: with Gradio's leave, another site could send that, too.

    Args:
        hosts: host[:port] of pages that may, beside the one that is asked; ``*.name`` stands for all below a name.
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...] = ()):
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            if origin is not None and not self._is_ours(origin, headers.get("host", "")):
                told = {"detail": "This page does not take requests from other sites."}
                await JSONResponse(told, status_code=403)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _is_ours(self, origin: str, host: str) -> bool:
        asking = urlsplit(origin).netloc.lower()
        return bool(asking) and any(
            asking == allowed or allowed.startswith("*.") and asking.endswith(allowed[1:])
            for allowed in (host.lower(), *self.hosts)
        )


def own_hosts(root_path: str | None = None, share: bool = False) -> tuple[str, ...]:
    """`SameOrigin`'s hosts: the Space's own, a reverse proxy's, a share link's, and those in $ARTGPT4_HOSTS."""
    hosts = [os.environ.get("SPACE_HOST", ""), urlsplit(root_path or "").netloc, "*.gradio.live" if share else ""]
    hosts += os.environ.get("ARTGPT4_HOSTS", "").split(",")
    return tuple(host.strip().lower() for host in hosts if host.strip())
