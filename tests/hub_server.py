"""A small server that speaks the Hugging Face Hub's endpoints, for the real client to talk to."""

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class HubServer(ThreadingHTTPServer):
    """`repos`: owner/name -> path -> bytes. `break_once`: a path whose next download ends halfway.

    `hold`: the end of a path whose second half waits for `go_on`.

    `made`: owner/name -> what the client asked for when it made the repository. `settings`: what it set of a Space, as
    (name of the setting, body).
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos: dict[str, dict[str, bytes]] = {}
        self.objects: dict[str, bytes] = {}
        self.made: dict[str, dict] = {}
        self.settings: list[tuple[str, dict]] = []
        self.break_once = ""
        self.hold, self.go_on = "\0", threading.Event()
        self.fail = "\0"  # part of the paths that are answered with an error
        self.ranges: list[tuple[str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


def commit_of(files: dict[str, bytes]) -> str:
    """A commit hash that changes with the content."""
    return hashlib.sha1(repr([(n, hashlib.sha1(d).hexdigest()) for n, d in sorted(files.items())]).encode()).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, body, status=200, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_PUT(self):
        self.server.objects[self.path.rpartition("/")[2]] = self.body()
        self.send({})

    def do_POST(self):
        server, body, path = self.server, self.body(), self.path.partition("?")[0]
        if self.headers.get("Authorization") != "Bearer hf_good":
            return self.send({"error": "Invalid credentials"}, 401)
        if path == "/api/validate-yaml":
            return self.send({"errors": [], "warnings": []})
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            if asked["organization"] != "painter":
                return self.send({"error": "Forbidden"}, 403)
            status = 409 if name in server.repos else 200
            if name not in server.repos:
                server.repos[name], server.made[name] = {}, asked
            return self.send({"url": f"{server.url}/{name}"}, status)
        if match := re.fullmatch(r"/api/spaces/([^/]+/[^/]+)/(secrets|variables|hardware)", path):
            server.settings.append((match[2], json.loads(body)))
            runtime = {"stage": "BUILDING", "hardware": {"current": None, "requested": "cpu-basic"}}
            return self.send(runtime if match[2] == "hardware" else {})
        if match := re.fullmatch(r"/api/(?:models|datasets|spaces)/([^/]+/[^/]+)/preupload/main", path):
            files = [file["path"] for file in json.loads(body)["files"]]
            modes = {name: "lfs" if name.endswith((".safetensors", ".png")) else "regular" for name in files}
            return self.send(
                {"files": [{"path": n, "uploadMode": mode, "shouldIgnore": False} for n, mode in modes.items()]}
            )
        if path.endswith("/info/lfs/objects/batch"):
            objects = json.loads(body)["objects"]
            for one in objects:
                if one["oid"] not in server.objects:
                    one["actions"] = {"upload": {"href": f"{server.url}/lfs/{one['oid']}"}}
            return self.send({"transfer": "basic", "objects": objects})
        if match := re.fullmatch(r"/api/(?:models|datasets|spaces)/([^/]+/[^/]+)/commit/main", path):
            files = server.repos[match[1]]
            for line in body.splitlines():
                row = json.loads(line)
                value = row["value"]
                if row["key"] == "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                elif row["key"] == "lfsFile":
                    files[value["path"]] = server.objects[value["oid"]]
                elif row["key"] == "deletedFile":
                    del files[value["path"]]
            return self.send({"commitUrl": f"{server.url}/{match[1]}/commit/main", "commitOid": commit_of(files)})
        self.send({"error": "no such endpoint"}, 404)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        server, path = self.server, self.path.partition("?")[0]
        if server.fail in path:
            return self.send({"error": "Forbidden"}, 403)
        match = re.fullmatch(
            r"/(?:(?:api/)?(?:models|datasets|spaces)/)?([^/]+/[^/]+)(?:/(revision|tree|resolve)/[^/]+/?(.*))?", path
        )
        if not match or match[1] not in server.repos:
            return self.send({"error": "Repository not found"}, 404, X_Error_Code="RepoNotFound")
        name, kind, file = match.groups()
        files = server.repos[name]
        if kind in (None, "revision"):
            made = server.made.get(name, {})
            is_private = made.get("private") or made.get("visibility") == "private"
            siblings = [{"rfilename": f} for f in files]
            return self.send({"id": name, "sha": commit_of(files), "siblings": siblings, "private": bool(is_private)})
        if kind == "tree":
            return self.send(
                [
                    {"type": "file", "path": f, "size": len(d), "oid": hashlib.sha1(d).hexdigest()}
                    for f, d in files.items()
                ]
            )
        if file not in files:
            return self.send({"error": "Entry not found"}, 404, X_Error_Code="EntryNotFound")
        data = files[file]
        headers = {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X_Repo_Commit": commit_of(files)}
        if self.command == "GET" and file == server.break_once:
            server.break_once = ""
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
            return
        if asked := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            start = int(asked[1])
            server.ranges.append((file, asked[0]))
            headers["Content_Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            return self.send(data[start:], 206, **headers)
        if self.command == "GET" and file.endswith(server.hold):
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            server.go_on.wait(300)
            self.wfile.write(data[len(data) // 2 :])
            return
        self.send(data, **headers)
