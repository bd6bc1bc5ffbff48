"""A real server whose models are asked by the Responses API, in front of an upstream as strict as the real one."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import ScriptedCall, Seen, Turn, Upstream
from tools.git.bare import locked
from tools.git.repository import Repository

MODEL = "thinker-strict"  # refuses the calls of a turn without what was thought before them
WRITE = ScriptedCall("write_file", {"path": "notes.txt", "content": "once"})
READ = ScriptedCall("read_file", {"path": "notes.txt"})
THINKS = Turn(reasoning="I shall write.", text="I write. ", tool_calls=[WRITE])
NewServer = Callable[..., Server]
SETTINGS = {"OPENAI_API": "responses", "OPENAI_MODELS": MODEL, "AGENTS_DEFAULT_MODEL": MODEL}


@pytest.fixture(scope="module")
def server(upstream: Upstream) -> Iterator[Server]:
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", **SETTINGS)
    yield server.start()
    server.close()


def refused(upstream: Upstream, mark: str) -> list[Seen]:
    """Requests that got no stream."""
    return [seen for seen in upstream.requests(mark) if not seen.chunks and seen.end != "open"]


def kinds(seen: Seen) -> list[str]:
    return [item["type"] for item in seen.body["input"]]


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
    tools = ["function_call", "function_call", "function_call_output", "function_call_output"]
    turns = ["message", "reasoning", "message", *tools, "reasoning", "function_call", "function_call_output"]
    assert kinds(third) == turns
    assert kinds(fourth) == [*turns, "reasoning", "message", "message"]
    assert fourth.body["input"][: len(turns)] == third.body["input"], "not a byte of the cached beginning has changed"
    assert third.body["prompt_cache_key"] == fourth.body["prompt_cache_key"] == chat
    assert third.body["store"] is False and "user" not in third.body


def test_after_kill_9_in_the_turn_behind_a_tool_call_the_run_goes_on_with_its_reasoning(
    new_server: NewServer, upstream: Upstream
) -> None:
    server = new_server(**SETTINGS).start()
    alice, mark, gate = client(server), key(), key()
    upstream.script(THINKS, Turn(n=5, gate=gate, gate_at=1), Turn(text="Done."), key=mark)
    chat = alice.chat(archetype="project_navigator")
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark)
    server.kill()
    server.start_process()
    check_goes_on(alice, chat, run, upstream, mark)


def test_after_kill_9_between_a_reply_and_its_tool_the_run_goes_on_with_its_reasoning(
    new_server: NewServer, upstream: Upstream
) -> None:
    server = new_server(**SETTINGS).start()
    alice, mark = client(server), key()
    upstream.script(THINKS, Turn(text="Done."), key=mark)
    chat = alice.chat(archetype="project_navigator")
    repository = Repository(alice.get(f"/api/chats/{chat}/")["project"])
    repository.path = server.data / "repositories" / repository.path.name
    repository.ensure()
    with locked(repository.path):  # the tool waits
        run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
        with alice.events(run) as stream:
            stream.until("tool.called")
        server.kill()
    server.start_process()
    check_goes_on(alice, chat, run, upstream, mark)


def check_goes_on(alice: Client, chat: str, run: str, upstream: Upstream, mark: str) -> None:
    assert alice.wait(run)["status"] == "succeeded"
    assert alice.answer(chat)["content"] == "I write. Done."
    last = upstream.requests(mark)[-1]
    assert kinds(last) == ["message", "reasoning", "message", "function_call", "function_call_output"]
    _, thought, _, call, output = last.body["input"]
    assert thought["encrypted_content"] and call["call_id"] == output["call_id"] != ""
    assert call["call_id"].startswith("call_up_"), "theirs, not ours"
    assert refused(upstream, mark) == []


def test_a_stop_reaches_the_upstream_and_the_text_stays(server: Server, upstream: Upstream) -> None:
    alice, mark, gate = client(server), key(), key()
    upstream.script(Turn(n=10, gate=gate, gate_at=6), key=mark)
    chat = alice.chat()
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark)
    with alice.events(run) as stream:
        while '"4 "' not in stream.until("text.delta")[-1].data:
            pass
        asked = time.monotonic()
        alice.post(f"/api/runs/{run}/cancel", {})
        assert stream.frames()[-1].json["type"] == "run.cancelled"
    (seen,) = upstream.wait_for(lambda seen: [each for each in seen if each.ended_at], key=mark)
    print(f"stopped after {seen.ended_at - asked:.3f} s")
    assert seen.end == "client_left" and seen.ended_at - asked < 5  # within a second, where nothing else runs
    assert (alice.answer(chat)["content"], alice.answer(chat)["status"]) == ("0 1 2 3 4 ", "cancelled")


def test_no_state_is_shown_to_anybody(server: Server, upstream: Upstream) -> None:
    alice, mark = client(server), key()
    upstream.script(THINKS, Turn(text="Done."), key=mark)
    chat = alice.chat(archetype="project_navigator")
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    assert alice.wait(run)["status"] == "succeeded"
    with alice.events(run) as stream:
        shown = "".join(frame.data for frame in stream)
    assert "sealed" not in shown + str(alice.answer(chat)) + str(alice.get(f"/api/runs/{run}/"))
