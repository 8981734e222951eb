"""How much one visitor may ask of the server, so that there is something left for the others."""

import os
import time
from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

#: Addresses that are remembered at the same time. Beyond that, new ones are refused until old ones have been idle.
MAX_ADDRESSES = 10_000


class Limits:
    """ASGI middleware: each address has a bucket of tokens, and every request that makes work takes one.

    An address is what connects; behind proxies of one's own, what the outermost of them saw, see `address`. A class or
    a museum may share one, which is why the bucket is large: it is there against floods. Refused with 429.

    Args:
        per_minute: tokens that run into a bucket in a minute; it holds as many. 0 refuses everything.
        proxies: number of reverse proxies in front that add to X-Forwarded-For.
        clock: seconds, for tests.
    """

    def __init__(self, app: ASGIApp, per_minute: float, proxies: int = 0, clock: Callable[[], float] = time.monotonic):
        self.app, self.per_minute, self.proxies, self.clock = app, per_minute, proxies, clock
        self._buckets: dict[str, tuple[float, float]] = {}  # address -> tokens left, when that was; oldest use first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and not self._take(self.address(scope)):
            told = {"detail": "Too many requests from your address. Wait a minute, then try again."}
            await JSONResponse(told, status_code=429, headers={"Retry-After": "60"})(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def address(self, scope: Scope) -> str:
        """Who asks. What a client wrote into X-Forwarded-For itself stands left of what our proxies add: not looked at.

        A request that came by fewer proxies than there are counts under the address that connected.
        """
        connected = scope["client"][0] if scope.get("client") else "unknown"
        if not self.proxies:
            return connected
        headers = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        hops = [hop.strip() for hop in ",".join(headers).split(",")]
        return hops[-self.proxies] or connected if len(hops) >= self.proxies else connected

    def _take(self, address: str) -> bool:
        now = self.clock()
        tokens, since = self._buckets.pop(address, (self.per_minute, now))
        if len(self._buckets) >= MAX_ADDRESSES and not self._forget_idle(now):
            return False
        tokens = min(self.per_minute, tokens + (now - since) * self.per_minute / 60)
        allowed = tokens >= 1
        self._buckets[address] = (tokens - allowed, now)
        return allowed

    def _forget_idle(self, now: float) -> bool:
        """Drops the buckets that have filled up again; returns whether there were any."""
        idle = [address for address, (_, since) in self._buckets.items() if now - since >= 60]
        for address in idle:
            del self._buckets[address]
        return bool(idle)


def limits_from_environment() -> dict[str, float | int]:
    """`Limits`'s arguments: $ARTGPT4_RATE, requests per minute and address; $ARTGPT4_PROXIES, those in front.

    Raises:
        ValueError: one of them is no number from 0 up; the app does not start then.
    """
    rate, proxies = os.environ.get("ARTGPT4_RATE") or "1200", os.environ.get("ARTGPT4_PROXIES")
    proxies = proxies or ("1" if os.environ.get("SPACE_ID") else "0")  # a Space is behind one
    if not rate.isdigit() or not proxies.isdigit():
        raise ValueError(
            f"ARTGPT4_RATE={rate} and ARTGPT4_PROXIES={proxies}: both must be whole numbers from 0 up, the requests per"
            " minute and address, and the proxies in front."
        )
    return {"per_minute": int(rate), "proxies": int(proxies)}
