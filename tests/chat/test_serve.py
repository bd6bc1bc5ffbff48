"""manage.py serve: the process itself."""

import signal
import socket
from collections.abc import Callable

import pytest

from tests.live import Server

pytestmark = pytest.mark.live
NewServer = Callable[..., Server]


def test_it_serves_and_stops_when_told(new_server: NewServer) -> None:
    server = new_server().start()
    assert server.call("GET", "/readyz").body["status"] == "ok"
    assert server.stop() in (0, -signal.SIGTERM)
    assert "Traceback" not in server.log()


def test_it_starts_again_on_what_it_left(new_server: NewServer) -> None:
    server = new_server().start()
    chats = server.call("GET", "/api/chats/", token=server.token()).body["results"]
    server.kill()
    server.start_process()
    assert server.call("GET", "/api/chats/", token=server.token()).body["results"] == chats


def test_a_port_in_use_is_said_in_words(new_server: NewServer) -> None:
    server = new_server()
    with socket.create_server(("127.0.0.1", server.port)):
        done = server.manage("serve", check=False)
    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{server.port}" in done.stdout
    assert "Traceback" not in done.stdout


def test_the_log_holds_no_query(new_server: NewServer) -> None:
    server = new_server(LOG_LEVEL="INFO").start()
    server.call("GET", "/api/chats/?ticket=planted-secret")
    server.stop()
    assert "planted-secret" not in server.log()
