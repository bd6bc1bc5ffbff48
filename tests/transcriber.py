"""A server that writes down recordings, on a real socket: what it was sent is kept, what it says is set by the test."""

import email.parser
import email.policy
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Asked:
    """One request."""

    path: str
    authorization: str
    fields: dict[str, str]
    file: bytes
    file_name: str
    file_type: str


@dataclass
class Transcriber:
    """The server. `status` and `body` are what it answers with; `pause_s`, after how long."""

    status: int = 200
    body: bytes = json.dumps({"text": "Buy milk and bread."}).encode()
    pause_s: float = 0.0
    asked: list[Asked] = field(default_factory=list)

    def start(self) -> "Transcriber":
        transcriber = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                transcriber.asked.append(_asked(self))
                time.sleep(transcriber.pause_s)
                self.send_response(transcriber.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(transcriber.body)))
                self.end_headers()
                self.wfile.write(transcriber.body)

            def log_message(self, *args: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="transcriber", daemon=True).start()
        return self

    @property
    def url(self) -> str:
        """What TRANSCRIPTION_BASE_URL is set to."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _asked(request: BaseHTTPRequestHandler) -> Asked:
    """Read as a server would: by a parser that is not ours."""
    raw = request.rfile.read(int(request.headers["Content-Length"]))
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    parsed = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + raw)
    parts = {part.get_param("name", header="content-disposition"): part for part in parsed.iter_parts()}
    file = parts.pop("file")
    return Asked(
        request.path,
        request.headers.get("Authorization", ""),
        {str(name): part.get_payload(decode=True).decode() for name, part in parts.items()},
        file.get_payload(decode=True),
        str(file.get_filename()),
        file.get_content_type(),
    )
