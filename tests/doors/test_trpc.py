"""The tRPC doors over real sockets: the wire, system 1's record, system 4's two steps. Their client: tests/clients."""

import json
import uuid
from typing import Any
from urllib.parse import quote

import pytest

from tests.doors.people import cookie_of, newcomer
from tests.live import Reply, Server
from tests.streams import Client, Stream, client, key
from tests.upstream import Turn, Upstream
from tests.upstream_turns import ScriptedCall

pytestmark = pytest.mark.live
TEXT = ["naïve “quotes” ", 'back\\slash "and"\n', "new line\r\n", "\U0001f600 done"]
WHOLE = "".join(TEXT)
RECORD = {
    *("_id", "id", "user", "org", "project", "title", "summary", "model", "temperature", "messages", "tasks"),
    *("tokensUsed", "metadata", "createdAt", "updatedAt", "status"),
}


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


@pytest.fixture
def chat(alice: Client) -> str:
    return alice.chat(title="")


def get(person: Client, path: str, given: Any = None, **headers: str) -> Reply:
    address = f"/trpc/{path}" + ("" if given is None else f"?input={quote(json.dumps(given))}")
    return person.server.call("GET", address, token=person.token, headers=headers)


def post(person: Client, path: str, given: Any = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return person.server.call("POST", f"/trpc/{path}", given, token=person.token, headers=named)


def data(reply: Reply) -> Any:
    assert reply.status == 200, reply
    return reply.body["result"]["data"]


def code(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.body["error"]["data"]["code"]


def place(person: Client) -> dict[str, str]:
    project = person.get("/api/projects/")["results"][0]
    return {"orgId": project["organization"], "projectId": project["id"]}


def scripted(upstream: Upstream, *turns: Turn) -> str:
    mark = key()
    upstream.script(*turns, key=mark)
    return f"[[key={mark}]] go"


# --- The wire ---------------------------------------------------------------------------------------------------------


def test_errors_have_their_codes_and_no_stack(alice: Client, chat: str) -> None:
    nobody = Client(alice.server, "")
    assert code(get(nobody, "editorChat.get", {"chatId": chat})) == (401, "UNAUTHORIZED")
    assert code(get(alice, "editorChat.get", {"chatId": 5})) == (400, "BAD_REQUEST")
    assert code(get(alice, "editorChat.get", {"chatId": "conversation-1"})) == (404, "NOT_FOUND")
    assert code(get(alice, "editorChat.nothing")) == (404, "NOT_FOUND")
    assert code(get(alice, "editorChat.delete", {"chatId": chat})) == (405, "METHOD_NOT_SUPPORTED")
    assert code(post(alice, "chat.streamResponse", {})) == (405, "METHOD_NOT_SUPPORTED")
    refused = post(alice, "editorChat.get", {"chatId": chat})
    assert code(refused) == (405, "METHOD_NOT_SUPPORTED") and refused.headers["allow"] == "GET"
    assert refused.body["error"]["code"] == -32005
    assert set(refused.body["error"]["data"]) == {"code", "httpStatus", "path"}


def test_a_head_wakes_the_server_and_other_methods_are_refused(alice: Client, chat: str) -> None:
    assert alice.server.call("HEAD", "/trpc/editorChat.get").status == 204
    refused = alice.server.call("PATCH", "/trpc/editorChat.get", {"chatId": chat}, token=alice.token)
    assert refused.status == 405 and refused.headers["allow"] == "GET"


def test_a_batch_has_the_status_that_all_share(alice: Client, chat: str) -> None:
    found, missing = {"chatId": chat}, {"chatId": str(uuid.uuid4())}

    def status(*inputs: Any) -> int:
        given = {str(number): each for number, each in enumerate(inputs)}
        calls = ",".join(["editorChat.get"] * len(inputs))
        reply = alice.server.call("GET", f"/trpc/{calls}?batch=1&input={quote(json.dumps(given))}", token=alice.token)
        assert len(reply.body) == len(inputs)
        return reply.status

    assert status(found, found) == 200
    assert status(missing, missing) == 404
    assert status(found, missing) == 207
    nobody = alice.server.call("GET", "/trpc/editorChat.get,editorChat.list?batch=1")
    assert nobody.status == 401 and nobody.headers["www-authenticate"].startswith("Bearer")


def test_json_lines_come_as_the_link_reads_them(alice: Client, chat: str) -> None:
    given = quote(json.dumps({"0": {"chatId": chat}}))
    path = f"/trpc/editorChat.get,no.such?batch=1&input={given}"
    with Stream(alice.server, path, token=alice.token, headers={"trpc-accept": "application/jsonl"}) as stream:
        head = {name.lower(): value for name, value in stream.response.headers.items()}
        lines = [json.loads(line) for line in stream.response.read().splitlines()]
    assert stream.status == 200 and head["content-type"] == "application/json"
    assert "trpc-accept" in head["vary"] and "content-length" not in head
    assert lines[0] == {"0": [[0], [None, 0, 0]], "1": [[0], [None, 0, 1]]}
    by_number = {number: value for number, status, ((value,),) in lines[1:] if status == 0}
    assert by_number[0]["result"]["data"]["id"] == chat and by_number[1]["error"]["code"] == -32004


def test_a_batch_that_is_too_large_or_streamed_alone_is_refused(alice: Client, chat: str) -> None:
    calls = ",".join(["editorChat.get"] * 51)
    assert code(alice.server.call("GET", f"/trpc/{calls}?batch=1", token=alice.token)) == (400, "BAD_REQUEST")
    alone = get(alice, "editorChat.get", {"chatId": chat}, **{"trpc-accept": "application/jsonl"})
    assert code(alone) == (400, "BAD_REQUEST")


def test_the_same_key_makes_one_chat(alice: Client) -> None:
    mark = key()
    made = [data(post(alice, "editorChat.create", place(alice), Idempotency_Key=mark))["id"] for _ in range(2)]
    assert made[0] == made[1]
    other = post(alice, "editorChat.create", {**place(alice), "title": "Other"}, Idempotency_Key=mark)
    assert code(other) == (422, "UNPROCESSABLE_CONTENT")


def test_a_cookie_is_enough_to_read_and_changes_need_our_page(alice: Client, chat: str) -> None:
    cookie = cookie_of(alice)
    address = f"/trpc/editorChat.get?input={quote(json.dumps({'chatId': chat}))}"
    assert data(alice.server.call("GET", address, headers={"Cookie": cookie}))["id"] == chat
    body = {"chatId": chat, "title": "x"}
    refused = alice.server.call("POST", "/trpc/editorChat.updateTitle", body, headers={"Cookie": cookie})
    assert code(refused) == (403, "FORBIDDEN")
    ours = {"Cookie": cookie, "Origin": alice.server.url}
    assert data(alice.server.call("POST", "/trpc/editorChat.updateTitle", body, headers=ours))["title"] == "x"


# --- editorChat -------------------------------------------------------------------------------------------------------


def test_a_chat_has_every_field_of_system_1(alice: Client) -> None:
    given = {
        "title": "T",
        "temperature": 0.2,
        "agentArchetype": "PROJECT_NAVIGATOR",
        "metadata": {"slackThread": "1.2"},
    }
    made = data(post(alice, "editorChat.create", {**place(alice), **given}))
    assert set(made) == RECORD and made["_id"] == made["id"]
    assert (made["org"], made["project"]) == (place(alice)["orgId"], place(alice)["projectId"])
    assert made["user"] == alice.get("/api/users/me/")["id"]
    assert (made["title"], made["temperature"], made["messages"], made["tasks"]) == ("T", 0.2, [], [])
    assert made["tokensUsed"] == {"prompt": 0, "completion": 0, "total": 0}
    about = made["metadata"]
    assert (about["agentArchetype"], about["slackThread"], about["branch"]) == ("PROJECT_NAVIGATOR", "1.2", None)
    assert about["lastActivity"] and data(get(alice, "editorChat.get", {"chatId": made["id"]})) == made


def test_a_chat_of_this_wire_keeps_its_documented_temperature_and_every_chat_says_a_number(alice: Client) -> None:
    made = data(post(alice, "editorChat.create", place(alice)))
    begun = data(post(alice, "chat.initiateChat", {"projectId": place(alice)["projectId"], "message": "Hello"}))
    for id, stored in ((made["id"], 0.7), (begun["chatId"], 0.7), (alice.chat(), None)):
        assert alice.get(f"/api/chats/{id}/")["temperature"] == stored
        assert data(get(alice, "editorChat.get", {"chatId": id}))["temperature"] == 0.7


def test_messages_have_their_tool_calls_with_what_came_of_them(alice: Client, chat: str, upstream: Upstream) -> None:
    calls = [ScriptedCall(name="list_files"), ScriptedCall(name="read_file", arguments={"path": "no/such.txt"})]
    content = scripted(upstream, Turn(text=["I look. "], tool_calls=calls), Turn(text=["Done."]))
    files = [{"type": "file", "name": "a.txt", "content": "hello"}]
    data(post(alice, "editorChat.sendMessage", {"chatId": chat, "content": content, "attachments": files}))
    whole = data(get(alice, "editorChat.get", {"chatId": chat}))
    asked, answered = whole["messages"]
    assert set(answered) >= {"id", "role", "content", "attachments", "tool_calls", "timestamp"}
    assert asked["attachments"] == files and answered["content"] == "I look. Done."
    listed, read = answered["tool_calls"]
    assert (listed["name"], listed["status"], set(listed["result"])) == ("list_files", "completed", {"success", "data"})
    assert (read["status"], read["result"]["success"]) == ("failed", False) and read["result"]["error"]
    assert whole["tokensUsed"]["total"] == whole["messages"][1]["tokensUsed"]["total"] > 0


def test_what_a_send_chooses_holds_for_that_run_alone(alice: Client, chat: str, upstream: Upstream) -> None:
    chosen = {"model": "gpt-4-turbo", "temperature": 1.5, "agentArchetype": "PROJECT_NAVIGATOR"}
    content = scripted(upstream, Turn(text=["Yes."]))
    sent = data(post(alice, "editorChat.sendMessage", {"chatId": chat, "content": content, **chosen}))
    run = alice.get(f"/api/runs/{sent['runId']}/")
    assert (run["model"], run["temperature"], run["archetype"]) == ("gpt-4-turbo", 1.5, "project_navigator")
    whole = data(get(alice, "editorChat.get", {"chatId": chat}))
    assert whole["temperature"] == 0.7 and whole["metadata"]["agentArchetype"] == "GENERALIST"
    wrong = post(alice, "editorChat.sendMessage", {"chatId": chat, "content": "x", "agentArchetype": "NOBODY"})
    assert code(wrong) == (400, "BAD_REQUEST")
    assert list(wrong.body["error"]["data"]["fields"]) == ["agentArchetype"]


def test_a_streamed_send_is_read_at_the_rest_stream(alice: Client, chat: str, upstream: Upstream) -> None:
    gate = key()
    content = scripted(upstream, Turn(text=TEXT, gate=gate, gate_at=2))
    sent = data(post(alice, "editorChat.sendMessage", {"chatId": chat, "content": content, "stream": True}))
    assert sent["streaming"] is True and "message" not in sent
    with Stream(alice.server, f"/api/editorChat/stream/{chat}", token=alice.token) as stream:
        upstream.release(gate)
        found = stream.frames()
    text = "".join(each.json["content"] for each in found if not each.is_end and each.json["type"] == "content")
    last = data(get(alice, "editorChat.get", {"chatId": chat}))["messages"][-1]
    assert text == last["content"] == WHOLE and last["id"] == sent["messageId"]


def test_without_a_stream_the_rest_door_answers_what_is_stored(alice: Client, chat: str, upstream: Upstream) -> None:
    body = {"content": scripted(upstream, Turn(text=TEXT)), "enableStreaming": False}
    answered = alice.post(f"/api/editorChat/stream/{chat}", body)
    assert set(answered) == {"message", "tokensUsed"} and answered["message"]["content"] == WHOLE
    assert answered["message"] == data(get(alice, "editorChat.get", {"chatId": chat}))["messages"][-1]
    failed = {"content": scripted(upstream, *[Turn(fault="400")] * 4), "enableStreaming": False}
    refused = alice.server.call("POST", f"/api/editorChat/stream/{chat}", failed, token=alice.token)
    assert refused.status == 502 and refused.body["error"]["message"]


def test_a_regenerated_answer_takes_the_place_of_the_old_one(alice: Client, chat: str, upstream: Upstream) -> None:
    content = scripted(upstream, Turn(text=["First."]), Turn(text=["Second."]))
    first = data(post(alice, "editorChat.sendMessage", {"chatId": chat, "content": content}))
    again = {"chatId": chat, "messageId": first["messageId"]}
    assert data(post(alice, "editorChat.regenerate", again))["message"]["content"] == "Second."
    shown = data(get(alice, "editorChat.get", {"chatId": chat}))["messages"]
    assert [each["content"] for each in shown] == [content, "Second."]
    elsewhere = {**again, "chatId": alice.chat()}
    assert code(post(alice, "editorChat.regenerate", elsewhere)) == (404, "NOT_FOUND")


def test_a_fork_holds_the_messages_up_to_one_and_that_one(alice: Client, chat: str, upstream: Upstream) -> None:
    content = scripted(upstream, Turn(text=["One."]), Turn(text=["Two."]))
    for _ in range(2):
        data(post(alice, "editorChat.sendMessage", {"chatId": chat, "content": content}))
    messages = data(get(alice, "editorChat.get", {"chatId": chat}))["messages"]
    fork = data(post(alice, "editorChat.fork", {"chatId": chat, "messageId": messages[1]["id"]}))
    assert fork["id"] != chat and [each["content"] for each in fork["messages"]] == [content, "One."]
    assert len(data(get(alice, "editorChat.get", {"chatId": chat}))["messages"]) == 4


def test_a_title_is_changed_and_a_chat_deleted(alice: Client, chat: str) -> None:
    assert data(post(alice, "editorChat.updateTitle", {"chatId": chat, "title": "New"}))["title"] == "New"
    assert data(post(alice, "editorChat.delete", {"chatId": chat})) == {"success": True, "id": chat}
    assert code(get(alice, "editorChat.get", {"chatId": chat})) == (404, "NOT_FOUND")


def test_the_list_filters_skips_and_ends(server: Server) -> None:
    dora = newcomer(server)
    organization = dora.get("/api/organizations/")["results"][0]["id"]
    made = [data(post(dora, "editorChat.create", {"orgId": organization, "title": str(n)}))["id"] for n in range(4)]
    changed = server.call("PATCH", f"/api/chats/{made[0]}/", {"status": "archived"}, token=dora.token)
    assert changed.status == 200

    def listed(**query: Any) -> list[str]:
        return [each["id"] for each in data(get(dora, "editorChat.list", {"orgId": organization, **query}))]

    assert listed() == made[::-1]
    assert listed(status="ARCHIVED") == made[:1] and listed(status="active") == made[:0:-1]
    assert listed(limit=2) == made[:1:-1] and listed(limit=2, skip=2) == made[1::-1] and listed(skip=4) == []
    for wrong in ({"limit": 0}, {"limit": "2"}, {"skip": -1}, {"status": "GONE"}, {"user": "x"}):
        refused = get(dora, "editorChat.list", {"orgId": organization, **wrong})
        assert code(refused) == (400, "BAD_REQUEST")
        assert list(refused.body["error"]["data"]["fields"]) == list(wrong)


def test_a_list_shows_each_chat_with_its_newest_messages(alice: Client, chat: str, upstream: Upstream) -> None:
    content = scripted(upstream, Turn(text=["One."]))
    data(post(alice, "editorChat.sendMessage", {"chatId": chat, "content": content}))
    listed = {each["id"]: each for each in data(get(alice, "editorChat.list", place(alice)))}
    assert listed[chat] == data(get(alice, "editorChat.get", {"chatId": chat}))


def test_charlie_finds_nothing_of_it(alice: Client, chat: str, server: Server, upstream: Upstream) -> None:
    sent = data(post(alice, "editorChat.sendMessage", {"chatId": chat, "content": scripted(upstream, Turn(text="x"))}))
    charlie, named = newcomer(server), {"chatId": chat, "messageId": sent["messageId"]}
    assert code(get(charlie, "editorChat.get", {"chatId": chat})) == (404, "NOT_FOUND")
    assert code(get(charlie, "editorChat.list", place(alice))) == (404, "NOT_FOUND")
    assert code(get(charlie, "chat.getMessage", {"messageId": sent["messageId"]})) == (404, "NOT_FOUND")
    for path, given in (
        ("create", place(alice)),
        ("sendMessage", {"chatId": chat, "content": "Hi"}),
        ("updateTitle", {"chatId": chat, "title": "Hi"}),
        ("delete", {"chatId": chat}),
        ("fork", named),
        ("regenerate", named),
    ):
        assert code(post(charlie, f"editorChat.{path}", given)) == (404, "NOT_FOUND"), path


# --- chat -------------------------------------------------------------------------------------------------------------


def subscribe(person: Client, given: Any, query: str = "", **headers: str) -> Stream:
    path = f"/trpc/chat.streamResponse?input={quote(json.dumps(given))}{query}"
    return Stream(person.server, path, token=person.token, headers=headers)


def begin(alice: Client, content: str) -> dict[str, str]:
    project = place(alice)["projectId"]
    begun = data(post(alice, "chat.initiateChat", {"projectId": project, "message": content}))
    assert uuid.UUID(begun["assistantMessageId"])
    return {"assistantMessageId": begun["assistantMessageId"], "projectId": project}


def error_of(stream: Stream) -> tuple[str, int]:
    with stream:
        assert stream.status == 200
        connected, failed = stream.frames()
    assert (connected.event, failed.event) == ("connected", "serialized-error")
    return failed.json["data"]["code"], failed.json["code"]


def test_the_pending_message_is_streamed_with_all_the_headers(alice: Client, upstream: Upstream) -> None:
    with subscribe(alice, begin(alice, scripted(upstream, Turn(text=TEXT)))) as stream:
        head, found = stream.response.headers, stream.frames()
    assert head["Content-Type"].startswith("text/event-stream") and "no-cache" in head["Cache-Control"]
    assert found[0].event == "connected" and found[0].json == {}
    assert found[-1].event == "return" and found[-1].data == ""
    values = [each for each in found if not each.event]
    assert values[0].json == {"type": "status", "status": "thinking"} and not any(each.id for each in values)
    assert values[-2].json == {"type": "complete", "finalContent": WHOLE}
    assert values[-1].json == {"type": "finalized", "status": "success"}


def test_a_token_may_come_in_connection_params(alice: Client, upstream: Upstream) -> None:
    given, nobody = begin(alice, scripted(upstream, Turn(text=["Hi."]))), Client(alice.server, "")
    params = quote(json.dumps({"token": alice.token}))
    with subscribe(nobody, given, f"&connectionParams={params}") as stream:
        assert stream.frames()[-1].event == "return"
    for wrong in ("x", "5", '{"token": 5}', '{"token": "a b"}', "[" * 100_000):
        kind, _ = error_of(subscribe(nobody, given, f"&connectionParams={quote(wrong[:3000])}"))
        assert kind in ("BAD_REQUEST", "UNAUTHORIZED"), wrong[:10]


def test_what_a_subscription_is_refused_for_comes_in_the_stream(alice: Client, upstream: Upstream) -> None:
    given = begin(alice, scripted(upstream, Turn(text=["Hi."])))
    assert error_of(subscribe(Client(alice.server, ""), given)) == ("UNAUTHORIZED", -32001)
    assert error_of(subscribe(newcomer(alice.server), given)) == ("NOT_FOUND", -32004)
    unknown = {**given, "assistantMessageId": str(uuid.uuid4())}
    assert error_of(subscribe(alice, unknown)) == ("NOT_FOUND", -32004)
    assert error_of(subscribe(alice, {**given, "projectId": str(uuid.uuid4())})) == ("NOT_FOUND", -32004)
    assert error_of(subscribe(alice, {**given, "projectId": "x"})) == ("BAD_REQUEST", -32600)
    assert error_of(subscribe(alice, {**given, "more": 1})) == ("BAD_REQUEST", -32600)
    assert error_of(subscribe(alice, given, **{"Last-Event-ID": "x"})) == ("BAD_REQUEST", -32600)


def test_a_subscription_goes_on_behind_any_value(alice: Client, upstream: Upstream) -> None:
    given = {**begin(alice, scripted(upstream, Turn(text=TEXT))), "lastEventId": None}
    with subscribe(alice, given) as stream:
        whole = [(each.id, each.data) for each in stream.frames() if each.id]
    for k in range(len(whole)):
        with subscribe(alice, {**given, "lastEventId": whole[k][0]}) as stream:
            found = stream.frames()
        assert [(each.id, each.data) for each in found if each.id] == whole[k + 1 :]
        assert (found[0].event, found[-1].event) == ("connected", "return")


@pytest.mark.parametrize("unknown", ["99999999-9999-4999-8999-999999999999.1.3.0", "{run}.7.3.0", "{run}.1.9999.0"])
def test_an_id_that_is_unknown_here_gets_the_whole(alice: Client, upstream: Upstream, unknown: str) -> None:
    given = {**begin(alice, scripted(upstream, Turn(text=TEXT))), "lastEventId": None}
    with subscribe(alice, given) as stream:
        whole = [each.data for each in stream.frames() if each.id]
        run = alice.get("/api/runs/")["results"][0]["id"]
    with subscribe(alice, {**given, "lastEventId": unknown.format(run=run)}) as stream:
        assert [each.data for each in stream.frames() if each.id] == whole


def test_one_chat_for_each_project_goes_on(alice: Client, upstream: Upstream) -> None:
    turns = [Turn(text=["Hi."])] * 3
    given = {"projectId": place(alice)["projectId"], "message": scripted(upstream, *turns)}
    first, second = (data(post(alice, "chat.sendMessage", given)) for _ in range(2))
    assert first["chatId"] == second["chatId"] and first["assistantMessageId"] != second["assistantMessageId"]
    assert second["content"] == "Hi." and second["status"] == "success"
    other = alice.chat()
    assert data(post(alice, "chat.sendMessage", {**given, "chatId": other}))["chatId"] == other
    stored = data(get(alice, "chat.getMessage", {"messageId": second["assistantMessageId"]}))
    assert (stored["content"], stored["status"], stored["role"]) == ("Hi.", "success", "assistant")


def test_a_message_outside_the_project_is_not_found(alice: Client, upstream: Upstream) -> None:
    given = {"projectId": place(alice)["projectId"], "message": scripted(upstream, Turn(text=["Hi."]))}
    sent = data(post(alice, "chat.sendMessage", given))
    body = {"organization": place(alice)["orgId"], "name": f"Other {key()}"}
    other = alice.post("/api/projects/", body)["id"]
    message = {"messageId": sent["assistantMessageId"], "projectId": other}
    assert code(get(alice, "chat.getMessage", message)) == (404, "NOT_FOUND")
    streamed = {"assistantMessageId": sent["assistantMessageId"], "projectId": other}
    assert error_of(subscribe(alice, streamed)) == ("NOT_FOUND", -32004)
    elsewhere = {**given, "projectId": other, "chatId": sent["chatId"]}
    assert code(post(alice, "chat.sendMessage", elsewhere)) == (404, "NOT_FOUND")


def test_an_answer_that_fails_is_an_error_where_it_is_waited_for(alice: Client, upstream: Upstream) -> None:
    content = scripted(upstream, *[Turn(fault="400")] * 4)
    given = {"projectId": place(alice)["projectId"], "message": content}
    assert code(post(alice, "chat.sendMessage", given)) == (502, "BAD_GATEWAY")
