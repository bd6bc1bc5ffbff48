"""A receiver of webhooks, over real HTTP: it keeps what came, and answers as a test says."""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler], None]
PIECE = b"x" * 65_536


@dataclass(frozen=True)
class Got:
    """A request that came."""

    headers: dict[str, str]  # names in lower case
    body: bytes
    at: float

    @property
    def id(self) -> str:
        """Of the event."""
        return self.headers["webhook-id"]


def says(status: int, body: bytes = b"", **headers: str) -> Answer:
    """A plain answer; `_` in the names of headers is `-`."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def hangs(seconds: float = 30) -> Answer:
    """None, for so long."""
    return lambda handler: time.sleep(seconds)


def resets(handler: BaseHTTPRequestHandler) -> None:
    """The connection's end instead of an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    handler.close_connection = True
    handler.connection.close()


def drips(handler: BaseHTTPRequestHandler) -> None:
    """A success whose body comes a byte at a time, for ever."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b".")
        time.sleep(0.05)


def floods(handler: BaseHTTPRequestHandler) -> None:
    """A success with a gigabyte behind it."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(10**9))
    handler.end_headers()
    for _ in range(10**9 // len(PIECE)):
        handler.wfile.write(PIECE)


class Receiver:
    """Listens on loopback until it is closed. `answers` are taken one after the other; then it says 204."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answers: list[Answer] = []
        self.most_at_once = self._at_once = 0
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver._take(self)

            def log_message(self, *args: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads, self._server.handle_error = True, lambda *args: None  # type: ignore[method-assign]
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hooks"
        self.allow = f"127.0.0.1:{self.port}"  # as OUTWARD_ALLOW takes it
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _take(self, handler: BaseHTTPRequestHandler) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        body = handler.rfile.read(int(headers.get("content-length", 0)))
        with self._lock:
            self.got.append(Got(headers, body, time.time()))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            answer = self.answers.pop(0) if self.answers else says(204)
        try:
            answer(handler)
        finally:
            with self._lock:
                self._at_once -= 1

    def wait(self, count: int, seconds: float = 30) -> list[Got]:
        """What came, once it is so many."""
        end = time.monotonic() + seconds
        while len(self.got) < count:
            assert time.monotonic() < end, f"{len(self.got)} came, and not {count}"
            time.sleep(0.02)
        return list(self.got)

    def close(self) -> None:
        """Let go of the port."""
        self._server.shutdown()
        self._server.server_close()
