"""An assistant's own client finds three tools that only read, over both ways in."""

import asyncio
import base64
import json
import sys
from concurrent.futures import Future
from pathlib import Path

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client

import app
import artgpt4
from artgpt4.emotions import EMOTIONS, emotion_probabilities

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "examples" / "sunset-boats.jpg"
BASE64 = base64.b64encode(PICTURE.read_bytes()).decode()


@pytest.fixture(scope="module")
def model():
    return artgpt4.load("mini", device="cpu")


@pytest.fixture(scope="module")
def address(model):
    future = Future()
    future.set_result(model)
    page = app.open_page(future, app.parse_arguments(["--mcp"]))
    yield page.local_url + "mcp"
    page.close()


def over_http(address, *calls):
    async def ask():
        async with streamablehttp_client(address) as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            return await asked(session, calls)

    return asyncio.run(ask())


async def asked(session, calls):
    tools = (await session.list_tools()).tools
    return tools, [await session.call_tool(name, arguments) for name, arguments in calls]


def text(result) -> str:
    return result.content[0].text


def test_a_client_finds_three_tools_that_only_read(address):
    tools, _ = over_http(address)
    assert {tool.name for tool in tools} == {"describe", "chat", "emotions"}
    assert all(tool.annotations.readOnlyHint and not tool.annotations.destructiveHint for tool in tools)


def test_the_tools_answer(address, model):
    _, (described, told, weighed) = over_http(
        address,
        ("describe", {"picture": BASE64}),
        ("chat", {"picture": BASE64, "question": "Why?", "earlier": [["What is it?", "A boat."]]}),
        ("emotions", {"picture": f"data:image/jpeg;base64,{BASE64}"}),
    )
    assert len(text(described).split()) > 8 and len(text(told).split()) > 3
    found = json.loads(text(weighed))
    assert tuple(found) == EMOTIONS and found == pytest.approx(emotion_probabilities(model, PICTURE), abs=1e-4)
    assert not list(model._conversations)


@pytest.mark.parametrize(
    ("picture", "told"),
    [
        ("not base64!", "not base64"),
        (base64.b64encode(b"no picture").decode(), "not a JPEG"),
        ("/etc/passwd", "not"),
        ("http://127.0.0.1/x.png", "not base64"),
        ("A" * 28_000_000, "larger than 20 MB"),
    ],
)
def test_what_is_no_picture_is_told_and_nothing_else_is_opened(address, picture, told):
    _, (result,) = over_http(address, ("describe", {"picture": picture}))
    assert result.isError and told in text(result) and "root:" not in text(result)


def test_the_page_has_no_such_door_unless_it_was_asked_for(model):
    import httpx

    future = Future()
    future.set_result(model)
    page = app.open_page(future, app.parse_arguments([]))
    try:
        assert httpx.post(page.local_url + "mcp", json={}).status_code in (404, 405)
    finally:
        page.close()


def test_an_assistant_on_this_machine_gives_paths(tmp_path):
    async def ask():
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "artgpt4.mcp_server"], cwd=ROOT, env={"HF_HUB_OFFLINE": "1"}
        )
        async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
            await session.initialize()
            calls = [("emotions", {"picture": str(PICTURE)}), ("emotions", {"picture": str(tmp_path / "none.png")})]
            return await asked(session, calls)

    tools, (found, missing) = asyncio.run(ask())
    assert len(tools) == 3 and tuple(json.loads(text(found))) == EMOTIONS
    assert missing.isError and "no picture file named 'none.png'" in text(missing)
