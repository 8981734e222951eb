"""Frees what a tab left behind some time after it was closed; a phone that slept for a minute finds its talk again."""

import asyncio
import re

import gradio as gr
from starlette.types import ASGIApp, Receive, Scope, Send

#: Seconds from a tab's closing until what the server kept for it is gone. Gradio would keep it for an hour.
KEEP = 600
#: An open page keeps a request to this route open.
_HEARTBEAT = re.compile(r"/gradio_api/heartbeat/([^/]+)$")


class Presence:
    """ASGI middleware that sees which sessions have a tab open."""

    def __init__(self, app: ASGIApp, page: gr.Blocks, keep: float = KEEP):
        self.app, self.page, self.keep = app, page, keep
        self._tabs: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match = _HEARTBEAT.search(scope["path"]) if scope["type"] == "http" else None
        if not match:
            await self.app(scope, receive, send)
            return
        session = match[1]
        self._tabs[session] = self._tabs.get(session, 0) + 1
        if session in self.page.app.state_holder:  # opened again: Gradio would still count its hour from before
            self.page.app.state_holder.session_data[session].is_closed = False
        try:
            await self.app(scope, receive, send)
        finally:
            self._tabs[session] -= 1
            if not self._tabs[session]:
                del self._tabs[session]
                asyncio.get_running_loop().call_later(self.keep, self._forget, session)

    def _forget(self, session: str) -> None:
        if session in self._tabs:  # it was opened again
            return
        states = self.page.app.state_holder
        states.delete_state(session)  # calls what the page gave to gr.State as delete_callback
        states.session_data.pop(session, None)
        states.time_last_used.pop(session, None)
