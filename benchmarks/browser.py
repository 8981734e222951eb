"""The real app process, and the system's own Chromium: for the browser tests and the README's pictures."""

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[1]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")


@contextmanager
def running_app(log: Path, *arguments: str, script: str = "app.py", **environment: str):
    """Runs `python app.py`, or a script in its place, on a free port; gives its address once a page can be had.

    Args:
        environment: variables beside this process's own, such as another `HF_HUB_OFFLINE` than 1.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log.open("w") as output:
        app = subprocess.Popen(
            [sys.executable, script, "--port", str(port), *arguments],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ
            | {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
            | environment,
        )
    address = f"http://127.0.0.1:{port}/"
    try:
        deadline = time.monotonic() + 300
        while True:
            if app.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the app did not open its page:\n{log.read_text()[-2000:]}")
            try:
                httpx.get(address, timeout=10).raise_for_status()
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield address
    finally:
        app.terminate()
        app.wait(timeout=20)


@contextmanager
def chromium():
    """Gives a headless Chromium: the system's, or the one that playwright has installed.

    Raises:
        RuntimeError: there is neither.
    """
    with sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, NAMES)), None) or playwright.chromium.executable_path
        if not Path(path).exists():
            raise RuntimeError(
                "The browser tests need Chromium or Chrome, and found none. Install your system's (Debian and Ubuntu: "
                "`apt-get install chromium`), or run `python -m playwright install chromium`."
            )
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
        arguments += ["--disable-background-networking", "--disable-component-update"]
        browser: Browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()
