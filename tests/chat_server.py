"""A small server that speaks the OpenAI chat protocol, for the page's real client to talk to."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ChatServer(ThreadingHTTPServer):
    """`asked`: the bodies of all requests. `words`: what it answers; `end`: why that ends; `status`: of its answers.

    `logprobs`: of the first token, token -> natural logarithm, for who asks for them; None: it tells none.
    With `wait` set it waits for that event after the first word. `left`: set once a client has gone before the end.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked, self.headers = [], []
        self.words, self.end, self.status, self.said = ["A ", "boat", "."], "stop", 200, "{}"
        self.logprobs: dict[str, float] | None = None
        self.wait: threading.Event | None = None
        self.left = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/v1"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.headers.append(dict(self.headers))
        self.send_response(200 if self.path == "/v1/models" else 404)
        self.end_headers()
        self.wfile.write(json.dumps({"data": [{"id": "eye"}]}).encode())

    def do_POST(self):
        server = self.server
        server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(server.status)
        self.end_headers()
        if server.status != 200:
            self.wfile.write(server.said.encode())
            return
        if not server.asked[-1]["stream"]:
            likely = [{"token": token, "logprob": value} for token, value in (server.logprobs or {}).items()]
            told = {"content": [{"token": "", "top_logprobs": likely}]} if likely else None
            answer = {"choices": [{"message": {"content": server.words[0]}, "logprobs": told}]}
            self.wfile.write(json.dumps(answer).encode())
            return
        try:
            for word in server.words:
                self.event({"choices": [{"delta": {"content": word}, "finish_reason": None}]})
                if server.wait:
                    server.wait.wait(10)
            if server.end:
                self.event({"choices": [{"delta": {}, "finish_reason": server.end}]})
                self.event({"choices": [], "usage": {"completion_tokens": 7}})
                self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            server.left.set()

    def event(self, value):
        self.wfile.write(f"data: {json.dumps(value)}\n\n".encode())
        self.wfile.flush()
