"""One visitor's flood is refused, and nobody else's questions are; who that is cannot be forged."""

import asyncio

import httpx
import pytest

import app
from artgpt4.service import Loading
from artgpt4.ui import limits
from artgpt4.ui.limits import Limits, limits_from_environment


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


async def served(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def ask(middleware, client="1.2.3.4", forwarded=(), method="POST") -> int:
    """The status that one request gets."""
    statuses = []

    async def send(message):
        statuses.append(message.get("status"))

    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope = {"type": "http", "method": method, "path": "/", "client": (client, 1), "headers": headers}
    asyncio.run(middleware(scope, None, send))
    return statuses[0]


def test_a_flood_is_refused_and_others_are_served():
    limited = Limits(served, per_minute=5, clock=Clock())
    assert [ask(limited) for _ in range(7)] == [200] * 5 + [429] * 2
    assert ask(limited, client="5.6.7.8") == 200
    assert ask(limited, method="GET") == 200  # looking makes no work


def test_after_a_while_there_is_some_again():
    clock = Clock()
    limited = Limits(served, per_minute=6, clock=clock)
    for _ in range(6):
        ask(limited)
    clock.now = 10  # a sixth of a minute
    assert [ask(limited), ask(limited)] == [200, 429]
    clock.now = 1e6
    assert [ask(limited) for _ in range(7)] == [200] * 6 + [429]


def test_a_forged_address_does_not_help():
    limited = Limits(served, per_minute=2, clock=Clock())
    assert [ask(limited, forwarded=[f"9.9.9.{n}"]) for n in range(3)] == [200, 200, 429]
    behind = Limits(served, per_minute=2, proxies=1, clock=Clock())
    assert [ask(behind, forwarded=[f"9.9.9.{n}, 7.7.7.7"]) for n in range(3)] == [200, 200, 429]
    assert ask(behind, forwarded=["9.9.9.9", "8.8.8.8"]) == 200  # another visitor, through the same proxy
    assert [ask(behind, forwarded=forwarded) for forwarded in ([], [""], [])] == [200, 200, 429]
    two = Limits(served, per_minute=1, proxies=2, clock=Clock())
    assert [ask(two, forwarded=["7.7.7.7, 10.0.0.1"]), ask(two, forwarded=["6.6.6.6, 7.7.7.7, 10.0.0.2"])] == [200, 429]


def test_when_too_many_addresses_are_known_new_ones_are_refused(monkeypatch):
    monkeypatch.setattr(limits, "MAX_ADDRESSES", 3)
    clock = Clock()
    limited = Limits(served, per_minute=5, clock=clock)
    assert [ask(limited, client=str(n)) for n in range(5)] == [200] * 3 + [429] * 2
    assert ask(limited, client="0") == 200
    clock.now = 61
    assert ask(limited, client="4") == 200
    assert len(limited._buckets) <= 3


@pytest.mark.parametrize("name, value", [("ARTGPT4_RATE", "lots"), ("ARTGPT4_RATE", "-1"), ("ARTGPT4_PROXIES", "1.5")])
def test_a_wrong_setting_is_told_and_nothing_starts(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f"{name}={value}.*whole numbers"):
        app.open_page(Loading(), app.parse_arguments([]))


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.delenv("ARTGPT4_RATE", raising=False)
    monkeypatch.setenv("SPACE_ID", "somebody/space")
    assert limits_from_environment() == {"per_minute": 1200, "proxies": 1}
    monkeypatch.setenv("ARTGPT4_RATE", "60")
    monkeypatch.setenv("ARTGPT4_PROXIES", "2")
    assert limits_from_environment() == {"per_minute": 60, "proxies": 2}


@pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")
def test_the_real_page_refuses_a_flood(monkeypatch):
    monkeypatch.setenv("ARTGPT4_RATE", "3")
    page = app.open_page(Loading(), app.parse_arguments([]))
    try:
        answers = [httpx.post(page.local_url + "gradio_api/upload", files={"files": b"x"}) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 2
        assert answers[-1].json()["detail"].startswith("Too many requests")
        assert answers[-1].headers["x-content-type-options"] == "nosniff"
        assert httpx.get(page.local_url).status_code == 200
    finally:
        page.close()
