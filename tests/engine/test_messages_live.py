"""A real server whose models are asked by Anthropic's Messages, in front of an upstream as strict as the real one."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import ScriptedCall, Seen, Turn, Upstream
from tests.upstream_messages import blocks_of
from tools.git.bare import locked
from tools.git.repository import Repository

MODEL = "claude-haiku-5-5"
SETTINGS = {"ANTHROPIC_API_KEY": "sk-ant-of-the-tests", "AGENTS_DEFAULT_MODEL": MODEL}
WRITE = ScriptedCall("write_file", {"path": "notes.txt", "content": "once"})
READ = ScriptedCall("read_file", {"path": "notes.txt"})
THINKS = Turn(reasoning="I shall write.", text="I write. ", tool_calls=[WRITE])
NewServer = Callable[..., Server]


@pytest.fixture(scope="module")
def server(upstream: Upstream) -> Iterator[Server]:
    server = Server(ANTHROPIC_BASE_URL=upstream.url, **SETTINGS)
    yield server.start()
    server.close()


def refused(upstream: Upstream, mark: str) -> list[Seen]:
    """Requests that got no stream."""
    return [seen for seen in upstream.requests(mark) if not seen.chunks and seen.end != "open"]


def kinds(seen: Seen) -> list[list[str]]:
    """What each message is made of."""
    return [[each["type"] for each in blocks_of(message)] for message in seen.body["messages"]]


def test_a_chat_with_tools_goes_back_as_it_came_in_later_turns_and_answers(server: Server, upstream: Upstream) -> None:
    alice, mark = client(server), key()
    upstream.script(
        Turn(reasoning="I shall write.", text="I write. ", tool_calls=[WRITE, READ]),
        Turn(reasoning="Once more.", tool_calls=[READ]),
        Turn(reasoning="Done.", text="Written."),
        Turn(text="Yes."),
        key=mark,
    )
    chat = alice.chat(archetype="project_navigator")
    assert alice.wait(alice.start(chat, f"[[key={mark}]] go")["run"]["id"])["status"] == "succeeded"
    assert alice.wait(alice.start(chat, "Sure?")["run"]["id"])["status"] == "succeeded"
    assert alice.answer(chat)["content"] == "Yes."
    assert refused(upstream, mark) == []
    *_, third, fourth = upstream.requests(mark)
    turns = [
        ["text"], ["thinking", "text", "tool_use", "tool_use"], ["tool_result", "tool_result"],
        ["thinking", "tool_use"], ["tool_result"],
    ]  # fmt: skip
    assert kinds(third) == turns
    assert kinds(fourth) == [*turns, ["thinking", "text"], ["text"]]
    assert fourth.body["messages"][: len(turns)] == third.body["messages"], "the cached beginning has not changed"
    assert [each.body["max_tokens"] for each in (third, fourth)] == [128_000] * 2
    assert "temperature" not in third.body


def test_after_kill_9_in_the_turn_behind_a_tool_call_the_run_goes_on_with_its_thoughts(
    new_server: NewServer, upstream: Upstream
) -> None:
    server = new_server(ANTHROPIC_BASE_URL=upstream.url, **SETTINGS).start()
    alice, mark, gate = client(server), key(), key()
    upstream.script(THINKS, Turn(n=5, gate=gate, gate_at=1), Turn(text="Done."), key=mark)
    chat = alice.chat(archetype="project_navigator")
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark, timeout_s=20)
    server.kill()
    server.start_process()
    check_goes_on(alice, chat, run, upstream, mark)


def test_after_kill_9_between_a_reply_and_its_tool_the_run_goes_on_with_its_thoughts(
    new_server: NewServer, upstream: Upstream
) -> None:
    server = new_server(ANTHROPIC_BASE_URL=upstream.url, **SETTINGS).start()
    alice, mark = client(server), key()
    upstream.script(Turn(text="Hello."), THINKS, Turn(text="Done."), key=mark)
    chat = alice.chat(archetype="project_navigator")
    alice.wait(alice.start(chat, f"[[key={mark}]] hello")["run"]["id"])
    repository = Repository(alice.get(f"/api/chats/{chat}/")["project"])
    repository.path = server.data / "repositories" / repository.path.name
    repository.ensure()
    with locked(repository.path):  # its tool waits here
        run = alice.start(chat, "go")["run"]["id"]
        with alice.events(run) as stream:
            stream.until("tool.called")
        server.kill()
    server.start_process()
    check_goes_on(alice, chat, run, upstream, mark)


def check_goes_on(alice: Client, chat: str, run: str, upstream: Upstream, mark: str) -> None:
    """The run ends well, and what was thought before the call went back with it."""
    ended = alice.wait(run)
    assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
    assert alice.answer(chat)["content"] == "I write. Done."
    assert refused(upstream, mark) == [], "an upstream that refuses a turn without its thoughts took all of them"
    last: Any = upstream.requests(mark)[-1]
    assert kinds(last)[-2:] == [["thinking", "text", "tool_use"], ["tool_result"]]


def test_a_stop_reaches_the_upstream_and_the_text_stays(server: Server, upstream: Upstream) -> None:
    alice, mark, gate = client(server), key(), key()
    upstream.script(Turn(n=10, gate=gate, gate_at=4), key=mark)
    chat = alice.chat()
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    with alice.events(run) as stream:
        while '"2 "' not in stream.until("text.delta")[-1].data:
            pass
    asked_at = time.monotonic()
    alice.post(f"/api/runs/{run}/cancel", {})
    (seen,) = upstream.wait_for(lambda seen: [each for each in seen if each.ended_at], key=mark)
    assert seen.end == "client_left" and seen.ended_at - asked_at < 5  # within a second, where nothing else runs
    assert alice.wait(run)["status"] == "cancelled"
    assert alice.answer(chat)["content"] == "0 1 2 "
