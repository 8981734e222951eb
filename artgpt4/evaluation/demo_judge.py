"""A judge that is a rule and no model, behind an OpenAI-compatible server on loopback, for the demo.

It gives a point for each six different words, up to five. That says nothing about an answer; it shows how the judge is
asked, recorded and replayed.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: What it is called, in the record and in the report.
NAME = "rule-not-a-model"
RULE = "a point for each six different words, up to five"


@contextmanager
def rule_judge() -> Iterator[str]:
    """Serves until it is left; gives the address up to and without `/chat/completions`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def verdict(prompt: str) -> dict:
    """What the rule says to one of the prompts of `judge`: a score, or which of two answers is better."""
    _, compares, answers = prompt.partition("\n\nFirst answer\n")
    if not compares:
        return {"score": _points(prompt), "reason": RULE}
    first, second = map(_points, answers.split("\n\nSecond answer\n", 1))
    return {"better": "first" if first > second else "second" if second > first else "same", "reason": RULE}


def _points(text: str) -> int:
    said = " ".join(re.findall(r"^Answer: (.*)$", text, re.MULTILINE))
    return min(5, len(set(re.findall(r"\w+", said.lower()))) // 6)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = next(part["text"] for part in body["messages"][0]["content"] if part["type"] == "text")
        message = {"role": "assistant", "content": json.dumps(verdict(prompt))}
        content = json.dumps({"choices": [{"message": message}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass  # the demo's own lines are what is shown
