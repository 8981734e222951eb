"""The page on which one talks with ArtGPT-4 about a picture: python app.py, then open http://127.0.0.1:7860."""

import argparse
import os
import sys
import threading
from concurrent.futures import Future
from pathlib import Path

import gradio as gr
from starlette.middleware import Middleware

from artgpt4.images import MAX_BYTES
from artgpt4.ui.headers import SecurityHeaders
from artgpt4.ui.organiser import KEY, organiser_key
from artgpt4.ui.page import CSS, THEME, build_page
from artgpt4.ui.ratings import rating_routes

EXAMPLES = Path(__file__).with_name("examples")


def main(arguments: list[str] | None = None) -> None:
    """Serves the page until interrupted. The page opens first; the model is loaded behind it."""
    options = parse_arguments(arguments)
    model = Future()
    page = open_page(model, options)
    threading.Thread(target=load, args=(model, options.model), daemon=True).start()
    page.block_thread()


def open_page(model: Future, options: argparse.Namespace) -> gr.Blocks:
    """Opens the page for a model that may still be loading, and returns at once; `page.close()` ends it."""
    examples, key = sorted(EXAMPLES.glob("*.jpg")), organiser_key()
    page = build_page(model, options.model, examples)
    routes = rating_routes(key, options.model, examples)
    page.launch(
        server_name=options.host,
        server_port=options.port,
        share=options.share,
        root_path=options.root_path,
        theme=THEME,
        css_paths=CSS,
        footer_links=[],
        run_history=False,  # it would keep every visitor's picture in the browser
        show_error=False,
        enable_monitoring=False,
        ssr_mode=False,
        max_file_size=MAX_BYTES,
        state_session_capacity=200,
        allowed_paths=[str(EXAMPLES)],
        app_kwargs={
            "middleware": [Middleware(SecurityHeaders)],
            "routes": routes,
            "docs_url": None,
            "redoc_url": None,
        },
        prevent_thread_lock=True,
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
        help="mini (embedded), a folder, or a Hub id; default: $ARTGPT4_MODEL, or mini",
    )
    parser.add_argument("--host", help="address to listen on; default: $GRADIO_SERVER_NAME, or 127.0.0.1")
    parser.add_argument("--port", type=int, help="default: $GRADIO_SERVER_PORT, or the first free one from 7860")
    parser.add_argument("--share", action="store_true", help="also open a public gradio.live link")
    parser.add_argument("--root-path", help="the path under which a reverse proxy serves the page")
    return parser.parse_args(arguments)


def load(model: Future, name: str) -> None:
    """Loads `name` into `model`, or the exception that it raised."""
    try:
        import artgpt4  # takes seconds, and the page is to open before

        model.set_result(artgpt4.load(name))
    except Exception as error:  # the page shows that there is no model, whatever the reason
        print(f"{name} could not be loaded: {error}", file=sys.stderr)
        model.set_exception(error)


if __name__ == "__main__":
    main()
