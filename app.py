"""The page on which one talks with ArtGPT-4 about a picture: python app.py, then open http://127.0.0.1:7860."""

import argparse
import os
import signal
import sys
import threading
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from pathlib import Path

import gradio as gr
from starlette.middleware import Middleware

from artgpt4.backup import data_folder
from artgpt4.images import MAX_BYTES
from artgpt4.kept import Kept
from artgpt4.service import Loading, Service
from artgpt4.ui.compare import CSS as COMPARE_CSS
from artgpt4.ui.compare import add_compare_page
from artgpt4.ui.endpoints import add_endpoints
from artgpt4.ui.errors import sentence
from artgpt4.ui.frozen import frozen_routes
from artgpt4.ui.headers import SameOrigin, SecurityHeaders, own_hosts
from artgpt4.ui.health import health_routes
from artgpt4.ui.limits import Limits, limits_from_environment
from artgpt4.ui.organiser import KEY, organiser_key
from artgpt4.ui.page import CSS, build_page
from artgpt4.ui.presence import Presence
from artgpt4.ui.ratings import rating_routes, start_deleting
from artgpt4.ui.theme import THEME

EXAMPLES = Path(__file__).with_name("examples")


def main(arguments: list[str] | None = None) -> None:
    """Serves the page until interrupted. The page opens first; the model is loaded behind it."""
    options = parse_arguments(arguments)
    with backup():
        model, other = Loading(), Loading() if options.compare else None
        page = open_page(model, options, other)
        threading.Thread(target=load_both, args=(model, other, options), daemon=True).start()
        start_deleting()
        page.block_thread()


def open_page(model: Future, options: argparse.Namespace, other: Future | None = None) -> gr.Blocks:
    """Opens the page for a model that may still be loading, and returns at once; `page.close()` ends it.

    Args:
        other: what the model is compared with; None for itself without its adapter.
    """
    examples, data, key = sorted(EXAMPLES.glob("*.jpg")), data_folder(), organiser_key()
    page = build_page(model, options.model, examples, data)
    add_compare_page(page, model, other, examples, data / "votes.jsonl")
    service = Service(model)
    add_endpoints(page, service)
    middleware = [
        Middleware(SecurityHeaders),
        Middleware(SameOrigin, hosts=own_hosts(options.root_path, options.share)),
        Middleware(Limits, **limits_from_environment()),
        Middleware(Presence, page=page),
    ]
    routes = [*health_routes(model), *frozen_routes(Kept(data / "links"))]
    routes += rating_routes(key, options.model, examples, model)
    server = {"middleware": middleware, "routes": routes, "docs_url": None, "redoc_url": None}
    if options.mcp:
        from artgpt4.mcp_server import for_the_page

        mcp = for_the_page(service)
        server["routes"] += mcp.streamable_http_app().routes
        server["lifespan"] = lambda _: mcp.session_manager.run()
    page.launch(
        server_name=options.host,
        server_port=options.port,
        share=options.share,
        root_path=options.root_path,
        theme=THEME,
        css_paths=[CSS, COMPARE_CSS],
        footer_links=[],
        run_history=False,  # it would keep every visitor's picture in the browser
        show_error=False,
        enable_monitoring=False,
        ssr_mode=False,
        max_file_size=MAX_BYTES,
        state_session_capacity=200,
        allowed_paths=[str(EXAMPLES)],
        app_kwargs=server,
        prevent_thread_lock=True,
        _frontend=False,  # else it asks itself for the page, and gives up where that takes more than three seconds
    )
    secret = "" if os.environ.get(KEY) else f"key/{key}"  # who has set the key knows it, and logs need not
    print(f"* Organiser of artist ratings: {page.local_url}organise/{secret}", flush=True)
    return page


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line; without an argument, Gradio's own environment variables and defaults count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--model",
        default=os.environ.get("ARTGPT4_MODEL") or "mini",
        help="mini (embedded), a folder, a Hub id, or openai:http://host/v1#name; default: $ARTGPT4_MODEL, or mini",
    )
    parser.add_argument(
        "--compare",
        default=os.environ.get("ARTGPT4_COMPARE") or None,
        help="a second model for /compare, named likewise; default: $ARTGPT4_COMPARE, or the first without its adapter",
    )
    parser.add_argument("--host", help="address to listen on; default: $GRADIO_SERVER_NAME, or 127.0.0.1")
    parser.add_argument("--port", type=int, help="default: $GRADIO_SERVER_PORT, or the first free one from 7860")
    parser.add_argument("--share", action="store_true", help="also open a public gradio.live link")
    parser.add_argument(
        "--mcp",
        action="store_true",
        default=bool(os.environ.get("ARTGPT4_MCP")),
        help="also serve the Model Context Protocol at /mcp; default: whether $ARTGPT4_MCP is set",
    )
    parser.add_argument("--root-path", help="the path under which a reverse proxy serves the page")
    options = parser.parse_args(arguments)
    if options.mcp and find_spec("mcp") is None:
        parser.error("--mcp needs another package: python -m pip install -r requirements-mcp.txt")
    return options


def backup() -> AbstractContextManager:
    """Brings back what visitors created, and keeps sending it where $ARTGPT4_BACKUP says. Exits if that cannot be."""
    repo_id = os.environ.get("ARTGPT4_BACKUP")
    if not repo_id:
        return nullcontext()
    from artgpt4.backup import Backup, BackupError, data_folder

    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # how a Space is stopped: the last copy is sent then
    try:
        return Backup(data_folder(), repo_id)
    except BackupError as error:  # to go on would lose, at the next restart, what the owner wanted kept
        sys.exit(str(error))


def load_both(model: Loading, other: Loading | None, options: argparse.Namespace) -> None:
    """Loads the model, and then what it is compared with, if that is another one."""
    load(model, options.model)
    if other is not None:
        try:
            import artgpt4

            other.set_result(artgpt4.load(options.compare))
        except Exception as error:  # /compare says so; the rest of the app goes on
            print(f"{options.compare} could not be loaded: {error}", file=sys.stderr)
            other.set_exception(error)


def load(model: Loading, name: str) -> None:
    """Loads `name` into `model`; failing that the embedded model, which says so; failing that what was raised."""
    try:
        import artgpt4  # takes seconds, and the page is to open before
        from artgpt4.zerogpu import ZeroGPUModel, is_active

        def fetched(done: int, total: int) -> None:
            model.fetched = done, total

        loaded = artgpt4.load(name, progress=fetched)
        model.set_result(ZeroGPUModel(loaded) if is_active() else loaded)
    except Exception as error:  # whatever the reason, the page shows it and goes on
        print(f"{name} could not be loaded: {error}", file=sys.stderr)
        if name == "mini":
            model.set_exception(error)
        else:
            load_instead(model, name, error)


def load_instead(model: Loading, name: str, error: Exception) -> None:
    """Loads the embedded model into `model`, with a description that begins with why `name` is not there."""
    try:
        import artgpt4

        embedded = artgpt4.load("mini")
        why = (
            f"**{name} could not be loaded here, and the small embedded model answers in its place.** {sentence(error)}"
        )
        embedded.description = f"{why}\n\n{embedded.description}"
        model.set_result(embedded)
    except Exception as second:  # the page then says that there is no model
        print(f"mini could not be loaded either: {second}", file=sys.stderr)
        model.set_exception(error)


if __name__ == "__main__":
    main()
