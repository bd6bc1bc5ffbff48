"""A server that speaks as much of S3 as attached files need, over real HTTP: put, get, head, delete, list a bucket."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

LIST = """<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
<Name>files</Name><Prefix></Prefix><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>{keys}</ListBucketResult>"""
KEY = "<Contents><Key>{}</Key><Size>{}</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
NO_KEY = b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code><Message>None such</Message></Error>"


class Bucket:
    """One bucket at `url`; `kept` is what lies in it, `is_down` makes it answer 503, `asked` counts requests."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.signed: list[str] = []  # what each request had as Authorization
        self.is_down = False
        bucket = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self, status: int, body: bytes = b"", kind: str = "application/xml") -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("ETag", '"1"')
                self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def _key(self) -> str:
                bucket.signed.append(self.headers.get("Authorization", ""))
                return unquote(urlsplit(self.path).path).removeprefix("/files").lstrip("/")

            def do_PUT(self) -> None:
                key, body = self._key(), self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if bucket.is_down:
                    return self._answer(503)
                bucket.kept[key] = body
                self._answer(200)

            def do_GET(self) -> None:
                key = self._key()
                if bucket.is_down:
                    return self._answer(503)
                if not key:
                    keys = "".join(KEY.format(escape(name), len(data)) for name, data in sorted(bucket.kept.items()))
                    return self._answer(200, LIST.format(keys=keys).encode())
                if key not in bucket.kept:
                    return self._answer(404, NO_KEY)
                self._answer(200, bucket.kept[key], "application/octet-stream")

            do_HEAD = do_GET

            def do_DELETE(self) -> None:
                key = self._key()
                if not bucket.is_down:
                    bucket.kept.pop(key, None)
                self._answer(503 if bucket.is_down else 204)

            def log_message(self, *args: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
