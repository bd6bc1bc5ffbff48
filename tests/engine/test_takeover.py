"""A process dies, freezes or is told to go: its runs go on, nothing is done twice, readers see it whole."""

import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pygit2

from tests.live import Server
from tests.streams import Client, Frame, client, key, text_of
from tests.upstream import ScriptedCall, Turn, Upstream
from tools.git.bare import locked
from tools.git.repository import Repository

WRITE = [ScriptedCall("write_file", {"path": "notes.txt", "content": "once"})]
NewServer = Callable[..., Server]


def follow(alice: Client, run: str, frames: list[Frame], give_up_s: float = 40) -> None:
    """Read as a browser does: come back with the last id whenever the connection ends before the run."""
    end = time.monotonic() + give_up_s
    while (not frames or not frames[-1].is_end) and time.monotonic() < end:
        try:
            with alice.events(run, after=frames[-1].id if frames else "") as stream:
                for frame in stream:
                    if frame.id:
                        frames.append(frame)
        except OSError:
            time.sleep(0.05)


def test_after_kill_9_the_run_goes_on_and_its_finished_tools_do_not_run_again(
    new_server: NewServer, upstream: Upstream
) -> None:
    server = new_server().start()
    alice, mark, gate = client(server), key(), key()
    upstream.script(
        Turn(text="I write. ", tool_calls=WRITE),
        Turn(n=40, gate=gate, gate_at=21),
        Turn(text="All of it."),
        key=mark,
    )
    chat = alice.chat(archetype="project_navigator")
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    frames: list[Frame] = []
    reader = threading.Thread(target=follow, args=(alice, run, frames))
    reader.start()
    upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark)
    while "19 " not in text_of(frames):
        time.sleep(0.01)
    server.kill()
    server.start_process()
    ready = time.monotonic()  # how long a process takes to start is the machine's
    reader.join(30)
    assert time.monotonic() - ready < 10
    assert sum(each.is_end for each in frames) == 1
    assert "turn.reset" in [each.json["type"] for each in frames]
    assert text_of(frames) == alice.answer(chat)["content"] == "I write. All of it."
    assert commits(server, chat) == 1
    assert len(upstream.requests(mark)) == 3
    assert [each["status"] for each in alice.get(f"/api/runs/?chat={chat}")["results"]] == ["succeeded"]


def test_a_write_whose_result_was_lost_is_repeated_and_finds_what_it_did(
    new_server: NewServer, upstream: Upstream
) -> None:
    """It dies behind the commit and before the database knows of it: the only moment that a repeated call can hurt."""
    server = new_server().start()
    alice, mark = client(server), key()
    upstream.script(Turn(tool_calls=WRITE), Turn(text="Done."), key=mark)
    chat = alice.chat(archetype="project_navigator")
    alice.wait(alice.start(chat, "[[n=1]] the repository is made by now", archetype="project_navigator")["run"]["id"])
    repository = Repository(alice.get(f"/api/chats/{chat}/")["project"])
    repository.path = server.data / "repositories" / repository.path.name
    repository.ensure()
    with locked(repository.path):
        run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
        with alice.events(run) as stream:
            stream.until("tool.called")
        database = unwritable(server)
    while commits(server, chat) == 0:
        time.sleep(0.01)
    server.kill()
    database.close()
    server.start_process()
    assert alice.wait(run)["attempt"] == 2
    with alice.events(run) as stream:
        results = [each.json for each in stream if each.json["type"] == "tool.returned"]
    assert [each["result"]["done"] for each in results] == ["created"], "what it would have said the first time"
    assert commits(server, chat) == 1


def unwritable(server: Server) -> Any:
    """A connection to the server's database that lets nobody write an event until it is closed."""
    url = server.settings.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        held = sqlite3.connect(server.data / "db.sqlite3", isolation_level=None, timeout=10)
        held.execute("BEGIN IMMEDIATE")
        return held
    locking = psycopg.connect(url.replace("postgres://", "postgresql://"))
    locking.execute("LOCK TABLE chat_runevent IN EXCLUSIVE MODE")
    return locking


def test_a_process_that_slept_over_its_lease_writes_nothing_more(new_server: NewServer, upstream: Upstream) -> None:
    server = new_server(CHAT_LEASE_S="1", CHAT_LEASE_RENEW_S="0.3", CHAT_SCAN_S="0.2").start()
    other = server.sibling()
    alice, mark, gate = client(server), key(), key()
    upstream.script(Turn(n=10, gate=gate, gate_at=5), Turn(text="Again, whole."), key=mark)
    chat = alice.chat()
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark)
    server.freeze()
    other.start_process()
    try:
        bob = Client(other, alice.token)
        assert bob.wait(run)["attempt"] == 2
        upstream.release(gate)
        server.thaw()
        time.sleep(1)
        with bob.events(run) as stream:
            frames = stream.frames()
        assert text_of(frames) == bob.answer(chat)["content"] == "Again, whole."
        assert sum(each.is_end for each in frames) == 1
    finally:
        server.thaw()
        other.close()


def test_told_to_go_it_lets_runs_end_within_the_drain_time(new_server: NewServer, upstream: Upstream) -> None:
    server = new_server(CHAT_DRAIN_S="5").start()
    alice, mark = client(server), key()
    upstream.script(Turn(n=20, delay_ms=50), key=mark)
    chat = alice.chat()
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    with alice.events(run) as stream:
        stream.until("text.delta")
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        frames = stream.frames()
    stopping.join(10)
    assert frames[-1].json["type"] == "run.completed"


def test_a_run_longer_than_the_drain_time_is_handed_over_at_once(new_server: NewServer, upstream: Upstream) -> None:
    server = new_server(CHAT_DRAIN_S="0.5").start()
    alice, mark, gate = client(server), key(), key()
    upstream.script(Turn(n=10, gate=gate, gate_at=5), Turn(text="From the next one."), key=mark)
    chat = alice.chat()
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    with alice.events(run) as stream:
        stream.until("text.delta")
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        frames = stream.frames()
    stopping.join(10)
    assert frames[-1].event == "reconnect"
    server.start_process()
    began = time.monotonic()
    ended = alice.wait(run)
    assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
    assert time.monotonic() - began < 5
    assert alice.answer(chat)["content"] == "From the next one."
    upstream.release(gate)


def test_a_run_that_ends_its_process_three_times_is_given_up(new_server: NewServer, upstream: Upstream) -> None:
    server = new_server(CHAT_LEASE_S="1", CHAT_LEASE_RENEW_S="0.3").start()
    alice, mark, gate = client(server), key(), key()
    upstream.script(*[Turn(n=5, gate=gate, gate_at=2) for _ in range(4)], key=mark)
    chat = alice.chat()
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    for life in range(1, 4):
        upstream.wait_for(lambda seen, life=life: len(seen) == life, key=mark, timeout_s=10)
        server.kill()
        server.start_process()
    ended = alice.wait(run)
    assert ended["status"] == "failed" and ended["error"]["code"] == "poison"
    assert len(upstream.requests(mark)) == 3


def commits(server: Server, chat: str) -> int:
    """How many commits the chat's branch, where there is one, has on top of the default one."""
    (path,) = (server.data / "repositories").glob("*.git")
    repository = pygit2.Repository(str(path))
    mine = [each for each in repository.branches.local if chat.replace("-", "")[:12] in each]
    if not mine:
        return 0
    assert len(mine) == 1
    count = ["git", "-C", str(path), "rev-list", "--count", f"HEAD..{mine[0]}"]
    return int(subprocess.run(count, check=True, capture_output=True, text=True).stdout)
