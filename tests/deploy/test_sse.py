"""manage.py test_sse: what lies before the server is named when it holds events back, and only then."""

import gzip
import html
import http.client
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from accounts.models import User
from chat.ops.sse_check import Measured, diagnose
from tests.deploy.nginx import Nginx, needs_nginx
from tests.live import Server
from tests.servers import free_port

GOOD = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache, no-transform"}
LATE = [2.5, 2.5, 2.5, 2.5, 2.5, 2.5]
IN_TIME = [0.01, 0.51, 1.01, 1.51, 2.01, 2.51]
# What was seen, and what is said of it.
SEEN: dict[str, tuple[Measured, list[str]]] = {
    "as it should be": (Measured(200, "1.1", GOOD, IN_TIME, "1.1"), []),
    "nginx that buffers": (Measured(200, "1.1", {**GOOD, "server": "nginx/1.22"}, LATE, "1.1"), ["nginx buffers"]),
    "somebody that buffers": (Measured(200, "1.1", GOOD, LATE, "1.1"), ["X-Accel-Buffering did not arrive"]),
    "a proxy that cares for no header": (
        Measured(200, "1.1", {**GOOD, "x-accel-buffering": "no"}, LATE, "1.1"), ["does not know X-Accel-Buffering"],
    ),
    "a late first event": (Measured(200, "1.1", GOOD, [each + 3 for each in IN_TIME], "1.1"), ["held back"]),
    "events in pairs": (Measured(200, "1.1", GOOD, [0.5, 0.5, 1.5, 1.5, 2.5, 2.5], "1.1"), ["held back"]),
    "compression that passes": (
        Measured(200, "1.1", {**GOOD, "content-encoding": "gzip"}, IN_TIME, "1.1"), ["compresses the stream"],
    ),
    "an old answer": (Measured(200, "1.0", GOOD, IN_TIME, "1.1"), ["The answer is HTTP/1.0"]),
    "an old question": (Measured(200, "1.1", GOOD, IN_TIME, "1.0"), ["proxy_http_version 1.1"]),
    "a length": (Measured(200, "1.1", {**GOOD, "content-length": "300"}, IN_TIME, "1.1"), ["Content-Length"]),
    "another type": (Measured(200, "1.1", {**GOOD, "content-type": "text/html"}, IN_TIME, "1.1"), ["Content-Type"]),
    "a cache that changed it": (
        Measured(200, "1.1", {**GOOD, "cache-control": "max-age=60"}, IN_TIME, "1.1"), ["no-transform"],
    ),
    "a stream that was cut": (Measured(200, "1.1", GOOD, IN_TIME[:4], "1.1"), ["Only 4 of 6"]),
    "another site": (Measured(302, "1.1", {"location": "https://elsewhere"}, []), ["302 (https://elsewhere)"]),
}  # fmt: skip


@pytest.mark.parametrize(("seen", "said"), SEEN.values(), ids=SEEN.keys())
def test_what_was_seen_is_named(seen: Measured, said: list[str]) -> None:
    problems = diagnose(seen)
    assert len(problems) == len(said), problems
    for problem, expected in zip(problems, said, strict=True):
        assert expected in problem


@pytest.mark.parametrize("seen", [each for each, said in SEEN.values() if said])
def test_it_is_named_in_german_too(seen: Measured) -> None:
    english = diagnose(seen)
    with translation.override("de"):
        assert not set(english) & set(diagnose(seen))


@pytest.mark.parametrize(
    "seen", ["{", "[]", '{"status": "x"}', '{"status":200,"version":"","headers":{"a":1}}', "x" * 9000]
)
def test_the_page_takes_no_nonsense(seen: str, alice: User) -> None:
    client = Client()
    client.force_login(alice)
    assert client.get("/self-test/", {"seen": seen}).status_code == 400


def test_the_page_says_what_the_browser_saw(alice: User) -> None:
    client = Client(headers={"accept-language": "en"})
    client.force_login(alice)
    for found, said in SEEN.values():
        text = html.unescape(client.get("/self-test/", {"seen": json.dumps(asdict(found))}).content.decode())
        assert all(each in text for each in said) and ("Streams pass" in text) == (not said)
    hurt = Measured(200, "1.1", {"content-type": "<script>alert(1)</script>"}, IN_TIME)
    assert b"<script>alert" not in client.get("/self-test/", {"seen": json.dumps(asdict(hurt))}).content


@pytest.mark.live
def test_a_bare_server_passes(server: Server) -> None:
    done = server.manage("test_sse", server.url)
    assert "Streams pass" in done.stdout and "x-accel-buffering: no" in done.stdout
    assert done.stdout.count(" s behind the one before") == 6


@pytest.mark.live
def test_an_address_where_nothing_is(server: Server) -> None:
    done = server.manage("test_sse", f"http://127.0.0.1:{free_port()}", check=False)
    assert done.returncode == 1 and "cannot be read" in done.stdout and "Traceback" not in done.stdout


# Wrong ways to put nginx before it, and what is said of each.
OLD = ("proxy_http_version 1.1;", "proxy_http_version 1.0;")  # nginx's own default
PACKED = ("gzip_types ", "gzip_proxied any; gzip_types text/event-stream ")
WRONG = {
    "gzip": ([PACKED], ["compresses the stream", "gzip_types"]),
    "HTTP/1.0": ([OLD], ["proxy_http_version 1.1"]),
}


# nginx before nginx, both as people often have them: the inner keeps X-Accel-Buffering to itself, and the outer asks
# in HTTP/1.0. An answer without chunks it gathers until it has 4 KB, or the end.
KEEPS = ("proxy_pass_header X-Accel-Buffering;", "")


@contextmanager
def before(server: Server, *changes: tuple[str, str]) -> Iterator[Nginx]:
    nginx = Nginx([server.port], *changes)
    try:
        yield nginx.start()
    finally:
        nginx.close()


@pytest.mark.live
@pytest.mark.faults
@needs_nginx
@pytest.mark.parametrize(("changes", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_nginx_is_named(server: Server, changes: list[tuple[str, str]], said: list[str]) -> None:
    with before(server, *changes) as nginx:
        done = server.manage("test_sse", nginx.url, check=False)
    assert done.returncode == 1
    for expected in said:
        assert expected in done.stdout, done.stdout


@pytest.mark.live
@pytest.mark.faults
@needs_nginx
def test_an_nginx_that_buffers_is_named(server: Server) -> None:
    with before(server, KEEPS) as inner:
        outer = Nginx([inner.port], OLD).start()
        done = server.manage("test_sse", outer.url, check=False)
        outer.close()
    assert done.returncode == 1
    assert "Events are held back" in done.stdout and "nginx buffers" in done.stdout, done.stdout


@pytest.mark.live
@pytest.mark.faults
def test_a_proxy_that_gathers_and_packs_is_named(server: Server) -> None:
    with packer(server) as url:
        done = server.manage("test_sse", url, check=False)
    assert done.returncode == 1
    for expected in ("Events are held back", "The compression does that", "Content-Encoding: gzip", "Content-Length"):
        assert expected in done.stdout, done.stdout


@contextmanager
def packer(server: Server) -> Iterator[str]:
    """A proxy that reads an answer to its end and sends it packed."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", server.port)
            connection.request("GET", self.path)
            response = connection.getresponse()
            body = gzip.compress(response.read())
            self.send_response(response.status)
            for name in ("Content-Type", "Cache-Control"):
                self.send_header(name, response.headers[name])
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=proxy.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{proxy.server_address[1]}"
    proxy.shutdown()
    thread.join()
    proxy.server_close()
