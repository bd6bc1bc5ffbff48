"""The Responses door over HTTP: what the SDK does not show, from heads of streams to readers of a run taken over."""

import json
from collections.abc import Callable

import pytest

from tests.live import Server
from tests.streams import Client, Frame, Stream, client, key
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live
NewServer = Callable[..., Server]
DEMO = {"model": "demo", "input": "Hello"}


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


def scripted(upstream: Upstream, *turns: Turn) -> str:
    mark = key()
    upstream.script(*turns, key=mark)
    return f"[[key={mark}]] go"


def text_of(frames: list[Frame]) -> str:
    return "".join(each.json["delta"] for each in frames if each.event == "response.output_text.delta")


def numbers(frames: list[Frame]) -> list[int]:
    return [each.json["sequence_number"] for each in frames if each.data != "[DONE]"]


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream", "*/*"])
def test_a_stream_has_the_head_that_every_reader_needs(server: Server, alice: Client, accept: str) -> None:
    headers = {"Accept": accept, "Accept-Encoding": "gzip"}
    with Stream(server, "/v1/responses", {**DEMO, "stream": True}, token=alice.token, headers=headers) as stream:
        head = stream.response.headers
        frames = stream.frames()
    assert (stream.status, head["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
    assert "no-cache" in head["Cache-Control"] and head["X-Accel-Buffering"] == "no"
    assert head["Content-Length"] is None and head["Content-Encoding"] is None
    assert all(each.event == each.json["type"] and not each.id for each in frames[:-1])
    assert (frames[-1].data, frames[-1].event) == ("[DONE]", "")


def test_a_replay_is_equal_to_the_live_stream(server: Server, alice: Client) -> None:
    with Stream(server, "/v1/responses", {**DEMO, "stream": True}, token=alice.token) as live:
        whole = live.frames()
    id = whole[0].json["response"]["id"]
    with Stream(server, f"/v1/responses/{id}?stream=true", token=alice.token) as again:
        assert again.frames() == whole
    with Stream(server, f"/api/llm/responses/{id}?stream=true&starting_after=4", token=alice.token) as rest:
        assert rest.frames() == whole[5:]


@pytest.mark.parametrize("after", ["", "-1", "x", "1e3", "9" * 50])
def test_a_number_that_is_none_is_refused_by_name(alice: Client, after: str) -> None:
    id = alice.post("/v1/responses", DEMO)["id"]
    path = f"/v1/responses/{id}?stream=true&starting_after={after}"
    reply = alice.server.call("GET", path, token=alice.token)
    assert (reply.status, reply.body["error"]["param"]) == (400, "starting_after")


def test_a_key_starts_one_response_however_often_it_is_sent(server: Server, alice: Client) -> None:
    name = key()
    first, again = (alice.post("/v1/responses", DEMO, Idempotency_Key=name) for _ in range(2))
    assert first == again
    headers = {"Idempotency-Key": name}
    other = server.call("POST", "/v1/responses", {**DEMO, "input": "Other"}, token=alice.token, headers=headers)
    assert (other.status, other.body["error"]["code"]) == (422, "idempotency_key_reused")


def test_outputs_of_calls_that_nobody_made_are_refused(server: Server, alice: Client) -> None:
    output = {"type": "function_call_output", "call_id": "call_none", "output": "x"}
    reply = server.call("POST", "/v1/responses", {"model": "demo", "input": [output]}, token=alice.token)
    assert (reply.status, reply.body["error"]["param"]) == (400, "input")


def test_an_item_of_a_response_that_is_not_stored_cannot_be_named(server: Server, alice: Client) -> None:
    kept = alice.post("/v1/responses", DEMO)["output"][0]["id"]
    unstored = alice.post("/v1/responses", {**DEMO, "store": False})["output"][0]["id"]
    for id, status in ((kept, 200), (unstored, 404), ("msg_none", 404), (f"{kept}_7", 404)):
        named = [{"type": "item_reference", "id": id}, {"role": "user", "content": "Go on."}]
        reply = server.call("POST", "/v1/responses", {"model": "demo", "input": named}, token=alice.token)
        assert reply.status == status, id


def test_a_chat_of_another_door_is_a_conversation_here_and_the_other_way_round(alice: Client) -> None:
    chat = alice.chat(title="Shared")
    alice.wait(alice.start(chat, "Hello", model="demo")["run"]["id"])
    response = alice.post("/v1/responses", {**DEMO, "input": "Again", "conversation": f"conv_{chat}"})
    items = alice.get(f"/v1/conversations/conv_{chat}/items?order=asc")["data"]
    messages = alice.get(f"/api/chats/{chat}/messages/")["results"]
    assert [each["content"][0]["text"] for each in items] == [each["content"] for each in messages]
    assert items[-1] == response["output"][0]
    conversation = alice.post("/api/llm/conversations", {})["id"]
    assert conversation.removeprefix("conv_") in [each["id"] for each in alice.get("/api/chats/")["results"]]


def test_a_conversation_has_its_messages_answered_by_an_agent(server: Server, alice: Client) -> None:
    chat = alice.chat()
    path = f"/api/llm/conversations/conv_{chat}/messages"
    whole = alice.post(path, {"content": "List the files", "archetype": "generalist", "model": "demo"})
    assert whole["status"] == "completed" and "README.md" in whole["output"][0]["content"][0]["text"]
    with Stream(server, path, {"content": "Hello", "model": "demo", "stream": True}, token=alice.token) as stream:
        frames = stream.frames()
    assert text_of(frames) == alice.answer(chat)["content"]
    assert frames[-2].json["response"]["conversation"] == {"id": f"conv_{chat}"}


def test_deleting_a_response_deletes_what_it_said_but_not_what_followed(server: Server, alice: Client) -> None:
    first = alice.post("/v1/responses", {**DEMO, "input": "My secret"})
    second = alice.post("/v1/responses", {**DEMO, "previous_response_id": first["id"]})
    chat = alice.get(f"/api/runs/{second['id'].removeprefix('resp_')}/")["chat"]
    reply = server.call("DELETE", f"/v1/responses/{first['id']}", token=alice.token)
    assert (reply.status, reply.body["deleted"]) == (200, True)
    assert alice.get(f"/v1/responses/{second['id']}") == second
    messages = alice.get(f"/api/chats/{chat}/messages/")["results"]
    assert [each["status"] for each in messages] == ["deleted", "deleted", "completed", "completed"]
    assert "My secret" not in json.dumps(messages)
    server.call("DELETE", f"/v1/responses/{second['id']}", token=alice.token)
    assert server.call("GET", f"/api/chats/{chat}/", token=alice.token).status == 404


def test_what_two_at_once_continue_are_two_branches(alice: Client, upstream: Upstream) -> None:
    first = alice.post("/v1/responses", DEMO)["id"]
    mark = key()
    upstream.script(Turn(text="A"), Turn(text="B"), key=mark)
    both = [
        alice.post(
            "/v1/responses",
            {"model": "gpt-4o", "input": f"[[key={mark}]] {name}", "previous_response_id": first, "background": True},
        )["id"]
        for name in "ab"
    ]
    for id in both:
        assert alice.wait(id.removeprefix("resp_"))["status"] == "succeeded"
    assert [len(each.messages) for each in upstream.requests(mark)] == [3, 3]


def test_after_a_takeover_a_number_in_text_taken_back_is_refused_and_the_rest_is_whole(
    new_server: NewServer, upstream: Upstream
) -> None:
    server = new_server().start()
    alice, gate = client(server), key()
    prompt = scripted(upstream, Turn(n=40, gate=gate, gate_at=21), Turn(text=["All ", "of ", "it."]))
    begun = alice.post("/v1/responses", {"model": "gpt-4o", "input": prompt, "background": True})["id"]
    path = f"/v1/responses/{begun}?stream=true"
    with Stream(server, path, token=alice.token) as stream:
        shown = stream.take(15)
        server.kill()
    server.start_process()
    assert alice.wait(begun.removeprefix("resp_"))["status"] == "succeeded"
    with Stream(server, path, token=alice.token) as stream:
        whole = stream.frames()
    assert text_of(whole) == "All of it." and numbers(whole) == list(range(len(whole) - 1))
    refused = server.call("GET", f"{path}&starting_after={numbers(shown)[-1]}", token=alice.token)
    assert (refused.status, refused.body["error"]["code"]) == (409, "response_reset")
    with Stream(server, f"{path}&starting_after=1", token=alice.token) as stream:
        assert stream.frames() == whole[2:]
