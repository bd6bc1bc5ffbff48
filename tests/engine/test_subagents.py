"""Several subagents of one answer on a real server: at the same time, over a crash, stopped, and writing in order."""

import subprocess
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import ScriptedCall, Seen, Turn, Upstream

pytestmark = pytest.mark.live
TURN_MS = 700
LIST = ScriptedCall("list_files", {})


def asks(agent: str, *keys: str) -> list[ScriptedCall]:
    """Calls of subagents, each with a script of its own."""
    return [ScriptedCall(agent, {"task": f"[[key={each}]] Find it."}) for each in keys]


def start(alice: Client, mark: str) -> tuple[str, str]:
    chat = alice.chat(archetype="project_navigator")
    return chat, alice.start(chat, f"[[key={mark}]] go")["run"]["id"]


def events(alice: Client, run: str) -> list[dict[str, Any]]:
    with alice.events(run) as stream:
        return [each.json for each in stream.frames()]


def results(alice: Client, chat: str, name: str) -> list[Any]:
    parts = alice.answer(chat)["parts"]
    return [each.get("result") for each in parts if each["type"] == "tool_result" and each["name"] == name]


def overlap(requests: list[Seen]) -> int:
    """How many of them were open at once, at most."""
    moments = [(each.opened_at, 1) for each in requests] + [(each.ended_at or 0.0, -1) for each in requests]
    open_now = most = 0
    for _, change in sorted(moments):
        open_now += change
        most = max(most, open_now)
    return most


def test_two_that_read_take_about_the_time_of_one(server: Server, upstream: Upstream) -> None:
    alice, mark, a, b = client(server), key(), key(), key()
    upstream.script(Turn(tool_calls=asks("content", a, b)), Turn(text="Both."), key=mark)
    for each in (a, b):
        upstream.script(Turn(text=f"From {each}.", initial_ms=TURN_MS), key=each)
    chat, run = start(alice, mark)
    assert alice.wait(run)["status"] == "succeeded"
    requests = [*upstream.requests(a), *upstream.requests(b)]
    took_s = max(each.ended_at or 0 for each in requests) - min(each.opened_at for each in requests)
    assert overlap(requests) == 2 and took_s < 1.7 * TURN_MS / 1000
    assert sorted(results(alice, chat, "content")) == sorted(f"From {each}." for each in (a, b))
    told = [each["content"] for each in upstream.requests(mark)[-1].messages if each["role"] == "tool"]
    assert told == [f"From {a}.", f"From {b}."], "in the order asked for, whoever ended first"


def test_a_process_that_dies_while_both_are_at_work_is_followed_by_one_that_asks_only_for_what_is_missing(
    new_server: Callable[..., Server], upstream: Upstream
) -> None:
    server = new_server().start()
    alice, mark, a, b, gate = client(server), key(), key(), key(), key()
    upstream.script(Turn(tool_calls=asks("content", a, b)), Turn(text="Both."), key=mark)
    upstream.script(
        Turn(text="I look. ", tool_calls=[LIST]),
        Turn(text=["half ", "of a"], gate=gate, gate_at=2),
        Turn(text="All of a."),
        key=a,
    )
    upstream.script(Turn(text=["half ", "of b"], gate=gate, gate_at=2), Turn(text="All of b."), key=b)
    chat, run = start(alice, mark)
    for each, count in ((a, 2), (b, 1)):
        upstream.wait_for(
            lambda seen, count=count: len(seen) == count and seen[-1].waits_at == gate, key=each, timeout_s=20
        )
    server.kill()
    upstream.release(gate)
    server.start_process()
    assert alice.wait(run)["status"] == "succeeded"
    assert sorted(results(alice, chat, "content")) == ["All of a.", "All of b."]
    assert [len(upstream.requests(each)) for each in (mark, a, b)] == [2, 3, 2]
    log = events(alice, run)
    said: dict[str, str] = {}
    for each in log:
        if each["type"] == "text.delta" and each.get("agent"):
            said[each["agent"]] = said.get(each["agent"], "") + each["text"]
    # Who comes later reads nothing that was taken back.
    assert sorted(said.values()) == ["All of b.", "I look. All of a."]
    assert sum(each["type"] == "agent.started" for each in log) == sum(each["type"] == "agent.returned" for each in log)


def test_stopping_the_answer_stops_both(server: Server, upstream: Upstream) -> None:
    alice, mark, a, b = client(server), key(), key(), key()
    upstream.script(Turn(tool_calls=asks("content", a, b)), key=mark)
    for each in (a, b):
        upstream.script(Turn(n=5000, delay_ms=20), key=each)
    _, run = start(alice, mark)
    for each in (a, b):
        upstream.wait_for(lambda seen: seen and seen[0].chunks > 3, key=each)
    alice.post(f"/api/runs/{run}/cancel", {})
    assert alice.wait(run)["status"] == "cancelled"
    for each in (a, b):
        upstream.wait_for(lambda seen: seen[0].end == "client_left", key=each)
    log = events(alice, run)
    assert [each["type"] for each in log].count("agent.returned") == 2
    failed = [each["outcome"] for each in log if each["type"] == "tool.failed"]
    assert failed == ["unknown", "unknown"] and log[-1]["type"] == "run.cancelled"


def write(path: str, content: str) -> list[ScriptedCall]:
    return [ScriptedCall("write_file", {"path": path, "content": content})]


def test_those_that_write_do_so_in_order_on_the_chats_branch(server: Server, upstream: Upstream) -> None:
    alice, mark, a, b = client(server), key(), key(), key()
    upstream.script(Turn(tool_calls=asks("editor", a, b)), Turn(text="Both."), key=mark)
    upstream.script(
        Turn(tool_calls=write("list.md", "1\n")), Turn(tool_calls=write("a.md", "a\n")), Turn(text="Wrote."), key=a
    )
    upstream.script(Turn(tool_calls=write("list.md", "1\n2\n")), Turn(text="Wrote too."), key=b)
    chat, run = start(alice, mark)
    assert alice.wait(run)["status"] == "succeeded"
    assert results(alice, chat, "editor") == ["Wrote.", "Wrote too."]
    assert overlap([*upstream.requests(a), *upstream.requests(b)]) == 1
    commits = [each["commit"] for each in results(alice, chat, "write_file")]
    repository = server.data / "repositories" / f"{alice.get(f'/api/chats/{chat}/')['project']}.git"
    for older, newer in pairwise(commits):
        done = subprocess.run(["git", "-C", str(repository), "merge-base", "--is-ancestor", older, newer], check=False)
        assert done.returncode == 0
    shown = subprocess.run(
        ["git", "-C", str(repository), "show", f"{commits[-1]}:list.md"], check=True, capture_output=True, text=True
    )
    assert shown.stdout == "1\n2\n"


def test_one_waits_for_a_person_while_the_other_ends(new_server: Callable[..., Server], upstream: Upstream) -> None:
    server = new_server(TOOLS_ASK_FIRST="list_files").start()
    alice, mark, a, b = client(server), key(), key(), key()
    upstream.script(Turn(tool_calls=asks("content", a, b)), Turn(text="Both."), key=mark)
    upstream.script(Turn(tool_calls=[LIST]), Turn(text="Listed."), key=a)
    upstream.script(Turn(text="Read.", initial_ms=300), key=b)
    chat, run = start(alice, mark)
    end = time.monotonic() + 20
    while alice.get(f"/api/runs/{run}/")["status"] != "waiting":
        assert time.monotonic() < end
        time.sleep(0.05)
    with alice.events(run) as stream:
        asked = stream.until("approval.requested")[-1].json
    assert asked["agent"].startswith("content:") and len(upstream.requests(b)) == 1
    alice.post(f"/api/runs/{run}/approvals/{asked['call']}", {"decision": "allow"})
    assert alice.wait(run)["status"] == "succeeded"
    assert [len(upstream.requests(each)) for each in (a, b, mark)] == [2, 1, 2]
    assert sorted(results(alice, chat, "content")) == ["Listed.", "Read."]
