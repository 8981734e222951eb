"""The three functions as tools of an MCP server: describe, chat and emotions. They read a picture and change nothing.

For an assistant on this machine, over stdin and stdout, with pictures by their path: python -m artgpt4.mcp_server
For others, at /mcp of the page, with pictures as base64: python app.py --mcp
Both need the package mcp: python -m pip install -r requirements-mcp.txt
"""

import argparse
import base64
import binascii
import os
from collections.abc import Callable
from pathlib import Path

import anyio
from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import ToolAnnotations

from artgpt4.images import MAX_BYTES, PictureError
from artgpt4.service import Loading, Service
from artgpt4.ui.errors import sentence

#: Calls that are computed at the same time, and that may wait besides.
AT_ONCE, WAITING = 4, 32
_READ_ONLY = ToolAnnotations(readOnlyHint=True, destructiveHint=False, idempotentHint=True, openWorldHint=False)


def build(service: Service, open_picture: Callable[[str], bytes | Path], how: str) -> FastMCP:
    """The server.

    Args:
        service: what the tools are made of.
        open_picture: makes of the text that a tool is given what the service takes.
        how: for the tools' descriptions, what that text is.
    """
    server = FastMCP(
        "ArtGPT-4",
        instructions="Reads pictures: what is in them, how they are made, and the emotions they evoke.",
        stateless_http=True,
        max_request_body_size=MAX_BYTES * 3 // 2,  # in base64 a picture is a third longer
        json_response=True,
        # It holds no cookies and no secrets: a web page that reaches it learns what anybody may ask.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    limiter = anyio.CapacityLimiter(AT_ONCE)

    async def compute(function: Callable, *arguments):
        if limiter.statistics().tasks_waiting >= WAITING:
            raise ToolError("Too many calls are waiting. Try again in a minute.")
        try:
            return await anyio.to_thread.run_sync(function, *arguments, limiter=limiter)
        except Exception as error:
            raise ToolError(sentence(error)) from error

    @server.tool(description=f"Describes a picture, with the mood it has. picture: {how}", annotations=_READ_ONLY)
    async def describe(picture: str) -> str:
        return await compute(lambda: service.describe(open_picture(picture)))

    @server.tool(
        description=f"Answers a question about a picture. picture: {how} earlier: the rounds before this question, "
        "each as [question, answer].",
        annotations=_READ_ONLY,
    )
    async def chat(picture: str, question: str, earlier: list[tuple[str, str]] | None = None) -> str:
        def answer() -> str:
            *_, text = ["", *service.chat(open_picture(picture), question, earlier or [])]
            return text

        return await compute(answer)

    @server.tool(
        description=f"How likely a picture evokes each of ArtEmis's nine emotions; sums to 1. picture: {how}",
        annotations=_READ_ONLY,
    )
    async def emotions(picture: str) -> dict[str, float]:
        return await compute(lambda: service.emotions(open_picture(picture)))

    return server


def from_base64(text: str) -> bytes:
    """A picture's bytes. Raises PictureError: too many, or not base64."""
    text = text.partition(",")[2] if text.startswith("data:") else text
    if len(text) > MAX_BYTES * 4 // 3 + 4:
        raise PictureError("too_many_bytes", f"This picture is larger than {MAX_BYTES // 1024**2} MB; send it smaller.")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise PictureError("damaged", "The picture is not base64; send its file's bytes in base64.") from error


def for_the_page(service: Service) -> FastMCP:
    """The server that the page has at /mcp."""
    return build(service, from_base64, "a JPEG, PNG, WebP or GIF file's bytes, in base64.")


def main() -> None:
    """Serves one client over stdin and stdout until it goes."""
    from artgpt4.loading import load

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=os.environ.get("ARTGPT4_MODEL") or "mini", help="as for app.py")
    model = Loading()
    model.set_result(load(parser.parse_args().model))
    build(Service(model), Path, "the path of a JPEG, PNG, WebP or GIF file on this machine.").run("stdio")


if __name__ == "__main__":
    main()
