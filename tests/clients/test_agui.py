"""@ag-ui/client at the AG-UI door: what its agent holds in the end is what is stored."""

import json
from typing import Any

import pytest

from tests.clients.node import run_node_json
from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream
from tests.upstream_turns import ScriptedCall

pytestmark = [pytest.mark.clients, pytest.mark.live]
TEXT = ["naïve “quotes” ", 'back\\slash "and"\n', "new line\r\n", "\U0001f600 done"]
WHOLE = "".join(TEXT)
WEATHER = {"name": "weather", "description": "The weather", "parameters": {"type": "object", "properties": {}}}


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


def drive(person: Client, *says: dict[str, str], token: str | None = None, **given: Any) -> Any:
    given = {"threadId": f"thread {key()}", "says": says, **given}
    return run_node_json("agui.mjs", person.server.url, person.token if token is None else token, json.dumps(given))


def scripted(upstream: Upstream, *turns: Turn) -> dict[str, str]:
    mark = key()
    upstream.script(*turns, key=mark)
    return {"text": f"[[key={mark}]] go", "key": mark}


def stored(person: Client, held: dict[str, Any]) -> list[dict[str, Any]]:
    chat = held["runs"][0]["events"][0]["metadata"]["parley"]["chat"]
    return list(person.get(f"/api/chats/{chat}/messages/")["results"])


def said(held: dict[str, Any], row: dict[str, Any]) -> str:
    """What the agent holds of a stored answer: the messages of its turns together."""
    mine = [each for each in held["messages"] if each["role"] == "assistant" and each["id"].startswith(row["id"])]
    return "".join(each.get("content", "") for each in mine)


def check(person: Client, held: dict[str, Any]) -> list[dict[str, Any]]:
    """Each run is whole, and each answer is what is stored."""
    rows = stored(person, held)
    assert held["warned"] == []
    for number, run in enumerate(held["runs"]):
        first, last = run["events"][0], run["events"][-1]
        assert (first["type"], last["type"]) == ("RUN_STARTED", "RUN_FINISHED")
        for each in (first, last):
            assert each["threadId"].startswith("thread ") and each["runId"] == f"run-{number}"
    for row in rows:
        if row["role"] == "assistant":
            assert said(held, row) == row["content"]
    return rows


@pytest.mark.smoke
def test_what_is_said_and_streamed_is_what_is_stored(alice: Client, upstream: Upstream) -> None:
    first = scripted(upstream, Turn(text=TEXT, reasoning=["Let me ", "think."]))
    held = drive(alice, first, scripted(upstream, Turn(n=3)))
    rows = check(alice, held)
    assert [each["content"] for each in rows if each["role"] == "assistant"] == [WHOLE, "0 1 2 "]
    thoughts = [each["content"] for each in held["messages"] if each["role"] == "reasoning"]
    assert thoughts == ["Let me think."]
    ids = [each["id"] for each in held["messages"]]
    assert len(ids) == len(set(ids))
    assert held["runs"][0]["events"][-1]["outcome"] == {"type": "success"}


def test_server_tools_are_calls_with_results(alice: Client, upstream: Upstream) -> None:
    calls = [ScriptedCall("list_files", {}), ScriptedCall("read_file", {"path": "no/such"})]
    project = alice.get("/api/projects/")["results"][0]["id"]
    asked = scripted(upstream, Turn(text="Let me look. ", tool_calls=calls), Turn(text="So."))
    held = drive(alice, asked, runAgent={"forwardedProps": {"project": project}})
    rows = check(alice, held)
    results = {each["call"]: each for each in rows[-1]["parts"] if each["type"] == "tool_result"}
    told = {each["toolCallId"]: each["content"] for each in held["messages"] if each["role"] == "tool"}
    assert told.keys() == results.keys()
    for call, result in results.items():
        assert json.loads(told[call]) == ({"error": result["error"]} if result["is_error"] else result["result"])
    asking = next(each for each in held["messages"] if each.get("toolCalls"))
    assert [each["function"]["name"] for each in asking["toolCalls"]] == ["list_files", "read_file"]


@pytest.mark.smoke
def test_the_clients_own_tool_is_called_and_its_result_comes_back(alice: Client, upstream: Upstream) -> None:
    call = ScriptedCall("weather", {"city": "Bern"})
    asked = scripted(upstream, Turn(text="One moment. ", tool_calls=[call]), Turn(text="21 degrees."))
    held = drive(alice, asked, {"tool": '{"degrees": 21}'}, runAgent={"tools": [WEATHER]})
    rows = check(alice, held)
    assert [each["role"] for each in rows] == ["user", "assistant", "tool", "assistant"]
    outcome = held["runs"][0]["events"][-1]["outcome"]
    assert outcome == {"type": "success", "pendingToolCallIds": [rows[2]["parts"][0]["call"]]}
    told = upstream.requests(asked["key"])[-1].messages
    assert [each["role"] for each in told] == ["system", "user", "assistant", "tool"]
    assert told[-1]["content"] == '{"degrees": 21}'


def test_context_and_state_are_told_to_the_model(alice: Client, upstream: Upstream) -> None:
    asked = scripted(upstream, Turn(text="Yes."))
    context = [{"description": "The open page", "value": "Invoices"}]
    held = drive(alice, asked, state={"selected": 7}, runAgent={"context": context})
    check(alice, held)
    (seen,) = upstream.requests(asked["key"])
    assert "The open page:\nInvoices" in seen.messages[0]["content"]
    assert 'State of the application:\n{"selected":7}' in seen.messages[0]["content"]
    assert held["state"] == {"selected": 7}


def test_a_failed_run_is_a_run_error(alice: Client, upstream: Upstream) -> None:
    held = drive(alice, scripted(upstream, Turn(fault="400")))
    (run,) = held["runs"]
    assert run["events"][-1]["type"] == "RUN_ERROR" and run["error"]["code"] and run["error"]["message"]
    assert stored(alice, held)[-1]["status"] == "failed"


def test_who_is_not_signed_in_or_asks_wrongly_gets_an_http_error(alice: Client) -> None:
    (run,) = drive(alice, {"text": "Hello"}, token="")["runs"]
    assert run["thrown"]["status"] == 401
    (run,) = drive(alice, {"text": "Hello"}, runAgent={"forwardedProps": {"model": "no-such"}})["runs"]
    assert run["thrown"]["status"] == 400
    assert list(run["thrown"]["payload"]["error"]["fields"]) == ["forwardedProps.model"]
