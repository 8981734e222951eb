"""Fifty visitors at once: python -m benchmarks.load [--visitors 50] [--turns 40] [--minutes 20]

Starts the app with the embedded model on a free port of this machine, lets scripted visitors talk with it as a browser
would, and stops by itself. Each visitor has a picture and a word of its own, and a fixed seed. Prints how long they
waited, what went wrong, whether anybody got another's words, and the app's memory over the time.

Memory grows by design until every talk is as long as the model can read, since each keeps its KV cache: for the
embedded model 8.8 MB a talk at most, reached after twenty turns. Whether it then stays is the slope over the
turns that follow.
"""

import argparse
import io
import json
import os
import secrets
import statistics
import sys
import tempfile
import threading
import time
from bisect import bisect
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import httpx
import numpy as np
import psutil
from PIL import Image

from artgpt4.ui.page import build_page
from benchmarks.browser import running_app

#: Of each answer: as long as the embedded model's mostly are.
MAX_NEW_TOKENS = 40
#: Turns of one visitor in an hour.
HOUR = 30
#: Of each visitor, after which a talk's cache grows no more: ten talks held 82.7 MB after 20 turns and 82.2 after 24.
WARM_UP = 20
#: Seconds that one turn may take before it counts as an error.
PATIENCE = 600


@dataclass
class Result:
    """What one or more visitors met: seconds to the first words and to the last, by turn; and what went wrong.

    `ended`: when each turn ended, by `time.monotonic`.
    """

    ended: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    transcripts: list[list[str]] = field(default_factory=list)


class ScriptedVisitor:
    """A browser tab, without the browser: what Gradio's front end would send, in its order.

    Args:
        address: of the app.
        number: which visitor this is.
        functions: the page's, by name.
    """

    def __init__(self, address: str, number: int, functions: dict):
        self.functions = functions
        self.number, self.session = number, secrets.token_hex(8)
        self.word = f"word{number}x{secrets.token_hex(3)}"
        self.http = httpx.Client(base_url=address + "gradio_api", timeout=PATIENCE)
        self.result = Result()

    @property
    def picture(self) -> bytes:
        """A PNG in a colour of this visitor's own."""
        buffer = io.BytesIO()
        Image.new("RGB", (224, 224), (5 * self.number % 256, 40, 200)).save(buffer, "PNG")
        return buffer.getvalue()

    @property
    def parameters(self) -> dict:
        """How this visitor's answers are drawn, in the order of the page."""
        drawn = {"temperature": 0.7, "top_p": 0.9, "max_new_tokens": MAX_NEW_TOKENS, "repetition_penalty": 1.0}
        return drawn | {"num_beams": 1, "seed": 1 + self.number}

    def talk(self, turns: int, until: float) -> Result:
        """Opens the page, shows a picture of its own colour, and asks until `turns` or the time are over."""
        try:
            with self._open():
                path = self.http.post("/upload", files={"files": ("picture.png", self.picture)}).json()[0]
                picture = {"path": path, "orig_name": "picture.png", "meta": {"_type": "gradio.FileData"}}
                self._call("enter")
                self._call("show", picture)
                self._call("prepare")
                for turn in range(turns):
                    if time.monotonic() > until:
                        break
                    self._turn(turn, picture)
        except Exception as error:  # one visitor's trouble is a row of the report, whatever it was
            self.result.errors.append(f"visitor {self.number}: {type(error).__name__}: {error}")
        return self.result

    def _open(self):
        """Holds the request open that tells the server that the tab is there."""
        return self.http.stream("GET", f"/heartbeat/{self.session}")

    def _turn(self, turn: int, picture: dict) -> None:
        asked = f"What does {self.word} feel like, {turn}?"
        self._call("ask", asked, picture)
        started, first, last = time.monotonic(), None, None
        for message in self._events("answer", None, *self.parameters.values()):
            if message["msg"] == "process_completed":
                if not message["success"]:
                    raise RuntimeError(f"turn {turn}: {message.get('title')} {message['output']}")
                last = message["output"]["data"]
            elif message["msg"] == "process_generating" and first is None:
                first = time.monotonic() - started
        chat, told = last[0], [value for value in last if isinstance(value, str)]
        texts = ["".join(block["text"] for block in message["content"]) for message in chat]
        if len(texts) != 2 * turn + 2 or texts[-2] != asked or not texts[-1].strip("…"):
            self.result.errors.append(f"visitor {self.number}, turn {turn}: {len(texts)} messages, {told}")
        if any(self.word not in text for text in texts[::2]):
            self.result.mixed.append(f"visitor {self.number}, turn {turn}: {texts}")
        self.result.first.append(first or 0.0)
        self.result.ended.append(time.monotonic())
        self.result.whole.append(self.result.ended[-1] - started)
        self.result.transcripts.append(texts)

    def _call(self, name: str, *values) -> None:
        for message in self._events(name, *values):
            if message["msg"] == "process_completed" and not message["success"]:
                raise RuntimeError(f"{name}: {message['output']}")

    def _events(self, name: str, *values) -> Iterator[dict]:
        function = self.functions[name]
        data = [values[i] if i < len(values) else getattr(c, "value", None) for i, c in enumerate(function.inputs)]
        data = [None if c.get_block_name() == "state" else d for c, d in zip(function.inputs, data, strict=True)]
        body = {"fn_index": function._id, "data": data, "session_hash": self.session}
        joined = self.http.post("/queue/join", json=body)
        joined.raise_for_status()
        event = joined.json()["event_id"]
        with self.http.stream("GET", "/queue/data", params={"session_hash": self.session}) as lines:
            for line in lines.iter_lines():
                message = json.loads(line.removeprefix("data:")) if line else {}
                if message.get("event_id") == event:
                    yield message
                    if message["msg"] == "process_completed":
                        return
        raise RuntimeError(f"{name}: the server closed the connection")


class Memory(threading.Thread):
    """Samples the resident memory of a process once a second: when, by `time.monotonic`, and bytes."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.process, self.over = psutil.Process(pid), threading.Event()
        self.samples: list[tuple[float, int]] = []

    def run(self) -> None:
        while not self.over.wait(1):
            self.samples.append((time.monotonic(), self.process.memory_info().rss))


def visitors_of(address: str, count: int) -> list[ScriptedVisitor]:
    """So many visitors of the app at `address`."""
    page = build_page(Future(), "mini")  # the same page has the same functions, under the same numbers
    functions = {function.name: function for function in page.fns.values()}
    return [ScriptedVisitor(address, number, functions) for number in range(count)]


def run(tabs: list[ScriptedVisitor], turns: int, seconds: float) -> Result:
    """Lets the visitors talk at the same time, each at most so many turns; gives all their results in one."""
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(len(tabs)) as pool:
        results = list(pool.map(lambda tab: tab.talk(turns, until), tabs))
    together = Result()
    for tab, result in zip(tabs, results, strict=True):
        for name in ("ended", "first", "whole", "errors", "mixed", "transcripts"):
            getattr(together, name).extend(getattr(result, name))
        others = [other.word for other in tabs if other is not tab]
        for texts in result.transcripts:
            if any(word in text for text in texts for word in others):
                together.mixed.append(f"visitor {tab.number}: {texts}")
    return together


def main() -> int:
    """Runs it and prints the figures; returns 1 if there was an error, or anybody got another's words."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description="Fifty visitors at once.")
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--turns", type=int, default=40, help=f"of each visitor; an hour has about {HOUR}")
    parser.add_argument("--minutes", type=float, default=20, help="after which no new question is asked")
    options = parser.parse_args()
    os.environ["ARTGPT4_RATE"] = "1000000"  # all of them come from one address
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder) / "app.log") as address:
        while httpx.get(address + "readyz", timeout=PATIENCE).status_code != 200:
            time.sleep(0.2)
        port = httpx.URL(address).port
        app = next(c.pid for c in psutil.net_connections() if c.status == "LISTEN" and c.laddr.port == port)
        memory = Memory(app)
        memory.start()
        started = time.monotonic()
        result = run(visitors_of(address, options.visitors), options.turns, 60 * options.minutes)
        seconds = time.monotonic() - started
        memory.over.set()
        memory.join()
    report(options.visitors, result, seconds, memory.samples)
    return 1 if result.errors or result.mixed else 0


def growth(ended: list[float], samples: list[tuple[float, int]], warm_up: int) -> tuple[float, float] | None:
    """How many bytes the app's memory grows per turn after the first `warm_up`, and half its 95 % interval's width.

    The least-squares slope over ten stretches of equally many turns, each with its median, for samples a second apart
    are not independent; by Student's t. None if there are too few turns.

    Args:
        ended: when each turn ended.
        samples: when, and bytes.
    """
    ended = sorted(ended)
    turns = np.array([bisect(ended, when) for when, _ in samples])
    memory = np.array([size for _, size in samples], dtype=float)
    edges = np.linspace(warm_up, len(ended), _STRETCHES + 1)
    inside = [(turns >= first) & (turns <= last) for first, last in pairwise(edges)]
    if len(ended) < warm_up + 10 * _STRETCHES or not all(stretch.any() for stretch in inside):
        return None
    x = np.array([turns[stretch].mean() for stretch in inside])
    y = np.array([np.median(memory[stretch]) for stretch in inside])
    slope, start = np.polyfit(x, y, 1)
    left = ((y - slope * x - start) ** 2).sum() / (_STRETCHES - 2)
    return float(slope), float(_STUDENT * (left / ((x - x.mean()) ** 2).sum()) ** 0.5)


#: And Student's t for two-sided 95 % with two degrees of freedom less.
_STRETCHES, _STUDENT = 10, 2.306


def report(visitors: int, result: Result, seconds: float, samples: list[tuple[float, int]]) -> None:
    """Prints the figures. Memory is that of the app, by tenths of the time."""
    load = os.getloadavg()[0]
    print(f"\n{visitors} visitors, {len(result.whole)} turns in {seconds:.0f} s; load of this machine {load:.1f}\n")
    for name, times in (("to the first words", result.first), ("to the whole answer", result.whole)):
        if times:
            ordered = sorted(times)
            print(
                f"{name:20}  median {statistics.median(times):6.2f} s   "
                f"95 % {ordered[int(0.95 * (len(ordered) - 1))]:6.2f} s   longest {ordered[-1]:6.2f} s"
            )
    print(f"{'errors':20}  {len(result.errors)}")
    print(f"{'got another’s words':20}  {len(result.mixed)}")
    tenths = [statistics.median(part) for part in _tenths([size for _, size in samples])]
    print(f"{'memory, by tenths':20}  " + " ".join(f"{value / 1e6:.0f}" for value in tenths) + " MB")
    grown = growth(result.ended, samples, WARM_UP * visitors)
    told = f"too few turns to tell: more than {WARM_UP * visitors + 10 * _STRETCHES} are needed"
    if grown:
        slope, half = (value * visitors * HOUR / 1e6 for value in grown)
        told = f"{slope:+.1f} MB an hour (95 %: {slope - half:+.1f} to {slope + half:+.1f}), after {WARM_UP} turns each"
    print(f"{'memory grows by':20}  {told}")
    for line in [*result.errors[:10], *result.mixed[:10]]:
        print("   ", line[:300])


def _tenths(samples: list[int]) -> list[list[int]]:
    size = max(1, len(samples) // 10)
    return [samples[start : start + size] for start in range(0, len(samples), size)][:10]


if __name__ == "__main__":
    sys.exit(main())
