"""A git server over HTTP, by git's own http-backend, and what it does to those who may not."""

import base64
import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.tools.gits import CLEAN, git

TOKEN = "s3cret-token-of-the-project"
READS_ONLY = "a-token-that-reads-only"


@dataclass(frozen=True)
class Asked:
    """A request."""

    method: str
    path: str
    query: str
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True)
class Given:
    """An answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Say = Callable[[Asked], Given]


class GitServer:
    """Repositories under `root`, for who has TOKEN. `api` answers /api/, `instead` everything, where they are set."""

    def __init__(self, root: Path, *, tls: ssl.SSLContext | None = None) -> None:
        if shutil.which("git") is None:
            pytest.skip("no git program")
        self.root = root
        self.api: Say | None = None
        self.instead: Say | None = None
        self.before: Callable[[Asked], None] = lambda asked: None
        self.asked: list[Asked] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._scheme = "https" if tls else "http"
        if tls:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._http.server_port}"

    @property
    def url(self) -> str:
        return f"{self._scheme}://{self.host}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def repository(self, path: str = "acme/website", *, of: Path | None = None) -> Path:
        """A new bare repository; with what another one has checked out as its main branch."""
        place = self.root / f"{path}.git"
        place.mkdir(parents=True)
        git(place, "init", "--quiet", "--bare", "--initial-branch=main")
        git(place, "config", "http.receivepack", "true")
        if of is not None:
            git(of, "push", "--quiet", str(place), "HEAD:refs/heads/main")
        return place

    def protect(
        self, place: Path, words: str = "GitLab: You are not allowed to push code to protected branches"
    ) -> None:
        """From now on its hook refuses each push."""
        hook = place / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 1\n")
        hook.chmod(0o755)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                parts = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, parts.path, parts.query, headers, body)
                server.asked.append(asked)
                given = server.answer(asked)
                self.send_response(given.status)
                for name, value in {**given.headers, "Content-Length": str(len(given.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(given.body)

            do_GET = do_POST = do_PATCH = do_PUT = _serve

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def answer(self, asked: Asked) -> Given:
        """What is said to this."""
        self.before(asked)
        if self.instead is not None:
            return self.instead(asked)
        if asked.path.startswith("/api/"):
            return self.api(asked) if self.api else Given(404)
        return self._git(asked)

    def _git(self, asked: Asked) -> Given:
        token = _token(asked)
        if token not in (TOKEN, READS_ONLY):
            return Given(401, headers={"WWW-Authenticate": 'Basic realm="git"'})
        if not (self.root / asked.path.lstrip("/").partition(".git/")[0]).with_suffix(".git").is_dir():
            return Given(404)
        return Given(403) if token == READS_ONLY else self._backend(asked)

    def _backend(self, asked: Asked) -> Given:
        environ = {
            **CLEAN,
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": asked.method,
            "PATH_INFO": asked.path,
            "QUERY_STRING": asked.query,
            "CONTENT_TYPE": asked.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(asked.body)),
            "REMOTE_USER": "project",
            "REMOTE_ADDR": "127.0.0.1",
            "HOME": os.devnull,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        done = subprocess.run(["git", "http-backend"], env=environ, input=asked.body, capture_output=True, check=True)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        return Given(int(headers.pop("Status", "200").split()[0]), body, headers)


def _token(asked: Asked) -> str:
    kind, _, pair = asked.headers.get("authorization", "").partition(" ")
    return base64.b64decode(pair).decode().partition(":")[2] if kind == "Basic" else ""
