"""@trpc/client at the tRPC doors: batches, streamed batches and subscriptions, as systems 1 and 4 use them."""

import json
import uuid
from typing import Any

import pytest

from tests.clients.node import run_node_json, start_node
from tests.doors.cutting import Tunnel
from tests.doors.people import newcomer
from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream
from tests.upstream_turns import ScriptedCall

pytestmark = [pytest.mark.clients, pytest.mark.live]
TEXT = ["naïve “quotes” ", 'back\\slash "and"\n', "new line\r\n", "\U0001f600 done"]
WHOLE = "".join(TEXT)


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


@pytest.fixture(params=["/trpc", "/api/trpc"])
def base(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def trpc(person: Client, case: str, given: Any, base: str = "/trpc") -> Any:
    return run_node_json("trpc.mjs", case, person.server.url + base, person.token, json.dumps(given))


def one(person: Client, kind: str, path: str, given: Any, base: str = "/trpc") -> Any:
    """One call's data."""
    (outcome,) = trpc(person, "single", [[kind, path, given]], base)["outcomes"]
    assert "data" in outcome, outcome
    return outcome["data"]


def place(person: Client) -> dict[str, str]:
    project = person.get("/api/projects/")["results"][0]
    return {"orgId": project["organization"], "projectId": project["id"]}


def scripted(upstream: Upstream, *turns: Turn) -> str:
    mark = key()
    upstream.script(*turns, key=mark)
    return f"[[key={mark}]] go"


def text_of(values: list[dict[str, Any]]) -> str:
    return "".join(each["content"] for each in values if each["type"] == "delta")


@pytest.mark.smoke
def test_a_chat_is_made_answered_and_read(alice: Client, upstream: Upstream, base: str) -> None:
    made = one(alice, "mutation", "editorChat.create", {**place(alice), "title": "Over tRPC"}, base)
    content = scripted(upstream, Turn(text=TEXT))
    sent = one(alice, "mutation", "editorChat.sendMessage", {"chatId": made["id"], "content": content}, base)
    assert sent["message"]["content"] == WHOLE and sent["tokensUsed"]["total"] > 0
    whole = one(alice, "query", "editorChat.get", {"chatId": made["id"]}, base)
    assert [(each["role"], each["content"]) for each in whole["messages"]] == [("user", content), ("assistant", WHOLE)]
    assert whole["tokensUsed"] == sent["tokensUsed"]
    assert whole["messages"][-1]["content"] == alice.answer(made["id"])["content"]


@pytest.mark.smoke
@pytest.mark.parametrize("case", ["batch", "lines"])
def test_a_batch_answers_each_call_for_itself(alice: Client, case: str, base: str) -> None:
    chat = alice.chat()
    calls = [
        ["query", "editorChat.get", {"chatId": chat}],
        ["query", "editorChat.get", {"chatId": str(uuid.uuid4())}],
        ["query", "editorChat.list", place(alice)],
        ["query", "editorChat.list", {}],
        ["query", "nothing.here", {}],
    ]
    told = trpc(alice, case, calls, base)
    got, missing, found, bad, unknown = told["outcomes"]
    assert got["data"]["id"] == chat and chat in [each["id"] for each in found["data"]]
    assert [each["error"]["code"] for each in (missing, bad, unknown)] == ["NOT_FOUND", "BAD_REQUEST", "NOT_FOUND"]
    shape = missing["error"]["shape"]
    assert shape["code"] == -32004
    assert shape["data"] == {"code": "NOT_FOUND", "httpStatus": 404, "path": "editorChat.get"}
    assert list(bad["error"]["shape"]["data"]["fields"]) == ["orgId"]
    assert told["statuses"] == [207 if case == "batch" else 200]


def test_a_streamed_batch_gives_each_answer_as_soon_as_it_is_there(alice: Client, upstream: Upstream) -> None:
    slow, quick = alice.chat(), alice.chat()
    slowly = scripted(upstream, Turn(text=TEXT, delay_ms=200))
    calls = [
        ["mutation", "editorChat.sendMessage", {"chatId": slow, "content": slowly}],
        ["mutation", "editorChat.updateTitle", {"chatId": quick, "title": "Quick"}],
    ]  # fmt: skip
    told = trpc(alice, "lines", calls)
    assert told["arrived"] == ["editorChat.updateTitle", "editorChat.sendMessage"]
    assert told["outcomes"][0]["data"]["message"]["content"] == WHOLE
    assert told["outcomes"][1]["data"]["title"] == "Quick"


@pytest.mark.smoke
def test_a_message_in_two_steps_is_streamed_as_it_is_stored(alice: Client, upstream: Upstream, base: str) -> None:
    given = {"projectId": place(alice)["projectId"], "message": scripted(upstream, Turn(text=TEXT))}
    told = trpc(alice, "initiate", given, base)
    values = told["streamed"]["values"]
    assert values[0] == {"type": "status", "status": "thinking"}
    assert values[-2:] == [{"type": "complete", "finalContent": WHOLE}, {"type": "finalized", "status": "success"}]
    assert "error" not in told["streamed"] and text_of(values) == WHOLE == told["stored"]["content"]
    assert told["stored"]["status"] == "success"
    assert alice.answer(told["begun"]["chatId"])["content"] == WHOLE


def test_tools_are_told_with_their_status(alice: Client, upstream: Upstream) -> None:
    call = ScriptedCall(name="list_files", arguments={})
    content = scripted(upstream, Turn(text=["I look. "], tool_calls=[call]), Turn(text=["Done."]))
    told = trpc(alice, "initiate", {"projectId": place(alice)["projectId"], "message": content})
    kinds = [each.get("status", each["type"]) for each in told["streamed"]["values"]]
    assert kinds == [
        *("thinking", "delta", "tool_calling", "tool_start", "tool_result", "thinking", "delta"),
        *("complete", "success"),
    ]
    started, returned = (each for each in told["streamed"]["values"] if each["type"].startswith("tool_"))
    assert started["name"] == returned["name"] == "list_files" and returned["success"] is True


def test_a_run_that_fails_is_told_and_finalized(alice: Client, upstream: Upstream) -> None:
    content = scripted(upstream, *[Turn(fault="400")] * 4)
    told = trpc(alice, "initiate", {"projectId": place(alice)["projectId"], "message": content})
    error, finalized = told["streamed"]["values"][-2:]
    assert error["type"] == "error" and error["error"]
    assert finalized == {"type": "finalized", "status": "error"} and told["stored"]["status"] == "error"


def begun(alice: Client, content: str) -> dict[str, str]:
    given = {"projectId": place(alice)["projectId"], "message": content}
    made = one(alice, "mutation", "chat.initiateChat", given)
    return {"assistantMessageId": made["assistantMessageId"], "projectId": given["projectId"]}


@pytest.mark.parametrize("is_tracked", [False, True])
def test_a_subscription_that_breaks_goes_on_where_it_was(alice: Client, upstream: Upstream, is_tracked: bool) -> None:
    gate = key()
    given = begun(alice, scripted(upstream, Turn(text=TEXT, gate=gate, gate_at=3)))
    asked = {"path": "chat.streamResponse", "input": {**given, "lastEventId": None} if is_tracked else given}
    with Tunnel(alice.server.url) as tunnel:
        node = start_node("trpc.mjs", "follow", f"{tunnel.url}/trpc", alice.token, json.dumps(asked))
        assert node.stdout is not None
        assert len([node.stdout.readline() for _ in range(3)]) == 3
        tunnel.cut()
        upstream.release(gate)
        out, err = node.communicate(timeout=60)
    assert node.returncode == 0, err
    told = json.loads(out.splitlines()[-1])
    values = [each["data"] if is_tracked else each for each in told["values"]]
    assert tunnel.opened == 2 and "error" not in told
    assert text_of(values) == WHOLE and [each["type"] for each in values].count("status") == 1
    assert values[-2:] == [{"type": "complete", "finalContent": WHOLE}, {"type": "finalized", "status": "success"}]
    assert all(("id" in each) == is_tracked for each in told["values"])


@pytest.mark.parametrize(
    ("whose", "code"), [("nobody's", "UNAUTHORIZED"), ("Charlie's", "NOT_FOUND"), ("mine", "NOT_FOUND")]
)
def test_a_subscription_that_is_refused_ends_with_its_code(
    alice: Client, server: Server, upstream: Upstream, whose: str, code: str
) -> None:
    given = begun(alice, scripted(upstream, Turn(text=TEXT)))
    person = {"nobody's": Client(server, ""), "Charlie's": newcomer(server), "mine": alice}[whose]
    if whose == "mine":
        given["assistantMessageId"] = str(uuid.uuid4())
    told = trpc(person, "follow", {"path": "chat.streamResponse", "input": given})
    assert told["error"]["code"] == code and told["values"] == []


def test_an_error_has_no_stack_and_no_more_than_it_should(alice: Client) -> None:
    reply = alice.server.call("GET", "/trpc/editorChat.get?input=%7B%7D", token=alice.token)
    assert reply.status == 400
    assert set(reply.body) == {"error"} and set(reply.body["error"]) == {"message", "code", "data"}
    assert set(reply.body["error"]["data"]) == {"code", "httpStatus", "path", "fields"}
