"""A tool that asks first: the run waits without a lease, for a person or for its time, over any restart."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.live import Server
from tests.streams import Client, Frame, client, key
from tests.upstream import ScriptedCall, Turn, Upstream

WRITE = ScriptedCall("write_file", {"path": "notes.txt", "content": "x"})
LIST = ScriptedCall("list_files", {})


@pytest.fixture(scope="module")
def careful(upstream: Upstream) -> Iterator[Server]:
    """A server on which a person must allow every write_file."""
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", TOOLS_ASK_FIRST="write_file")
    yield server.start()
    server.close()


@pytest.fixture
def alice(careful: Server) -> Client:
    return client(careful)


def ask(alice: Client, upstream: Upstream, *calls: ScriptedCall) -> tuple[str, str, dict[str, Frame]]:
    """A run that waits: chat, run, and the requests by call id."""
    mark = key()
    upstream.script(Turn(text="May I? ", tool_calls=list(calls)), Turn(text="Then so."), key=mark)
    chat = alice.chat()
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    asked: dict[str, Frame] = {}
    with alice.events(run) as stream:
        while len(asked) < sum(call.name == "write_file" for call in calls):
            frame = stream.until("approval.requested")[-1]
            asked[frame.json["call"]] = frame
    end = time.monotonic() + 5
    while alice.get(f"/api/runs/{run}/")["status"] != "waiting":
        assert time.monotonic() < end
        time.sleep(0.02)
    return chat, run, asked


def decide(alice: Client, run: str, call: str, decision: str, expect: int = 200, **more: str) -> dict[str, object]:
    body = {"decision": decision, **more}
    return dict(alice.post(f"/api/runs/{run}/approvals/{call}", body, expect=(expect,)))


def test_an_allowed_call_is_made_and_the_run_goes_on(alice: Client, upstream: Upstream) -> None:
    chat, run, asked = ask(alice, upstream, WRITE)
    ((call, frame),) = asked.items()
    assert frame.json["arguments"] == WRITE.arguments
    with alice.events(run, after=frame.id) as stream:
        decide(alice, run, call, "allow")
        types = [each.json["type"] for each in stream.frames()]
    assert types[0] == "approval.resolved" and types[-1] == "run.completed"
    assert types.count("tool.called") == types.count("tool.returned") == 1
    assert alice.answer(chat)["content"] == "May I? Then so."
    assert decide(alice, run, call, "allow", expect=409)


def test_a_denied_call_is_not_made_and_the_model_is_told_why(alice: Client, upstream: Upstream) -> None:
    chat, run, asked = ask(alice, upstream, WRITE)
    decide(alice, run, next(iter(asked)), "deny", reason="Not on Friday.")
    assert alice.wait(run)["status"] == "succeeded"
    (result,) = [part for part in alice.answer(chat)["parts"] if part["type"] == "tool_result"]
    assert result["is_error"] and "Not on Friday." in result["error"]


def test_of_two_calls_each_waits_for_its_own_decision_and_what_needs_none_is_done(
    alice: Client, upstream: Upstream
) -> None:
    other = ScriptedCall("write_file", {"path": "b.txt", "content": "y"})
    chat, run, asked = ask(alice, upstream, WRITE, LIST, other)
    first, second = asked
    decide(alice, run, first, "allow")
    assert alice.get(f"/api/runs/{run}/")["status"] == "waiting"
    decide(alice, run, first, "deny", expect=404)
    decide(alice, run, second, "deny")
    assert alice.wait(run)["status"] == "succeeded"
    results = [part for part in alice.answer(chat)["parts"] if part["type"] == "tool_result"]
    assert [(part["name"], part["is_error"]) for part in results] == [
        ("list_files", False),
        ("write_file", False),
        ("write_file", True),
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "decision"), ({"decision": "maybe"}, "decision"), ({"decision": "allow", "reason": 1}, "reason"),
     ({"decision": "allow", "reason": "x" * 501}, "reason"), ({"decision": "allow", "by": "me"}, "by")],
)  # fmt: skip
def test_a_bad_decision_is_refused_by_name(
    alice: Client, upstream: Upstream, body: dict[str, object], field: str
) -> None:
    _, run, asked = ask(alice, upstream, WRITE)
    refused = alice.post(f"/api/runs/{run}/approvals/{next(iter(asked))}", body, expect=(400,))
    assert field in refused["error"]["fields"]
    alice.post(f"/api/runs/{run}/cancel", {})


def test_a_waiting_run_can_be_stopped_and_keeps_others_of_its_chat_waiting_until_then(
    alice: Client, upstream: Upstream
) -> None:
    chat, run, _ = ask(alice, upstream, WRITE)
    mark = key()
    upstream.script(Turn(text="Next."), key=mark)
    later = alice.start(chat, f"[[key={mark}]] and then")["run"]["id"]
    assert alice.get(f"/api/runs/{later}/")["status"] == "queued"
    alice.post(f"/api/runs/{run}/cancel", {})
    assert alice.wait(run)["status"] == "cancelled"
    assert alice.wait(later)["status"] == "succeeded"


def test_it_waits_over_a_restart_and_expires_as_denied(new_server: Callable[..., Server], upstream: Upstream) -> None:
    server = new_server(TOOLS_ASK_FIRST="write_file", CHAT_APPROVAL_S="4").start()
    alice = client(server)
    chat, run, _ = ask(alice, upstream, WRITE)
    server.kill()
    server.start_process()
    assert alice.wait(run)["status"] == "succeeded"
    (result,) = [part for part in alice.answer(chat)["parts"] if part["type"] == "tool_result"]
    assert "Nobody decided in time" in result["error"]


def test_a_message_that_interrupts_ends_a_waiting_run_and_is_answered(alice: Client, upstream: Upstream) -> None:
    chat, run, _ = ask(alice, upstream, WRITE)
    mark = key()
    upstream.script(Turn(text="Rather this."), key=mark)
    later = alice.start(chat, f"[[key={mark}]] never mind", if_busy="interrupt")["run"]["id"]
    assert alice.wait(run)["status"] == "cancelled"
    assert alice.wait(later)["status"] == "succeeded"
