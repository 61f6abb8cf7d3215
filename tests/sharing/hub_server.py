"""The hub's API on this machine, as far as its own client asks for it to push and to fetch.

Repositories are folders, ``root/kind/owner/name/branch``. Every file goes the way of small ones,
inside of the commit; large files of the real hub go to another store, which is not stood in for.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


def commit_of(branch: Path) -> str:
    """Forty digits that stand for what a branch holds."""
    digest = hashlib.sha1()
    for path in sorted(path for path in branch.rglob("*") if path.is_file()):
        digest.update(str(path.relative_to(branch)).encode() + path.read_bytes())
    return digest.hexdigest()


class _Request(BaseHTTPRequestHandler):
    root: Path
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        match self._parts():
            case ["api", kind, owner, name, "revision", revision]:
                branch = self._repository(kind, owner, name) / revision
                if not branch.is_dir():
                    return self._say({"error": "no such revision"}, 404, "RevisionNotFound")
                return self._say({"id": f"{owner}/{name}", "sha": commit_of(branch)})
            case ["api", kind, owner, name, "tree", commit]:
                branch = self._branch(self._repository(kind, owner, name), commit)
                files = sorted(path for path in branch.rglob("*") if path.is_file())
                return self._say([_entry(path, branch) for path in files])
            case [owner, name, "resolve", commit, *place]:
                branch = self._branch(self._repository("models", owner, name), commit)
                return self._send(branch.joinpath(*place).read_bytes(), commit)
        # Among what is asked beside files are lists that the client does without.
        return self._say({"error": "not found"}, 404)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        match self._parts():
            case ["api", "validate-yaml"]:
                return self._say({"errors": [], "warnings": []})
            case ["api", "repos", "create"]:
                asked = json.loads(body)
                assert asked["visibility"] == "private"
                kind, owner, name = asked["type"], asked["organization"], asked["name"]
                (self._repository(f"{kind}s", owner, name) / "main").mkdir(parents=True)
                return self._say({"url": f"http://{self.headers['Host']}/{owner}/{name}"})
            case ["api", kind, owner, name, "branch", branch]:
                (self._repository(kind, owner, name) / branch).mkdir()
                return self._say({})
            case ["api", _, _, _, "preupload", _]:
                asked = [file["path"] for file in json.loads(body)["files"]]
                mode = {"uploadMode": "regular", "shouldIgnore": False}
                return self._say({"files": [{"path": path, **mode} for path in asked]})
            case ["api", kind, owner, name, "commit", revision]:
                branch = self._repository(kind, owner, name) / revision
                assert branch.is_dir(), "no branch"
                for line in map(json.loads, body.splitlines()):
                    if line["key"] == "file":
                        _write(branch / line["value"]["path"], line["value"]["content"])
                url = f"http://{self.headers['Host']}/{owner}/{name}/commit/{commit_of(branch)}"
                return self._say({"commitUrl": url, "commitOid": commit_of(branch)})
        raise AssertionError(f"the stand-in has no {self.path}")

    def _parts(self) -> list[str]:
        return [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]

    def _repository(self, kind: str, owner: str, name: str) -> Path:
        return self.root / kind.removesuffix("s") / owner / name

    def _branch(self, repository: Path, commit: str) -> Path:
        return next(branch for branch in repository.iterdir() if commit_of(branch) == commit)

    def _say(self, answer: Any, status: int = 200, error: str = "") -> None:
        self._send(json.dumps(answer).encode(), status=status, error=error)

    def _send(self, body: bytes, commit: str = "", status: int = 200, error: str = "") -> None:
        self.send_response(status)
        headers = {
            "Content-Length": str(len(body)), "ETag": f'"{hashlib.sha1(body).hexdigest()}"',
            "X-Repo-Commit": commit, "X-Error-Code": error,
        }  # fmt: skip
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Requests are not told."""


def _entry(path: Path, branch: Path) -> dict[str, Any]:
    content = path.read_bytes()
    oid = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    where = str(path.relative_to(branch))
    return {"type": "file", "path": where, "size": len(content), "oid": oid}


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(base64.b64decode(content))


@contextmanager
def hub_server(root: Path) -> Iterator[str]:
    """Serve the repositories in a folder for a while; the address is what ``HF_ENDPOINT`` takes."""
    handler = type("Handler", (_Request,), {"root": root})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
