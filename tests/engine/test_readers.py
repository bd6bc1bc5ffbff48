"""Readers: slow ones cost nobody, many cost no threads, and those whose right ends are let go."""

import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live import Server
from tests.streams import Client, Stream, client, key
from tests.upstream import Turn, Upstream

NewServer = Callable[..., Server]


@pytest.fixture(scope="module")
def quick(upstream: Upstream) -> Iterator[Server]:
    """A server that looks at rights, and cuts slow readers, after a second."""
    server = Server(
        OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", CHAT_HEARTBEAT_S="0.5", WRITE_TIMEOUT_S="1",
        BODY_MAX_BYTES="100000",
    )  # fmt: skip
    yield server.start()
    server.close()


@pytest.fixture
def alice(quick: Server) -> Client:
    return client(quick)


def status(server: Server, field: str) -> int:
    """A number of the server process, as the kernel counts it."""
    assert server.process is not None
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])


def test_in_silence_a_reader_gets_comments(alice: Client, upstream: Upstream) -> None:
    mark, gate = key(), key()
    upstream.script(Turn(n=1, gate=gate), key=mark)
    run = alice.start(alice.chat(), f"[[key={mark}]] go")["run"]["id"]
    with alice.events(run) as stream:
        while stream.response.readline() != b": keep-alive\n":
            pass
        upstream.release(gate)
        assert stream.frames()[-1].is_end


def test_a_reader_whose_right_ends_is_let_go_and_the_run_goes_on(alice: Client, upstream: Upstream) -> None:
    organization = alice.get("/api/organizations/")["results"][0]
    alice.server.manage(
        "create_user", "bob@example.com", "--organization", organization["name"], "--role", "editor",
        PARLEY_PASSWORD="correct horse battery",
    )  # fmt: skip
    bob = Client(alice.server, alice.server.token("bob@example.com"))
    mark, gate = key(), key()
    upstream.script(Turn(n=5, gate=gate, gate_at=3), key=mark)
    chat = alice.chat(sharing="project")
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    with bob.events(run) as stream:
        stream.until("text.delta")
        members = alice.get(f"/api/organizations/{organization['id']}/members/")["results"]
        (membership,) = [each for each in members if each["user"]["email"] == "bob@example.com"]
        gone = time.monotonic()
        reply = alice.server.call(
            "DELETE", f"/api/organizations/{organization['id']}/members/{membership['id']}/", token=alice.token
        )
        assert reply.status == 204
        assert stream.frames()[-1].event == "reconnect"
        assert time.monotonic() - gone < 3
    with bob.events(run) as refused:
        assert refused.status == 404
    upstream.release(gate)
    assert alice.wait(run)["status"] == "succeeded"


def test_a_reader_that_stops_reading_is_cut_and_costs_little_memory(alice: Client, upstream: Upstream) -> None:
    mark = key()
    upstream.script(Turn(n=3000, pad=4000, burst=50), key=mark)
    run = alice.start(alice.chat(), f"[[key={mark}]] go")["run"]["id"]
    before = status(alice.server, "VmRSS")
    stalled = socket.create_connection(("127.0.0.1", alice.server.port))
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {alice.token}"
    stalled.sendall(f"GET /api/runs/{run}/events HTTP/1.1\r\n{head}\r\n\r\n".encode())
    assert alice.wait(run)["status"] == "succeeded"
    time.sleep(2)
    stalled.settimeout(5)
    read = 0
    try:
        while chunk := stalled.recv(1 << 20):
            read += len(chunk)
    except ConnectionError:
        pass
    assert read < 12_000_000  # what lay in the kernel's buffers, then the end
    assert status(alice.server, "VmRSS") - before < 120_000  # the run itself, and nothing a stalled reader keeps


def test_many_streams_need_no_more_threads_than_few(alice: Client, upstream: Upstream) -> None:
    mark, gate = key(), key()
    upstream.script(Turn(n=2, gate=gate, gate_at=1), key=mark)
    run = alice.start(alice.chat(), f"[[key={mark}]] go")["run"]["id"]
    streams: list[Stream] = []
    threads = []
    for count in (10, 90):  # one person may have 100
        while len(streams) < count:
            streams.append(alice.events(run))
            streams[-1].take(1)
        threads.append(status(alice.server, "Threads"))
    assert threads[1] < threads[0] + 10  # a pool may still grow to its size; a thread a stream would be 80 more
    upstream.release(gate)
    for stream in streams:
        assert stream.frames()[-1].is_end
        stream.close()


def test_a_reader_that_resets_its_connection_hurts_nobody(alice: Client, upstream: Upstream) -> None:
    mark, gate = key(), key()
    upstream.script(Turn(n=9, gate=gate, gate_at=3), key=mark)
    run = alice.start(alice.chat(), f"[[key={mark}]] go")["run"]["id"]
    rude = alice.events(run)
    rude.until("text.delta")
    rude.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    rude.close()
    upstream.release(gate)
    assert alice.wait(run)["status"] == "succeeded"


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_over_the_cap_is_refused_before_it_has_come(quick: Server, announced: bool) -> None:
    with socket.create_connection(("127.0.0.1", quick.port)) as sock:
        length = "Content-Length: 50000000" if announced else "Transfer-Encoding: chunked"
        sock.sendall(f"POST /api/chats/ HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}\r\n\r\n".encode())
        try:
            for _ in range(50):
                piece = b"x" * 10_000
                sock.sendall(piece if announced else b"%x\r\n%s\r\n" % (len(piece), piece))
        except ConnectionError:
            pass
        sock.settimeout(5)
        # What announces no length is asked who it is from as it grows, of which nobody here says anything.
        assert (b" 413 " if announced else b" 401 ") in sock.recv(65536).split(b"\r\n")[0]
