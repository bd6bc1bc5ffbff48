"""A chat that goes through a workflow, on a real server: each answer is asked once, whatever happens to its process.

The threads door's frontend speaks here: it posts messages and reads their streams.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.doors.people import newcomer
from tests.live import Server
from tests.streams import Client, Stream, client, key
from tests.upstream import ScriptedCall, Turn, Upstream

NewServer = Callable[..., Server]
SECRET = "Whisper number"


def talk(number: int, to: str, **fields: Any) -> dict[str, Any]:
    prompt = f"{SECRET} {number}."
    return {"id": f"s{number}", "name": f"Step {number}", "prompt": prompt, "next": [{"to": to}], **fields}


FIVE = [talk(n, f"s{n + 1}" if n < 5 else "end", needs=[f"a{n}"]) for n in range(1, 6)]


def published(alice: Client, steps: list[dict[str, Any]], **fields: Any) -> str:
    """A workflow of the person's first project."""
    project = alice.get("/api/projects/")["results"][0]["id"]
    body = {"project": project, "name": "Intake", "definition": {"steps": steps}, **fields}
    made = alice.post("/api/workflows/", body)
    assert alice.post(f"/api/workflows/{made['id']}/publish", {})["published"] == 1
    return str(made["id"])


def say(alice: Client, thread: str, text: str) -> list[dict[str, Any]]:
    """Every frame of the response."""
    with Stream(
        alice.server, f"/chat/threads/{thread}/messages/stream", {"content": text}, token=alice.token
    ) as stream:
        frames = [each.json for each in stream]
    assert SECRET not in json.dumps(frames)
    return frames


def kinds(frames: list[dict[str, Any]]) -> list[str]:
    return [each["type"] for each in frames if each["type"] != "ai_response"]


def told(upstream: Upstream, mark: str) -> list[str]:
    """The steps by whose words the model was asked, in order; empty for none."""
    systems = [
        "".join(str(m["content"]) for m in each.messages if m["role"] == "system") for each in upstream.requests(mark)
    ]
    return [system.partition(SECRET)[2].strip(" .")[:1] for system in systems]


def until(found: Callable[[], Any]) -> Any:
    """What it gives, once it is something."""
    end = time.monotonic() + 30
    while not (value := found()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return value


def test_five_steps_are_each_asked_once_over_crashes_and_a_new_version(
    new_server: NewServer, upstream: Upstream
) -> None:
    server = new_server().start()
    alice, mark, gate = client(server), key(), key()
    workflow = published(alice, FIVE, is_default=True)
    project = alice.get("/api/projects/")["results"][0]["id"]
    chat = alice.post("/chat/threads", {"projectId": project})["thread"]["id"]
    upstream.script(
        Turn(text="One."), Turn(text="Half of two", n=5, gate=gate, gate_at=2), Turn(text="Two."), Turn(text="Three."),
        Turn(text="Four."), Turn(text="Five."), Turn(text="Free."), key=mark,
    )  # fmt: skip
    first = say(alice, chat, f"[[key={mark}]] first")
    assert kinds(first) == ["connected", "message_saved", "workflow_status", "workflow_status", "done"]
    # It dies in the middle of the second step.
    run = alice.start(chat, "second")["run"]["id"]
    upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark, timeout_s=30)
    server.kill()
    server.start_process()
    assert alice.wait(run)["status"] == "succeeded" and alice.answer(chat)["content"] == "Two."
    # Somebody publishes another version: it is for chats that begin now.
    alice_put(alice, f"/api/workflows/{workflow}/", {"definition": {"steps": [talk(9, "end")]}})
    assert alice.post(f"/api/workflows/{workflow}/publish", {})["published"] == 2
    say(alice, chat, "third")
    # It dies between two steps.
    server.kill()
    server.start_process()
    standing = alice.get(f"/api/chats/{chat}/workflow/")
    assert (standing["step"]["id"], standing["step"]["index"], standing["version"], standing["seq"]) == ("s4", 4, 1, 4)
    say(alice, chat, "fourth")
    last = say(alice, chat, "fifth")
    assert kinds(last) == ["connected", "message_saved", "workflow_status", "workflow_complete", "done"]
    standing = alice.get(f"/api/chats/{chat}/workflow/")
    assert (standing["status"], standing["seq"], standing["step"]) == ("completed", 6, None)
    texts = [f"[[key={mark}]] first", "second", "third", "fourth", "fifth"]
    assert standing["answers"] == {f"a{n}": text for n, text in enumerate(texts, 1)}
    say(alice, chat, "and more")
    assert told(upstream, mark) == ["1", "2", "2", "3", "4", "5", ""]
    newer = alice.get(f"/api/chats/{alice.chat()}/workflow/")
    assert (newer["version"], newer["step"]["id"]) == (2, "s9")
    for run in [each["id"] for each in alice.get(f"/api/runs/?chat={chat}")["results"]]:
        with alice.events(run) as stream:
            assert SECRET not in json.dumps([alice.get(f"/api/runs/{run}/"), *[each.json for each in stream]])


def alice_put(alice: Client, path: str, body: Any) -> None:
    assert alice.server.call("PUT", path, body, token=alice.token).status == 200


def test_two_messages_at_once_are_answered_at_one_step_behind_the_other(server: Server, upstream: Upstream) -> None:
    alice, mark, gate = client(server), key(), key()
    chat = alice.chat(workflow=published(alice, FIVE))
    upstream.script(Turn(text="One.", n=5, gate=gate, gate_at=2), Turn(text="Two."), key=mark)
    runs = [alice.start(chat, f"[[key={mark}]] {text}")["run"]["id"] for text in ("a", "b")]
    upstream.release(gate)
    assert [alice.wait(run)["status"] for run in runs] == ["succeeded", "succeeded"]
    assert told(upstream, mark) == ["1", "2"]
    standing = alice.get(f"/api/chats/{chat}/workflow/")
    assert (standing["step"]["id"], standing["answers"]) == (
        "s3", {"a1": f"[[key={mark}]] a", "a2": f"[[key={mark}]] b"},
    )  # fmt: skip


MODEL = [{"when": {"model": "They are done."}, "to": "s2"}, {"when": {"model": "They are cross."}, "to": "end"}]
REPLIES: dict[str, tuple[Turn, str]] = {
    "a name of the list": (Turn(text="s2"), "s2"),
    "nonsense": (Turn(text="I would say that they seem to be done, so s2 or end."), "s1"),
    "nothing": (Turn(fault="400"), "s1"),
}


@pytest.mark.parametrize(("reply", "step"), REPLIES.values(), ids=REPLIES.keys())
def test_a_model_decides_once_and_only_by_a_name_of_the_list(
    server: Server, upstream: Upstream, reply: Turn, step: str
) -> None:
    alice, mark = client(server), key()
    chat = alice.chat(workflow=published(alice, [talk(1, "s2", next=MODEL), talk(2, "end")]))
    upstream.script(Turn(text="One."), reply, key=mark)
    run = alice.wait(alice.start(chat, f"[[key={mark}]] go")["run"]["id"])
    assert (run["status"], alice.answer(chat)["content"]) == ("succeeded", "One.")
    assert alice.get(f"/api/chats/{chat}/workflow/")["step"]["id"] == step
    asked = upstream.requests(mark)[1].messages
    assert "s2: They are done.\nend: They are cross.\nnone:" in str(asked[-1]["content"]) and len(asked) == 2
    with alice.events(run["id"]) as stream:
        words = [each.json["text"] for each in stream if each.json["type"] == "text.delta"]
    assert words == ["One."], "what was chosen is nobody's to read"


def test_a_step_that_fails_three_times_ends_its_workflow_and_the_chat_goes_on(
    server: Server, upstream: Upstream
) -> None:
    alice, mark = client(server), key()
    chat = alice.chat(workflow=published(alice, FIVE))
    upstream.script(*[Turn(fault="400")] * 3, Turn(text="Free."), key=mark)
    frames = [say(alice, chat, f"[[key={mark}]] go") for _ in range(3)]
    assert [kinds(each)[-1] for each in frames] == ["error"] * 3
    over = [each["data"] for each in frames[2] if each["type"] == "workflow_complete"]
    assert [each["status"] for each in over] == ["failed"] and "Step 1" in over[0]["error"]
    assert alice.get(f"/api/chats/{chat}/workflow/")["status"] == "failed"
    say(alice, chat, f"[[key={mark}]] go")
    assert told(upstream, mark) == ["1", "1", "1", ""] and alice.answer(chat)["content"] == "Free."


def test_a_tool_runs_by_itself_and_a_person_decides_what_follows(server: Server, upstream: Upstream) -> None:
    alice, mark = client(server), key()
    steps = [
        talk(1, "look"),
        {"id": "look", "name": "Look", "kind": "tool", "tool": "list_files", "next": [{"to": "ok"}]},
        {"id": "ok", "name": "Ok", "kind": "approval", "next": [{"to": "s2"}]},
        talk(2, "end"),
    ]
    chat = alice.chat(workflow=published(alice, steps))
    call = ScriptedCall("list_files", {})
    upstream.script(Turn(text="One."), Turn(tool_calls=[call]), Turn(text="Files."), Turn(text="Bye."), key=mark)
    alice.wait(alice.start(chat, f"[[key={mark}]] go")["run"]["id"])
    path = f"/api/chats/{chat}/workflow/"
    until(lambda: alice.get(path)["status"] == "waiting")
    assert alice.answer(chat)["content"] == "Files."
    assert upstream.requests(mark)[1].body["tool_choice"] == {"type": "function", "function": {"name": "list_files"}}
    stranger = newcomer(server)
    assert server.call("POST", f"{path}answer", {"decision": "allow"}, token=stranger.token).status == 404
    assert server.call("GET", path, token=stranger.token).status == 404
    assert alice.post(f"{path}answer", {"decision": "allow"})["step"]["id"] == "s2"
    assert kinds(say(alice, chat, f"[[key={mark}]] on"))[-2:] == ["workflow_complete", "done"]
    assert told(upstream, mark) == ["1", "", "", "2"]


def test_a_tool_that_is_not_there_fails_and_is_tried_again_by_itself(server: Server, upstream: Upstream) -> None:
    alice, mark = client(server), key()
    steps = [talk(1, "look"), {"id": "look", "name": "Look", "kind": "tool", "tool": "fly", "retries": 1}]
    chat = alice.chat(workflow=published(alice, steps))
    upstream.script(Turn(text="One."), key=mark)
    alice.wait(alice.start(chat, f"[[key={mark}]] go")["run"]["id"])
    until(lambda: alice.get(f"/api/chats/{chat}/workflow/")["status"] == "failed")
    runs = alice.get(f"/api/runs/?chat={chat}")["results"]
    assert [each["error"] and each["error"]["code"] for each in runs] == ["tool_missing", "tool_missing", None]
    assert len(upstream.requests(mark)) == 1
