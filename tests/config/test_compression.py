"""What is packed, for whom, and what never is."""

import gzip
import zlib
from collections.abc import AsyncGenerator
from urllib.request import Request, urlopen

import pytest
from django.http import JsonResponse
from django.test import RequestFactory
from websockets.sync.client import connect

from accounts.http.negotiation import accepts_gzip
from chat.serving import packing
from config.middleware.compression import CompressionMiddleware
from tests.live import Server
from tests.streams import Stream, client, key
from tests.upstream import Turn, Upstream


@pytest.mark.parametrize(
    ("header", "is_taken"),
    [
        ("", False),
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("deflate, *;q=0", False),
        ("gzip;q=1.0", True),
    ],
)
def test_gzip_is_taken_as_the_header_says(header: str, is_taken: bool) -> None:
    assert accepts_gzip(header) is is_taken


def fetch(server: Server, path: str, token: str, accepted: str = "gzip") -> tuple[bytes, dict[str, str]]:
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": accepted}
    with urlopen(Request(server.url + path, headers=headers), timeout=60) as answer:
        return answer.read(), {name.lower(): value for name, value in answer.headers.items()}


def test_large_json_is_packed_and_small_json_secrets_and_pages_are_not(server: Server) -> None:
    alice = client(server)
    chat = alice.chat()
    alice.post(f"/api/chats/{chat}/messages/", {"content": "Many words. " * 1000})
    path = f"/api/chats/{chat}/messages/"
    plain, told = fetch(server, path, alice.token, "identity")
    assert "content-encoding" not in told and "Accept-Encoding" in told["vary"]
    packed, told = fetch(server, path, alice.token)
    assert told["content-encoding"] == "gzip" and int(told["content-length"]) == len(packed)
    assert gzip.decompress(packed) == plain and len(packed) < len(plain) / 4
    assert len({len(fetch(server, path, alice.token)[0]) for _ in range(8)}) > 1, "its length tells its text's"
    for small in ("/healthz", "/login/", "/api/users/me/"):
        assert "content-encoding" not in fetch(server, small, alice.token)[1], small


def test_a_script_is_packed_and_who_asks_for_its_head_hears_the_same(server: Server) -> None:
    packed, told = fetch(server, "/static/chat/app.js", "")
    assert told["content-encoding"] == "gzip" and int(told["content-length"]) == len(packed)
    assert gzip.decompress(packed) == fetch(server, "/static/chat/app.js", "", "identity")[0]
    head = Request(f"{server.url}/static/chat/app.js", headers={"Accept-Encoding": "gzip"}, method="HEAD")
    with urlopen(head, timeout=60) as answer:
        assert answer.read() == b"" and answer.headers["Content-Length"] == told["content-length"]


def test_what_holds_a_secret_is_never_packed() -> None:
    request = RequestFactory().get("/api/auth/token", headers={"accept-encoding": "gzip"})
    told = JsonResponse({"access": "x" * 5000})
    assert not CompressionMiddleware(lambda _: told)(request).has_header("Content-Encoding")
    other = RequestFactory().get("/api/models/", headers={"accept-encoding": "gzip"})
    assert CompressionMiddleware(lambda _: told)(other).has_header("Content-Encoding")


def test_a_stream_is_packed_for_who_asks_and_for_nobody_else(server: Server, upstream: Upstream) -> None:
    alice, mark = client(server), key()
    upstream.script(Turn(text=["First words.", "Last words."]), key=mark)
    path, body = f"/api/chats/{alice.chat()}/runs", {"content": f"[[key={mark}]]", "stream": True}
    assert server.call("POST", path + "?compress=br", body, token=alice.token).status == 400
    accepting = {"Accept-Encoding": "gzip"}
    with Stream(server, path + "?compress=gzip", body, token=alice.token, headers=accepting) as stream:
        assert stream.response.headers["Content-Encoding"] == "gzip"
        text = gzip.decompress(stream.response.read())
    assert b"Last words." in text and b"run.completed" in text
    run = alice.answer(path.split("/")[3])["run"]
    with Stream(server, f"/api/runs/{run}/events", token=alice.token, headers=accepting) as plain:
        assert "Content-Encoding" not in plain.response.headers
        assert plain.response.read() == text


async def test_each_frame_of_a_packed_stream_can_be_read_at_once() -> None:
    unpacker = zlib.decompressobj(wbits=31)
    sent: list[bytes] = []

    async def frames() -> AsyncGenerator[bytes, None]:
        for number in range(50):
            sent.append(b"data: %d\n\n" % number)
            yield sent[-1]

    got = [unpacker.decompress(piece) async for piece in packing.packed(frames())]
    assert got == [*sent, b""] and unpacker.eof


def test_an_export_is_packed_and_socket_messages_are_deflated(server: Server) -> None:
    alice = client(server)
    chat = alice.chat()
    plain, _ = fetch(server, f"/api/chats/{chat}/export/", alice.token, "identity")
    packed, told = fetch(server, f"/api/chats/{chat}/export/", alice.token)
    assert told["content-encoding"] == "gzip" and gzip.decompress(packed).startswith(plain[:60])
    address = f"{server.url.replace('http', 'ws', 1)}/ws/chats/{chat}/"
    with connect(address, additional_headers={"Authorization": f"Bearer {alice.token}"}) as socket:
        assert "permessage-deflate" in socket.response.headers["Sec-WebSocket-Extensions"]  # type: ignore[union-attr]
