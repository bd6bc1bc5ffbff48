"""Parley behind nginx, with the configuration the docs give out: nothing is held back, and sockets pass."""

import http.client
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest
from websockets.sync.client import connect

from tests.deploy.nginx import CONFIG, Nginx, needs_nginx
from tests.environment import ROOT
from tests.live import Server
from tests.servers import free_port
from tests.streams import Client, Stream, key, text_of
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.live, needs_nginx]
FIRST_BYTE_S = 1.0


@pytest.fixture(scope="module")
def nginx(server: Server) -> Iterator[Nginx]:
    """nginx before the shared server."""
    nginx = Nginx([server.port]).start()
    yield nginx
    nginx.close()


@pytest.fixture
def alice(server: Server, nginx: Nginx) -> Client:
    """The owner, who comes through nginx."""
    through = Server(server.data, PARLEY_PUBLIC_URL=server.url, **_same(server))
    through.url, through.port = nginx.url, nginx.port
    return Client(through, server.token())


def _same(server: Server) -> dict[str, str]:
    return {"DATABASE_URL": server.settings["DATABASE_URL"]} if "DATABASE_URL" in server.settings else {}


def test_the_configuration_is_right() -> None:
    assert Nginx([8001, 8002]).check() == ""


@pytest.mark.faults
@pytest.mark.smoke
def test_the_self_test_passes_through_it(server: Server, nginx: Nginx) -> None:
    done = server.manage("test_sse", nginx.url)
    assert "Streams pass" in done.stdout and "server: nginx" in done.stdout
    assert "content-encoding" not in done.stdout and "x-accel-buffering: no" in done.stdout


@pytest.mark.faults
def test_a_run_s_first_byte_and_every_token_pass_as_they_come(alice: Client, upstream: Upstream) -> None:
    mark, gate = key(), key()
    upstream.script(Turn(n=20, delay_ms=100, gate=gate, gate_at=15), key=mark)
    chat = alice.chat()
    begin = time.monotonic()
    body = {"content": f"[[key={mark}]] go", "stream": True}
    with Stream(alice.server, f"/api/chats/{chat}/runs", body, token=alice.token) as stream:
        frames = stream.take(1)
        assert time.monotonic() - begin < FIRST_BYTE_S
        assert "content-encoding" not in {name.lower() for name in stream.response.headers}
        while len(text_of(frames).split()) < 10:  # the model waits: had nginx held back a part, it would never come
            frames += stream.take(1)
        upstream.release(gate)
        frames += stream.frames()
    assert text_of(frames) == "".join(f"{number} " for number in range(20))


@pytest.mark.faults
def test_a_socket_passes(alice: Client) -> None:
    url = alice.server.url.replace("http", "ws", 1) + f"/ws/chats/{alice.chat()}/"
    with connect(url, additional_headers={"Authorization": f"Bearer {alice.token}"}, legacy=True) as socket:
        assert json.loads(socket.recv(timeout=10))["type"]
        socket.send(json.dumps({"type": "ping"}))
        assert any(json.loads(socket.recv(timeout=10))["type"] == "pong" for _ in range(5))


@pytest.mark.faults
def test_it_is_asked_whether_it_is_ready_and_its_log_holds_no_credential(alice: Client, nginx: Nginx) -> None:
    assert alice.server.call("GET", "/readyz").status == 200
    for path in (
        "/api/runs/1/events?ticket=planted",
        "/api/chat/stream?sessionId=planted",
        "/agent/chat/history/planted",
    ):
        alice.server.call("GET", path, headers={"Referer": "http://parley/?ticket=planted"})
    assert "/api/runs/1/events" in nginx.log("access")
    assert "planted" not in nginx.log("access") + nginx.log()


@pytest.mark.faults
def test_uploads_have_a_bound_and_pages_are_packed(alice: Client) -> None:
    body = {"content": "x" * 3_000_000}
    reply = alice.server.call("POST", f"/api/chats/{alice.chat()}/runs", body, token=alice.token)
    assert (reply.status, reply.body["error"]["code"]) == (413, "too_large")
    connection = http.client.HTTPConnection("127.0.0.1", alice.server.port)
    connection.request("GET", "/api/schema/", headers={"Accept-Encoding": "gzip", "Accept": "application/json"})
    assert connection.getresponse().headers["Content-Encoding"] == "gzip"
    connection.close()


@pytest.mark.faults
def test_with_no_process_left_it_says_when_to_come_back() -> None:
    nginx = Nginx([free_port()]).start()
    connection = http.client.HTTPConnection("127.0.0.1", nginx.port)
    connection.request("GET", "/api/models/")
    response = connection.getresponse()
    assert (response.status, response.headers["Retry-After"]) == (503, "2")
    assert json.loads(response.read())["error"]["code"] == "unavailable"
    connection.close()
    nginx.close()


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_the_lines_for_tls_are_right() -> None:
    """docs/deploy.md says which lines to put in the place of `listen 80`."""
    page = (ROOT / "docs" / "deploy.md").read_text()
    (lines,) = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)
    nginx = Nginx([8001])
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=parley.example", "-days", "2",
         "-keyout", f"{nginx.folder}/key.pem", "-out", f"{nginx.folder}/cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    lines = lines.replace("/etc/letsencrypt/live/parley.example/fullchain.pem", f"{nginx.folder}/cert.pem")
    lines = lines.replace("/etc/letsencrypt/live/parley.example/privkey.pem", f"{nginx.folder}/key.pem")
    lines = lines.replace("443", str(nginx.port))
    nginx.configure([8001], (f"listen 127.0.0.1:{nginx.port};", lines))
    assert nginx.check() == ""


def test_what_it_lets_in_is_what_parley_takes() -> None:
    assert "client_max_body_size 2m;" in CONFIG.read_text()  # BODY_MAX_BYTES, which is a little less
