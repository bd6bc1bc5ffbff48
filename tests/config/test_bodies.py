"""Requests that hurt the others: whatever is sent, nobody else waits for it, and what is half-sent does not stay."""

import http.client
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.live import Server
from tests.streams import Client, client

MB2 = 1_999_000
TIMES = {"HEAD_TIMEOUT_S": "1", "BODY_IDLE_S": "1", "BODY_TIMEOUT_S": "3", "KEEP_ALIVE_S": "1", "SOCKET_PING_S": "1"}


@pytest.fixture(scope="module")
def strict() -> Iterator[Server]:
    """A server that waits for nobody for longer than a few seconds."""
    server = Server(**TIMES)
    yield server.start()
    server.close()


@pytest.fixture(scope="module")
def alice(strict: Server) -> Client:
    return client(strict)


def sent(server: Server, method: str, path: str, body: bytes, **headers: str) -> tuple[int, Any]:
    """The answer's status and JSON. Whoever is refused early need not be able to send all of it."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.putrequest(method, path)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        with suppress(OSError):
            connection.send(body)
        answered = connection.getresponse()
        text = answered.read()
        return answered.status, json.loads(text) if text.startswith(b"{") else text
    finally:
        connection.close()


# --- First the route and the method, then who asks, then the size ----------------------------------------------------

BRACKETS = b"[" * MB2
ORDER = [
    # method, path, who is nobody, who has signed in
    ("POST", "/trpc/no.such", 404, 404),
    ("POST", "/api/trpc/no.such,nor.this?batch=1", 404, 404),
    ("POST", "/trpc/editorChat.list", 405, 405),
    ("POST", "/trpc/editorChat.create", 401, 400),
    ("PUT", "/v1/responses", 405, 405),
    ("POST", "/v1/nowhere", 404, 404),
    ("POST", "/v1/responses", 401, 400),
    ("POST", "/v1/chat/completions", 401, 400),
    ("POST", "/v1/conversations", 401, 400),
    ("POST", "/api/chat", 401, 400),
    ("POST", "/api/agui", 401, 400),
    ("POST", "/mcp", 401, 401),
    ("POST", "/api/chat/start", 401, 400),
    ("POST", "/chat/threads", 401, 400),
    ("POST", "/agent/chat", 401, 400),
    ("POST", "/api/chats/", 401, 400),
    ("PUT", "/api/chats/", 401, 405),
    ("PATCH", "/api/users/me/", 401, 400),
    ("POST", "/api/auth/token", 413, 400),
]


@pytest.mark.parametrize(("method", "path", "nobody", "somebody"), ORDER)
def test_route_and_method_come_first_then_who_asks_then_the_body(
    strict: Server, alice: Client, method: str, path: str, nobody: int, somebody: int
) -> None:
    forged = {"Authorization": "Bearer pk_" + "x" * 43}
    for headers, expected in (({}, nobody), (forged, nobody), ({"Authorization": f"Bearer {alice.token}"}, somebody)):
        status, told = sent(strict, method, path, BRACKETS, Content_Type="application/json", **headers)
        assert status == expected, (headers, told)


@pytest.mark.parametrize("length", [{"Content_Length": "2000000000"}, {"Transfer_Encoding": "chunked"}])
def test_a_body_that_nobody_wants_is_not_waited_for(strict: Server, length: dict[str, str]) -> None:
    """It is answered by its head alone."""
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in length.items())
    for path in ("/v1/nowhere", "/trpc/no.such"):
        with connected(strict) as raw:
            raw.sendall(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}\r\n".encode())
            assert raw.recv(100).startswith(b"HTTP/1.1 404 ")


# --- What is half-sent does not stay ---------------------------------------------------------------------------------


def connected(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST = b"POST /api/chats/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"
NOWHERE = POST.replace(b"/api/chats/", b"/nowhere/")
HALF: dict[str, tuple[bytes, bytes]] = {  # what is sent at once, and then again and again
    "nothing": (b"", b""),
    "half a line": (b"GET /healthz HT", b""),
    "a header now and then": (GET, b"X-A: b\r\n"),
    "a header without an end": (GET + b"X-A: ", b"b"),
    "an answered request": (GET + b"\r\n", b""),
    "an answered request, and empty lines": (GET + b"\r\n", b"\r\n"),
    "an answered request, and half of another": (GET + b"\r\n" + GET, b""),
    "no body": (POST, b""),
    "half a body": (POST + b"{", b""),
    "a body byte by byte": (POST, b" "),
    "a body that nobody wants": (NOWHERE, b""),
    "a body that nobody wants, byte by byte": (NOWHERE, b" "),
    "chunks": (POST.replace(b"Content-Length: 1000", b"Transfer-Encoding: chunked"), b"1\r\n \r\n"),
}


def test_what_is_half_sent_is_closed_in_time_and_others_are_served(strict: Server) -> None:
    """Fifty connections, of every kind there is."""
    stays = {
        f"{name} {number}": (connected(strict), again) for name, (at_once, again) in HALF.items() for number in range(4)
    }
    for name, (raw, _) in stays.items():
        raw.sendall(HALF[name.rpartition(" ")[0]][0])
    closed: dict[str, float] = {}
    began = time.monotonic()
    while len(closed) < len(stays) and time.monotonic() - began < 25:
        assert strict.call("GET", "/healthz").status == 200
        for name, (raw, again) in stays.items():
            if name not in closed and is_closed(raw, again):
                closed[name] = time.monotonic() - began
        time.sleep(0.2)
    assert not set(stays) - set(closed)


def is_closed(raw: socket.socket, again: bytes) -> bool:
    """Whether the server has hung up; if not, it gets more."""
    raw.settimeout(0.001)
    try:
        if raw.recv(10_000) == b"":
            return True
    except TimeoutError:
        pass
    except OSError:
        return True
    try:
        raw.sendall(again)
    except OSError:
        return True
    return False


HEADS: dict[str, tuple[bytes, int]] = {
    "a cookie of 60 kB": (GET + b"Cookie: " + b"a=b; " * 12_000 + b"\r\n\r\n", 431),
    "a header of 60 kB": (GET + b"X-A: " + b"x" * 60_000 + b"\r\n\r\n", 431),
    "a header without an end": (GET + b"X-A: " + b"x" * 400_000, 431),
    "many headers": (GET + b"".join(b"X-%d: y\r\n" % n for n in range(1_000)) + b"\r\n", 431),
    "a query of 100,000 pairs": (GET.replace(b"/healthz", b"/healthz?" + b"a=b&" * 100_000) + b"\r\n", 431),
    "a query of 1,000 pairs": (GET.replace(b"/healthz", b"/api/chats/?" + b"a=b&" * 1_100) + b"\r\n", 400),
    "a handshake of 60 kB": (
        GET + b"Upgrade: websocket\r\nConnection: Upgrade\r\nX-A: " + b"x" * 60_000 + b"\r\n\r\n", 431
    ),
    "30 kB": (GET + b"X-A: " + b"x" * 30_000 + b"\r\n\r\n", 200),
}  # fmt: skip


@pytest.mark.parametrize(("head", "expected"), HEADS.values(), ids=HEADS.keys())
def test_a_head_is_so_long_at_most(strict: Server, head: bytes, expected: int) -> None:
    with connected(strict) as raw:
        raw.sendall(head)
        assert raw.recv(20).split()[1:2] == [str(expected).encode()]


# --- What comes beside a body ----------------------------------------------------------------------------------------

CHUNKED = b"POST /api/auth/token HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
BESIDE: dict[str, tuple[bytes, bytes]] = {  # how it begins, and what then comes without an end
    "headers behind it": (b"1\r\n{\r\n0\r\n", b"X-A: b\r\n" * 1_000),
    "a header behind nothing": (b"0\r\nX-A: ", b"x" * 8_000),
    "a header's name": (b"0\r\n", b"x" * 8_000),
    "an extension": (b"1\r\n{\r\n1;a=", b"x" * 8_000),
    "a quoted extension": (b'1;a="', b"x" * 8_000),
    "a size": (b"", b"0" * 8_000),
}


@pytest.mark.parametrize("path", [b"/api/auth/token", b"/nowhere"])
@pytest.mark.parametrize(("start", "again"), BESIDE.values(), ids=BESIDE.keys())
def test_what_comes_beside_a_body_is_so_long_at_most(strict: Server, path: bytes, start: bytes, again: bytes) -> None:
    with connected(strict) as raw:
        raw.sendall(CHUNKED.replace(b"/api/auth/token", path) + start)
        sent_bytes = 0
        while not is_closed(raw, again):
            sent_bytes += len(again)
            assert sent_bytes < 4_000_000  # what the kernels hold is in it


def test_what_comes_behind_a_body_is_no_header(strict: Server, alice: Client) -> None:
    """The credentials of somebody else's request, say, that a proxy has looked for at its beginning."""
    for behind, status in ((False, 400), (True, 401)):
        token = b"Authorization: Bearer " + alice.token.encode() + b"\r\n"
        before, after = (b"", token) if behind else (token, b"")
        head = CHUNKED.replace(b"auth/token", b"chats/")[:-2] + b"Content-Type: application/json\r\n" + before
        with connected(strict) as raw:
            raw.sendall(head + b"\r\n2\r\n{}\r\n0\r\n" + after + b"\r\n")
            assert raw.recv(20).split()[1] == str(status).encode()


# --- A message on a WebSocket that is begun ---------------------------------------------------------------------------

PIECE = 400_000
FRAMES: dict[str, bytes] = {  # a text that is not whole, masked with nothing
    "a piece": b"\x01\xff" + PIECE.to_bytes(8, "big") + b"\0" * 4 + b"x" * PIECE,
    "a part of a piece": b"\x81\xff" + (4 * PIECE).to_bytes(8, "big") + b"\0" * 4 + b"x" * PIECE,
    "pieces of one letter": b"\x01\x81\0\0\0\0x" + b"\x00\x81\0\0\0\0x" * (PIECE // 7),
    "a piece and a ping": b"\x01\xff" + PIECE.to_bytes(8, "big") + b"\0" * 4 + b"x" * PIECE + b"\x89\x80\0\0\0\0",
}


def opened(server: Server, alice: Client) -> socket.socket:
    raw = connected(server)
    asked = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    token = b"Authorization: Bearer " + alice.token.encode() + b"\r\n\r\n"
    raw.sendall(GET.replace(b"/healthz", b"/v1/responses") + asked + key + token)
    assert raw.recv(1_000).split()[1] == b"101"
    return raw


def closing(raw: socket.socket, within_s: float) -> int:
    """The code with which the server closes it, if it does; pings may come before."""
    raw.settimeout(within_s)
    try:
        while got := raw.recv(10_000):
            if found := re.search(rb"\x88.(\x03.)", got, re.DOTALL):
                return int.from_bytes(found[1], "big")
    except TimeoutError:
        return 0
    return -1


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
def test_a_message_that_does_not_come_to_its_end_is_not_waited_for(strict: Server, alice: Client, frame: bytes) -> None:
    with opened(strict, alice) as raw:
        raw.sendall(frame)
        assert closing(raw, 6) == 1008


def test_what_has_come_of_messages_counts_with_what_waits() -> None:
    server = Server(WAITING_MAX_BYTES_PER_USER=str(4 * PIECE)).start()
    try:
        alice = client(server)
        for frame in FRAMES.values():
            sockets = [opened(server, alice) for _ in range(5)]
            for raw in sockets:
                raw.sendall(frame)
                time.sleep(0.1)
            assert closing(sockets[-1], 10) == 1013
            assert closing(sockets[0], 0.2) == 0
            for raw in sockets:
                raw.close()
            time.sleep(0.5)
    finally:
        server.close()
