"""The disk is full under SQLite: what cannot be stored is not answered 2xx, what was is there, and it heals."""

import resource
import sqlite3
from collections.abc import Callable

import pytest

from tests import environment
from tests.live import Server
from tests.streams import client, key
from tests.upstream import Turn, Upstream

NewServer = Callable[..., Server]
MOST = 200


@pytest.mark.faults
@pytest.mark.skipif(environment.profile() != "embedded", reason="PostgreSQL's disk is on its own host")
def test_a_full_disk_is_said_and_survived(new_server: NewServer, upstream: Upstream) -> None:
    server = new_server().start()
    alice, mark, gate = client(server), key(), key()
    upstream.script(*[Turn(n=9, gate=gate, gate_at=5)] * 3, key=mark)
    chat, asked = alice.chat(), alice.chat()
    run = alice.start(asked, f"[[key={mark}]] go")["run"]["id"]
    upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark, timeout_s=10)
    room_for(server, max(path.stat().st_size for path in server.data.glob("db.sqlite3*")) + 300_000)
    stored = []
    for number in range(MOST):
        body = {"content": f"{number} " + "x" * 20_000}
        reply = server.call("POST", f"/api/chats/{chat}/messages/", body, token=alice.token)
        if reply.status != 201:
            break
        stored.append(reply.body["id"])
    assert stored and (reply.status, "retry-after" in reply.headers) == (503, True), reply
    assert "no room left" in reply.body["error"]["message"]
    ready = server.call("GET", "/readyz")
    assert (ready.status, ready.body["failed"], ready.body["checks"]["writes"]) == (503, ["disk_full"], "disk_full")
    assert "Database: disk_full. Make room" in server.log()
    upstream.release(gate)
    for _ in range(3):
        there = alice.get(f"/api/chats/{chat}/messages/?page_size=200")["results"]
        assert [each["id"] for each in there] == stored
    room_for(server, resource.RLIM_INFINITY)
    alice.post(f"/api/chats/{chat}/messages/", {"content": "There is room again."})
    assert alice.wait(run)["status"] == "succeeded"
    assert alice.answer(asked)["content"] == "".join(f"{number} " for number in range(9))
    server.manage("check_log")
    with sqlite3.connect(server.data / "db.sqlite3") as database:
        assert database.execute("PRAGMA quick_check").fetchall() == [("ok",)]


def room_for(server: Server, size: int) -> None:
    """No file of the process can be longer than this from now on."""
    assert server.process is not None
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
