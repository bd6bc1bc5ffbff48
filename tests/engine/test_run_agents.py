"""Runs executed by processes of their own: web processes only store messages and read logs."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from tests import environment
from tests.live import Server
from tests.streams import client, key, text_of
from tests.upstream import Turn, Upstream

NewServer = Callable[..., Server]


def agents(server: Server) -> "subprocess.Popen[bytes]":
    """A process beside the server that executes runs."""
    environ = {**server.environ(), "CHAT_RUN_HERE": "on"}
    return subprocess.Popen([sys.executable, "manage.py", "run_agents"], cwd=environment.ROOT, env=environ)


@pytest.mark.skipif(environment.profile() != "scaled", reason="it needs PostgreSQL: see the scaled profile")
def test_a_web_process_leaves_runs_to_it_and_its_readers_see_them_whole(
    new_server: NewServer, upstream: Upstream
) -> None:
    server = new_server(CHAT_RUN_HERE="off").start()
    alice, mark, gate = client(server), key(), key()
    upstream.script(Turn(n=30, delay_ms=20), Turn(n=9, gate=gate, gate_at=5), key=mark)
    chat = alice.chat()
    run = alice.start(chat, f"[[key={mark}]] go")["run"]
    assert run["status"] == "queued"
    process = agents(server)
    try:
        with alice.events(run["id"]) as stream:
            frames = stream.frames()
        assert text_of(frames) == alice.answer(chat)["content"] == "".join(f"{number} " for number in range(30))
        second = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
        upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark, timeout_s=10)
        asked = time.monotonic()
        alice.post(f"/api/runs/{second}/cancel", {})
        upstream.wait_for(lambda seen: seen[-1].end == "client_left", key=mark)
        assert time.monotonic() - asked < 1
        assert alice.wait(second)["status"] == "cancelled"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


@pytest.mark.skipif(environment.profile() != "embedded", reason="it is about SQLite")
def test_with_sqlite_it_refuses_and_says_why(new_server: NewServer) -> None:
    done = new_server().manage("run_agents", check=False)
    assert done.returncode == 1 and "DATABASE_URL" in done.stdout
