"""Policies and approvals on a real server: what a rule does to the next call, one execution whatever dies, and the two
doors at which a client answers by its own protocol."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.doors.people import newcomer
from tests.engine.test_approvals import WRITE, ask, decide
from tests.live import Server
from tests.streams import Client, Frame, Stream, client, key
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = pytest.mark.live
OTHER = ScriptedCall("write_file", {"path": "other.txt", "content": "y"})


@pytest.fixture(scope="module")
def careful(upstream: Upstream) -> Iterator[Server]:
    """A server on which a person must allow every write_file."""
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", TOOLS_ASK_FIRST="write_file")
    yield server.start()
    server.close()


@pytest.fixture
def alice(careful: Server) -> Client:
    return client(careful)


def started(person: Client, upstream: Upstream, chat: str, *turns: Turn) -> str:
    mark = key()
    upstream.script(*turns, key=mark)
    return str(person.start(chat, f"[[key={mark}]] go")["run"]["id"])


def results(person: Client, chat: str) -> list[dict[str, Any]]:
    return [each for each in person.answer(chat)["parts"] if each["type"] == "tool_result"]


def commits(person: Client, chat: str) -> list[str]:
    """The files that the chat's branch has changed."""
    diff = person.post(f"/api/editorChat/{chat}/get-diff", {})
    return [each["path"] for each in diff["files"]]


def project(person: Client) -> str:
    """One of theirs, with a repository."""
    return str(person.get(f"/api/chats/{person.chat()}/")["project"])


def types(frames: list[Frame]) -> list[str]:
    return [each.json["type"] for each in frames if each.data != "[DONE]"]


def test_a_grant_spares_the_next_call_until_it_is_revoked(alice: Client, upstream: Upstream) -> None:
    chat, run, asked = ask(alice, upstream, WRITE)
    ((call, frame),) = asked.items()
    told = {name: frame.json[name] for name in ("title", "permission", "risk")}
    assert told == {"title": "Write file", "permission": "write", "risk": "write"}
    decide(alice, run, call, "allow", scope="chat", digest=frame.json["digest"])
    alice.wait(run)
    again = started(alice, upstream, chat, Turn(text="x", tool_calls=[OTHER]), Turn(text="Then so."))
    assert alice.wait(again)["status"] == "succeeded"
    (grant,) = alice.get(f"/api/chats/{chat}/grants/")["results"]
    assert grant["uses"] == 1 and sorted(commits(alice, chat)) == ["notes.txt", "other.txt"]
    path = f"/api/chats/{chat}/grants/{grant['id']}/"
    assert alice.server.call("DELETE", path, token=alice.token).status == 204
    third = started(alice, upstream, chat, Turn(text="x", tool_calls=[WRITE]), Turn(text="Then so."))
    with alice.events(third) as stream:
        assert stream.until("approval.requested")
    alice.post(f"/api/runs/{third}/cancel", {})


def test_a_rule_decides_the_next_call_and_bob_makes_none(alice: Client, upstream: Upstream) -> None:
    chat = alice.chat()
    place = alice.get(f"/api/chats/{chat}/")
    bob = newcomer(alice.server, organization=place["organization"], role="editor")
    rule = {"project": place["project"], "pattern": "list_*", "decision": "deny"}
    bob.post("/api/policies/", rule, expect=(403,))
    made = alice.post("/api/policies/", rule)
    run = started(alice, upstream, chat, Turn(tool_calls=[ScriptedCall("list_files", {})]), Turn(text="Then so."))
    assert alice.wait(run)["status"] == "succeeded"
    alice.server.call("DELETE", f"/api/policies/{made['id']}/", token=alice.token)
    (result,) = results(alice, chat)
    assert result["outcome"] == "refused" and "list_files" in result["error"]


# --- The AI SDK's door ------------------------------------------------------------------------------------------------


def to_ui(person: Client, name: str, *messages: dict[str, Any], **fields: Any) -> list[Frame]:
    body = {"id": name, "messages": messages, "approvals": "here", "project": project(person), **fields}
    with Stream(person.server, "/api/chat", body, token=person.token) as stream:
        assert stream.status == 200, stream.response.read()
        return stream.frames()


def said(upstream: Upstream, *turns: Turn) -> dict[str, Any]:
    mark = key()
    upstream.script(*turns, key=mark)
    return {"id": "u", "role": "user", "parts": [{"type": "text", "text": f"[[key={mark}]] go"}]}


def responded(id: str, calls: dict[str, bool], **more: Any) -> dict[str, Any]:
    """The answer as the client sends it back, with its part for each call."""
    parts = [
        {"type": "dynamic-tool", "toolName": "write_file", "toolCallId": call, "state": "approval-responded",
         "input": {}, "providerExecuted": True, "approval": {"id": call, "approved": approved, **more}}
        for call, approved in calls.items()
    ]  # fmt: skip
    return {"id": id, "role": "assistant", "parts": parts}


@pytest.mark.parametrize("approved", [True, False])
def test_the_ai_sdk_answers_by_the_parts_of_its_message(alice: Client, upstream: Upstream, approved: bool) -> None:
    name = key()
    user = said(upstream, Turn(text="May I?", tool_calls=[WRITE]), Turn(text="Then so."))
    asked = to_ui(alice, name, user)
    assert types(asked)[-3:] == ["tool-approval-request", "finish-step", "finish"] and asked[-1].data == "[DONE]"
    ids = {each.json["type"]: each.json for each in asked[:-1]}
    call, message = ids["tool-approval-request"]["approvalId"], ids["start"]["messageId"]
    answer = responded(message, {call: approved}, reason="Well.")
    rest = to_ui(alice, name, user, answer)
    told = "tool-output-available" if approved else "tool-output-error"
    assert rest[0].json["messageId"] == message and types(rest).count(told) == 1 and types(rest)[-1] == "finish"
    assert "tool-approval-request" not in types(rest)
    chat = ids["data-parley"]["data"]["chat"]
    assert len(results(alice, chat)) == 1 and results(alice, chat)[0]["is_error"] is not approved
    body = {"id": name, "messages": [user, answer]}
    assert alice.server.call("POST", "/api/chat", body, token=alice.token).status == 400  # nothing waits any more


def test_the_ai_sdk_is_asked_again_for_what_it_has_not_answered(alice: Client, upstream: Upstream) -> None:
    name = key()
    user = said(upstream, Turn(text="May I?", tool_calls=[WRITE, OTHER]), Turn(text="Then so."))
    asked = to_ui(alice, name, user)
    message = asked[0].json["messageId"]
    first, second = (each.json["approvalId"] for each in asked[:-1] if each.json["type"] == "tool-approval-request")
    half = to_ui(alice, name, user, responded(message, {first: True}))
    assert types(half)[-1] == "finish" and "tool-output-available" not in types(half)
    with Stream(alice.server, f"/api/chat/{name}/stream", token=alice.token) as stream:
        assert types(stream.frames())[-2:] == ["finish-step", "finish"]
    rest = to_ui(alice, name, user, responded(message, {first: True, second: False}))
    assert [each for each in types(rest) if "output-" in each] == ["tool-output-available", "tool-output-error"]


def test_strangers_and_keys_answer_nothing_at_the_doors(alice: Client, upstream: Upstream) -> None:
    name = key()
    user = said(upstream, Turn(text="May I?", tool_calls=[WRITE]), Turn(text="Then so."))
    asked = to_ui(alice, name, user)
    ids = {each.json["type"]: each.json for each in asked[:-1]}
    call, run = ids["tool-approval-request"]["approvalId"], ids["data-parley"]["data"]["run"]
    answer = {"id": name, "messages": [user, responded("m", {call: True})]}
    chat = alice.get(f"/api/chats/{ids['data-parley']['data']['chat']}/")
    charlie = newcomer(alice.server)
    assert alice.server.call("POST", "/api/chat", answer, token=charlie.token).status == 400
    key_of = {"name": "CI", "organization": chat["organization"], "scopes": ["chat"]}
    token = alice.post("/api/users/me/keys/", key_of)["key"]
    refused = alice.server.call("POST", "/api/chat", answer, token=token)
    assert (refused.status, refused.body["error"]["code"]) == (403, "not_by_key")
    resume = {"threadId": chat["id"], "runId": "r", "messages": [], "resume": [resumed(call, approved=True)]}
    assert alice.server.call("POST", "/api/agui", resume, token=charlie.token).status in (404, 409)
    assert alice.server.call("POST", "/api/agui", resume, token=token).status == 403
    assert alice.get(f"/api/runs/{run}/")["status"] == "waiting"
    alice.post(f"/api/runs/{run}/cancel", {})


# --- AG-UI ------------------------------------------------------------------------------------------------------------


def to_agui(person: Client, thread: str, *messages: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    body = {"threadId": thread, "runId": key(), "messages": messages, "protocolVersion": "1.0", **fields}
    body["forwardedProps"] = {"approvals": "here", "project": project(person)}
    with Stream(person.server, "/api/agui", body, token=person.token) as stream:
        assert stream.status == 200, stream.response.read()
        return [{**each.json, "asked_as": body["runId"]} for each in stream.frames()]


def resumed(call: str, **payload: Any) -> dict[str, Any]:
    return {"interruptId": call, "status": "resolved", "payload": payload}


def test_agui_interrupts_and_resumes(alice: Client, upstream: Upstream) -> None:
    mark, thread = key(), key()
    upstream.script(Turn(text="May I?", tool_calls=[WRITE, OTHER]), Turn(text="Then so."), key=mark)
    user = {"id": "m", "role": "user", "content": f"[[key={mark}]] go"}
    asked = to_agui(alice, thread, user)
    assert asked[-1]["type"] == "RUN_FINISHED" and asked[-1]["outcome"]["type"] == "interrupt"
    first, second = asked[-1]["outcome"]["interrupts"]
    assert first["reason"] == "tool_call" and first["metadata"]["parley"]["risk"] == "write"
    digest = first["metadata"]["parley"]["digest"]
    changed = {
        "threadId": thread,
        "runId": "r",
        "messages": [user],
        "resume": [resumed(first["id"], approved=True, digest="0")],
    }
    refused = alice.server.call("POST", "/api/agui", changed, token=alice.token)
    assert (refused.status, refused.body["error"]["code"]) == (409, "changed")
    answers = [resumed(first["id"], approved=True, digest=digest), {"interruptId": second["id"], "status": "cancelled"}]
    rest = to_agui(alice, thread, user, resume=answers)
    assert rest[0]["type"] == "RUN_STARTED" and rest[0]["runId"] == rest[0]["asked_as"] != asked[0]["runId"]
    assert [each["type"] for each in rest].count("TOOL_CALL_RESULT") == 2
    assert rest[-1]["type"] == "RUN_FINISHED" and rest[-1]["outcome"]["type"] == "success"
    again = {"threadId": thread, "runId": "r", "messages": [user], "resume": answers}
    assert alice.server.call("POST", "/api/agui", again, token=alice.token).status == 409


def test_a_client_that_does_not_say_so_waits_as_ever(alice: Client, upstream: Upstream) -> None:
    user = said(upstream, Turn(text="May I?", tool_calls=[WRITE]), Turn(text="Then so."))
    with Stream(
        alice.server, "/api/chat", {"id": key(), "messages": [user], "project": project(alice)}, token=alice.token
    ) as stream:
        frames = stream.until("tool-approval-request")
        told = next(each.json["data"] for each in frames if each.json["type"] == "data-parley")
        end = time.monotonic() + 5
        while alice.get(f"/api/runs/{told['run']}/")["status"] != "waiting":
            assert time.monotonic() < end
        decide(alice, told["run"], frames[-1].json["approvalId"], "allow")
        assert types(stream.frames())[-1] == "finish"


# --- Whatever dies ----------------------------------------------------------------------------------------------------


@dataclass
class Asked:
    """A call that waits, and how somebody allows it at the door where it was asked for."""

    chat: str
    run: str
    allow: Callable[[], None]


def by_rest(alice: Client, upstream: Upstream) -> Asked:
    chat, run, asked = ask(alice, upstream, WRITE)
    ((call, frame),) = asked.items()
    return Asked(chat, run, lambda: _decided(alice, run, call, frame.json["digest"]))


def _decided(person: Client, run: str, call: str, digest: str) -> None:
    decide(person, run, call, "allow", digest=digest)


def by_the_ai_sdk(alice: Client, upstream: Upstream) -> Asked:
    name = key()
    user = said(upstream, Turn(text="May I?", tool_calls=[WRITE]), Turn(text="Then so."), Turn(text="Then so."))
    ids = {each.json["type"]: each.json for each in to_ui(alice, name, user)[:-1]}
    answer = responded(ids["start"]["messageId"], {ids["tool-approval-request"]["approvalId"]: True})
    body = {"id": name, "messages": [user, answer], "approvals": "here"}
    told = ids["data-parley"]["data"]
    return Asked(told["chat"], told["run"], lambda: _posted(alice, "/api/chat", body))


def by_agui(alice: Client, upstream: Upstream) -> Asked:
    mark, thread = key(), key()
    upstream.script(Turn(text="May I?", tool_calls=[WRITE]), Turn(text="Then so."), Turn(text="Then so."), key=mark)
    user = {"id": "m", "role": "user", "content": f"[[key={mark}]] go"}
    events = to_agui(alice, thread, user)
    (interrupt,) = events[-1]["outcome"]["interrupts"]
    digest = interrupt["metadata"]["parley"]["digest"]
    body = {"threadId": thread, "runId": key(), "messages": [user], "protocolVersion": "1.0",
            "resume": [resumed(interrupt["id"], approved=True, digest=digest)]}  # fmt: skip
    told = events[0]["metadata"]["parley"]
    return Asked(told["chat"], told["run"], lambda: _posted(alice, "/api/agui", body))


def _posted(person: Client, path: str, body: dict[str, Any]) -> None:
    """Its client leaves as soon as it has been taken."""
    with Stream(person.server, path, body, token=person.token) as stream:
        assert stream.status == 200, stream.response.read()


@pytest.fixture(scope="module")
def mortal(upstream: Upstream) -> Iterator[Server]:
    """The same kind of server, which is killed and started again."""
    server = Server(
        OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", TOOLS_ASK_FIRST="write_file",
        CHAT_LEASE_S="3", CHAT_LEASE_RENEW_S="1",
    )  # fmt: skip
    yield server.start()
    server.close()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("door", [by_rest, by_the_ai_sdk, by_agui])
def test_whatever_dies_what_was_allowed_is_done_once(
    door: Callable[[Client, Upstream], Asked], when: str, mortal: Server, upstream: Upstream
) -> None:
    alice = client(mortal)
    asked = door(alice, upstream)
    if when == "after":
        asked.allow()
    mortal.kill()
    mortal.start_process()
    if when == "before":
        asked.allow()
    assert alice.wait(asked.run)["status"] == "succeeded"
    with alice.events(asked.run) as stream:
        events = [each.json for each in stream.frames()]
    called = [each for each in events if each["type"] == "tool.called"]
    assert [each["arguments"] for each in called] == [WRITE.arguments]
    assert [each["type"] for each in events].count("tool.returned") == 1
    decide(alice, asked.run, called[0]["call"], "allow", expect=409)
    assert commits(alice, asked.chat) == ["notes.txt"]
