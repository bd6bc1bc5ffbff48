"""A web server with pictures, over TLS, and with what is none: it counts what it is asked for."""

import io
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from PIL import Image

from tests.certificates import own_certificate


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, "PNG")
    return out.getvalue()


class Gallery:
    """At /photo.png is a picture; /hop/N leads to it in N steps; the rest is not as nice."""

    def __init__(self, folder: Path) -> None:
        """Its certificate lies in the folder, as server.pem."""
        self.asked: Counter[str] = Counter()
        gallery = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                gallery.asked[self.path] += 1
                gallery._answer(self)

            def log_message(self, *args: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.socket = own_certificate(folder).wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, name="gallery", daemon=True).start()

    @property
    def host(self) -> str:
        """With its port."""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return f"https://{self.host}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        word, _, number = request.path.strip("/").partition("/")
        match word:
            case "photo.png":
                self._say(request, 200, picture())
            case "hop":
                to = "/photo.png" if number == "1" else f"/hop/{int(number) - 1}"
                self._say(request, 302, b"", Location=to)
            case "inside":
                self._say(request, 302, b"", Location="https://169.254.169.254/latest/meta-data")
            case "plain":
                self._say(request, 302, b"", Location=f"http://{self.host}/photo.png")
            case "page":
                self._say(request, 200, b"<!doctype html><p>Sign in</p>", Content_Type="image/png")
            case "drawing":
                self._say(request, 200, b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>")
            case "endless":
                self._say(request, 200, b"\x89PNG\r\n\x1a\n" + bytes(40_000_000))
            case "slow":
                time.sleep(8)
                self._say(request, 200, picture())
            case _:
                self._say(request, 404, b"")

    def _say(self, request: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
