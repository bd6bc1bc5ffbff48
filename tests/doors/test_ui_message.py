"""The UI message stream and AG-UI by hand: what is stored, whose names are whose, and who is refused. tests/clients
drives them with their own clients."""

import uuid
from typing import Any
from urllib.parse import quote

import pytest

from tests.doors.people import newcomer
from tests.live import Server
from tests.streams import Client, Frame, Stream, client, key
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


def user(text: str, id: str = "u") -> dict[str, Any]:
    return {"id": id, "role": "user", "parts": [{"type": "text", "text": text}]}


def assistant(text: str) -> dict[str, Any]:
    return {"id": "a", "role": "assistant", "parts": [{"type": "text", "text": text}]}


def send(person: Client, id: str, *messages: dict[str, Any], **fields: Any) -> list[Frame]:
    body = {"id": id, "messages": messages, "trigger": "submit-message", **fields}
    with Stream(person.server, "/api/chat", body, token=person.token) as stream:
        assert stream.status == 200, stream.response.read()
        assert stream.response.headers["x-vercel-ai-ui-message-stream"] == "v1"
        return stream.frames()


def run_agent(person: Client, thread: str, *messages: dict[str, Any], **fields: Any) -> list[Frame]:
    body = {"threadId": thread, "runId": "r", "messages": messages, **fields}
    with Stream(person.server, "/api/agui", body, token=person.token) as stream:
        assert stream.status == 200, stream.response.read()
        return stream.frames()


def chat_of(frames: list[Frame]) -> str:
    return str(next(each.json["data"]["chat"] for each in frames[:-1] if each.json["type"] == "data-parley"))


def contents(person: Client, chat: str) -> list[str]:
    return [each["content"] for each in person.get(f"/api/chats/{chat}/messages/")["results"] if each["role"] == "user"]


def test_of_the_whole_list_only_the_newest_is_stored(alice: Client) -> None:
    name = f"my chat/{key()} é"
    first = send(alice, name, user("One", "u1"))
    second = send(alice, name, user("One", "u1"), assistant("changed by hand"), user("Two", "u2"))
    assert chat_of(first) == chat_of(second)
    assert contents(alice, chat_of(first)) == ["One", "Two"]
    assert first[0].json["messageId"] != second[0].json["messageId"]
    assert [each.json["type"] for each in first[:-1]][-1] == "finish" and first[-1].data == "[DONE]"


def test_a_name_is_its_users_own(alice: Client) -> None:
    charlie, name = newcomer(alice.server), key()
    hers, his = send(alice, name, user("Hers")), send(charlie, name, user("His"))
    assert chat_of(hers) != chat_of(his)
    assert contents(charlie, chat_of(his)) == ["His"]
    assert alice.server.call("GET", f"/api/chats/{chat_of(hers)}/", token=charlie.token).status == 404
    borrowed = send(charlie, chat_of(hers), user("In a chat of hers?"))
    assert chat_of(borrowed) != chat_of(hers) and contents(alice, chat_of(hers)) == ["Hers"]


def test_a_chat_that_is_there_is_opened_by_its_id_and_a_new_one_is_in_the_lists(alice: Client) -> None:
    chat = alice.chat()
    assert chat_of(send(alice, chat, user("Hello"))) == chat
    made = chat_of(send(alice, key(), user("What is new here?")))
    listed = {
        each["id"]: each["title"] for each in alice.get("/api/chats/?search=What is new".replace(" ", "%20"))["results"]
    }
    assert listed[made] == "What is new here?"


def test_a_result_that_nobody_waits_for_is_not_stored(alice: Client) -> None:
    name = key()
    send(alice, name, user("Hello"))
    part = {"type": "tool-weather", "toolCallId": "call_x", "state": "output-available", "input": {}, "output": 1}
    answer = {"id": "a", "role": "assistant", "parts": [part]}
    reply = alice.server.call("POST", "/api/chat", {"id": name, "messages": [user("Hello"), answer]}, token=alice.token)
    assert (reply.status, list(reply.body["error"]["fields"])) == (400, ["messages"])


def test_regenerating_what_never_came_stores_and_answers_it(alice: Client) -> None:
    frames = send(alice, key(), user("Lost on the way"), trigger="regenerate-message")
    assert contents(alice, chat_of(frames)) == ["Lost on the way"]


def test_with_one_idempotency_key_it_is_stored_once(alice: Client) -> None:
    body = {"id": key(), "messages": [user("Once")]}
    said = []
    for _ in range(2):
        headers = {"Idempotency-Key": body["id"]}
        with Stream(alice.server, "/api/chat", body, token=alice.token, headers=headers) as stream:
            said.append([each.data for each in stream])
    assert said[0] == said[1]


@pytest.mark.parametrize(("method", "what"), [("GET", "stream"), ("POST", "stop")])
def test_resume_and_stop_are_for_who_may(alice: Client, method: str, what: str, upstream: Upstream) -> None:
    mark, gate, name = key(), key(), f"{key()}/x"
    upstream.script(Turn(n=3, gate=gate, gate_at=1), key=mark)
    body = {"id": name, "messages": [user(f"[[key={mark}]] go")]}
    with Stream(alice.server, "/api/chat", body, token=alice.token) as stream:
        chat = stream.until("data-parley")[-1].json["data"]["chat"]
        charlie = newcomer(alice.server)
        none = 204 if method == "GET" else 404
        for id in (name, chat, str(uuid.uuid4()), "%00", "x" * 300):
            path = f"/api/chat/{id if id == '%00' else quote(id, safe='')}/{what}"
            assert alice.server.call(method, path, token=charlie.token).status == none, id
        assert alice.server.call(method, f"/api/chat/{quote(name, safe='')}/{what}").status == 401
        upstream.release(gate)
        assert stream.frames()[-1].data == "[DONE]"


def test_an_old_agui_client_gets_no_event_it_does_not_know(alice: Client, upstream: Upstream) -> None:
    mark = key()
    upstream.script(Turn(text="Yes.", reasoning="Hm."), Turn(text="No.", reasoning="Hm."), key=mark)
    said = {"id": "m", "role": "user", "content": f"[[key={mark}]] go"}
    old = [each.json["type"] for each in run_agent(alice, key(), said)]
    assert old == ["RUN_STARTED", "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "RUN_FINISHED"]
    new = [each.json["type"] for each in run_agent(alice, key(), said, protocolVersion="1.0")]
    assert "REASONING_MESSAGE_CONTENT" in new


def test_agui_refuses_what_it_would_have_to_leave_out(alice: Client) -> None:
    said = {"id": "m", "role": "user", "content": "Hello"}
    for field, value in (("resume", [{"interruptId": "x", "status": "resolved"}]), ("messages", []), ("tools", [{}])):
        body = {"threadId": "t", "runId": "r", "messages": [said], field: value}
        reply = alice.server.call("POST", "/api/agui", body, token=alice.token)
        assert reply.status == 400 and next(iter(reply.body["error"]["fields"])).split(".")[0] == field
