"""One address before several servers: each request goes to the next of them, as behind a proxy without stickiness."""

import http.client
import itertools
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.live import Server

DROPPED = {"connection", "transfer-encoding", "content-length", "host", "keep-alive"}


class RoundRobin:
    """Open at `url` while it is entered; `asked` counts requests by the server's place."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self.asked = [0] * len(servers)
        places = itertools.cycle(range(len(servers)))

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"  # each request on a connection of its own

            def handle_one_request(handler) -> None:  # the round robin is self
                handler.raw_requestline = handler.rfile.readline(65_537)
                if handler.raw_requestline and handler.parse_request():
                    place = next(places)
                    self.asked[place] += 1
                    _pass_on(handler, servers[place])
                handler.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


def _pass_on(handler: BaseHTTPRequestHandler, server: Server) -> None:
    body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    headers = {name: text for name, text in handler.headers.items() if name.lower() not in DROPPED}
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    try:
        connection.request(handler.command, handler.path, body or None, headers)
        answered = connection.getresponse()
        handler.send_response_only(answered.status)
        for name, text in answered.getheaders():
            if name.lower() not in DROPPED:
                handler.send_header(name, text)
        handler.end_headers()
        while piece := answered.read1(65_536):
            handler.wfile.write(piece)
    except OSError:
        pass  # one of the two has left
    finally:
        connection.close()
