"""A git server for tests: https on this machine, by `git http-backend`, with tokens and every misbehaviour we know.

    with GitServer(folder) as git_server:
        origin = git_server.add("team/site", {"README.md": "# Site"}, token="s3cret")
        git_server.url("team/site")      # https://127.0.0.1:PORT/team/site.git; git_server.ca is who has signed it

It fetches and takes pushes. `answers` says what an address does instead, such as `git_server.redirect(...)`.
"""

import base64
import contextlib
import gzip
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.certificates import own_certificate
from tests.tools.gits import CLEAN, git

SMALL = {"README.md": "# Site\n", "src/app.py": "print('hello')\n"}


@dataclass
class Seen:
    """A request that came in."""

    method: str
    path: str  # with the query
    credentials: str  # `name:token`, empty where none were sent


@dataclass
class Hold:
    """A pack that stops in its middle: `reached` is set by then, and it goes on after `release`."""

    after: int  # bytes
    reached: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)


Answer = Callable[["_Handler"], None]


class GitServer:
    """The repositories below `folder`, by https on a port of 127.0.0.1."""

    def __init__(self, folder: Path, *, is_plain: bool = False) -> None:
        """`is_plain`: http instead."""
        folder.mkdir(parents=True, exist_ok=True)
        self.repositories = folder / "repositories"
        self.ca = folder / "server.pem"
        self.seen: list[Seen] = []
        self.tokens: dict[str, tuple[str, str]] = {}  # by the name of a repository: (user or "", token)
        self.answers: dict[str, Answer] = {}  # by the name of a repository: instead of git's own
        self.holds: dict[str, Hold] = {}
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.git_server = self
        self._scheme = "http" if is_plain else "https"
        if not is_plain:
            self._server.tls = own_certificate(folder)
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> "GitServer":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for hold in self.holds.values():
            hold.release.set()
        self._server.is_closed.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def host(self) -> str:
        """Host and port, as OUTWARD_ALLOW takes them."""
        return f"127.0.0.1:{self.port}"

    def url(self, name: str) -> str:
        """Where a repository is fetched from."""
        return f"{self._scheme}://{self.host}/{name}.git"

    def path(self, name: str) -> Path:
        """Where it lies."""
        return self.repositories / f"{name}.git"

    def add(
        self,
        name: str,
        files: Mapping[str, str | bytes] = SMALL,
        *,
        token: str = "",
        user: str = "",
        branch: str = "main",
    ) -> Path:
        """A new repository with one commit of these files. With a token it is private; any user, unless one is said."""
        path = self.path(name)
        path.mkdir(parents=True)
        git(path, "init", "-q", "--bare", "-b", branch)
        git(path, "config", "http.receivepack", "true")
        git(path, "config", "uploadpack.allowFilter", "true")
        if token:
            self.tokens[name] = (user, token)
        self.commit(name, files, branch=branch)
        return path

    def commit(self, name: str, files: Mapping[str, str | bytes], *, branch: str = "main", parent: str = "") -> str:
        """One more commit with these files changed, on the newest of the branch or on another commit: its id."""
        path = self.path(name)
        lines = [f"commit refs/heads/{branch}", "committer Dev <dev@example.com> now", _data(b"Change")]
        has_branch = branch in git(path, "branch", "--list", branch)
        if parent or has_branch:
            lines.append(f"from {parent or f'refs/heads/{branch}^0'}".encode())
        for each, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            lines += [f'M 100644 inline "{each}"', _data(data)]
        fed = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines) + b"\n"
        done = subprocess.run(
            ["git", "-C", str(path), "fast-import", "--quiet", "--force", "--date-format=now"],
            input=fed, env=CLEAN, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return git(path, "rev-parse", f"refs/heads/{branch}").strip()

    def redirect(self, name: str, to: str) -> None:
        """Whoever asks for this repository is sent to that URL (without the part behind the repository's name)."""
        self.answers[name] = lambda handler: handler.send_to(to)

    def status(self, name: str, status: int) -> None:
        """This repository answers with that status alone."""
        self.answers[name] = lambda handler: handler.send_status(status)

    def endless(self, name: str) -> None:
        """Its list of branches does not end."""
        self.answers[name] = _endless

    def silent(self, name: str) -> None:
        """It takes the request and says nothing, until the server is closed."""
        self.answers[name] = lambda handler: handler.git_server.wait()

    def hold(self, name: str, *, after: int = 2_000) -> Hold:
        """Its next packs stop after so many bytes."""
        self.holds[name] = Hold(after)
        return self.holds[name]

    def wait(self) -> None:
        """Until the server is closed."""
        self._server.is_closed.wait(60)

    def credentials(self) -> set[str]:
        """Everything that was sent as a name and a token."""
        return {each.credentials for each in self.seen if each.credentials}


def _data(data: bytes) -> bytes:
    return b"data %d\n%s" % (len(data), data)


class _Server(ThreadingHTTPServer):
    """TLS is begun in the thread of the connection: one that never does it holds up nobody else."""

    daemon_threads = True
    git_server: GitServer
    tls: Any = None

    def __init__(self, *arguments: Any) -> None:
        self.is_closed = threading.Event()
        super().__init__(*arguments)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection."""
        with contextlib.suppress(OSError):
            try:
                wrapped = request if self.tls is None else self.tls.wrap_socket(request, server_side=True)
            except OSError:
                return request.close()
            super().process_request_thread(wrapped, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is none of our business."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    @property
    def git_server(self) -> GitServer:
        """Whose request it is."""
        return self.server.git_server

    @property
    def name(self) -> str:
        """Of the repository."""
        return self.path.partition(".git")[0].lstrip("/")

    @property
    def rest(self) -> str:
        """What follows the repository's name, with the query."""
        return self.path.partition(".git")[2]

    def do_GET(self) -> None:
        """Branches."""
        self._serve()

    def do_POST(self) -> None:
        """Packs, both ways."""
        self._serve()

    def _serve(self) -> None:
        body = self._body()
        self.git_server.seen.append(Seen(self.command, self.path, self._credentials()))
        if answer := self.git_server.answers.get(self.name):
            return answer(self)
        wanted = self.git_server.tokens.get(self.name)
        if wanted and not self._opens(wanted):
            return self.send_status(401, ("WWW-Authenticate", 'Basic realm="git"'))
        return self._by_git(body)

    def _by_git(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        environ = {
            **CLEAN, "GIT_PROJECT_ROOT": str(self.git_server.repositories), "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "127.0.0.1", "REMOTE_USER": self._credentials().partition(":")[0],
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
        }  # fmt: skip
        done = subprocess.run(["git", "http-backend"], input=body, env=environ, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for each, value in headers.items():
            self.send_header(each, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self._send(content)

    def _send(self, content: bytes) -> None:
        hold = self.git_server.holds.get(self.name) if self.path.endswith("upload-pack") else None
        if hold and self.command == "POST" and len(content) > hold.after:
            self.wfile.write(content[: hold.after])
            self.wfile.flush()
            hold.reached.set()
            hold.release.wait(60)
            content = content[hold.after :]
        self.wfile.write(content)

    def send_status(self, status: int, *headers: tuple[str, str]) -> None:
        """An answer without a body."""
        self.send_response(status)
        for each, value in headers:
            self.send_header(each, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send_to(self, url: str) -> None:
        """A redirect to the same place below that URL."""
        self.send_status(302, ("Location", f"{url}{self.rest}"))

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = self._chunks()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def _chunks(self) -> bytes:
        found = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def _credentials(self) -> str:
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        return base64.b64decode(value).decode() if kind.lower() == "basic" else f"{kind}:{value}" if kind else ""

    def _opens(self, wanted: tuple[str, str]) -> bool:
        user, _, token = self._credentials().partition(":")
        return token == wanted[1] and (not wanted[0] or user == wanted[0])

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def _endless(handler: _Handler) -> None:
    """Branches without end, each well formed."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    lines = [_line("# service=git-upload-pack\n"), b"0000", _line(f"{'1' * 40} HEAD\0multi_ack side-band-64k\n")]
    _chunk(handler, b"".join(lines))
    number = 0
    with contextlib.suppress(OSError, socket.timeout):
        while not handler.server.is_closed.is_set():
            several = b"".join(_line(f"{'1' * 40} refs/heads/b{number + each}\n") for each in range(500))
            _chunk(handler, several)
            number += 500


def _line(text: str) -> bytes:
    return f"{len(text) + 4:04x}{text}".encode()


def _chunk(handler: _Handler, data: bytes) -> None:
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))


def names_of(path: Path) -> list[str]:
    """Every file of a repository's default branch."""
    return git(path, "ls-tree", "-r", "--name-only", "HEAD").splitlines()


__all__ = ["GitServer", "Hold", "Seen", "names_of"]
