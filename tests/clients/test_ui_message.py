"""The Vercel AI SDK's chat client at the UI message stream: what it holds in the end is what is stored."""

import base64
import json
from typing import Any

import pytest

from tests.clients.node import run_node_json
from tests.live import Server
from tests.pictures import DOT
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream
from tests.upstream_turns import ScriptedCall

pytestmark = [pytest.mark.clients, pytest.mark.live]
TEXT = ["naïve “quotes” ", 'back\\slash "and"\n', "new line\r\n", "\U0001f600 done"]
WHOLE = "".join(TEXT)
WEATHER = {"weather": {"description": "The weather", "parameters": {"properties": {"city": {"type": "string"}}}}}


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


def drive(person: Client, case: str, **given: Any) -> Any:
    given = {"id": f"chat of {key()}/é", **given}
    return run_node_json("ui_message.mjs", case, person.server.url, person.token, json.dumps(given))


def scripted(upstream: Upstream, *turns: Turn) -> str:
    mark = key()
    upstream.script(*turns, key=mark)
    return f"[[key={mark}]] go"


def stored(person: Client, held: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages of the chat that the client was told of."""
    chat = next(each["data"]["chat"] for each in held["data"] if each["type"] == "data-parley")
    return list(person.get(f"/api/chats/{chat}/messages/")["results"])


def told(message: dict[str, Any]) -> tuple[str, str]:
    """Role and text of one of the client's messages."""
    return message["role"], "".join(each["text"] for each in message["parts"] if each["type"] == "text")


def kept(message: dict[str, Any]) -> tuple[str, str]:
    """The same of a stored one."""
    return message["role"], message["content"]


def same(person: Client, held: dict[str, Any]) -> list[dict[str, Any]]:
    """Check that the client holds what is stored, and give that."""
    rows = stored(person, held)
    assert [told(each) for each in held["messages"]] == [kept(each) for each in rows]
    answers = [each["id"] for each in held["messages"] if each["role"] == "assistant"]
    assert answers == [each["id"] for each in rows if each["role"] == "assistant"]
    assert (held["status"], held.get("error")) == ("ready", None)
    return rows


@pytest.mark.smoke
def test_what_is_sent_and_streamed_is_what_is_stored(alice: Client, upstream: Upstream) -> None:
    texts = [scripted(upstream, Turn(text=TEXT, reasoning=["Let me ", "think."])), scripted(upstream, Turn(n=3))]
    held = drive(alice, "send", texts=texts)
    rows = same(alice, held)
    assert [row["content"] for row in rows] == [texts[0], WHOLE, texts[1], "0 1 2 "]
    reasoning = [each["text"] for each in held["messages"][1]["parts"] if each["type"] == "reasoning"]
    assert reasoning == [each["text"] for each in rows[1]["parts"] if each["type"] == "reasoning"] == ["Let me think."]
    assert held["statuses"] == [[200, "v1"], [200, "v1"]]
    assert [each["finishReason"] for each in held["finishes"]] == ["stop", "stop"]


@pytest.mark.smoke
def test_an_answer_outlives_its_reader_and_is_taken_up_from_its_start(alice: Client, upstream: Upstream) -> None:
    gate = key()
    text = scripted(upstream, Turn(n=8, gate=gate, gate_at=4))
    held = drive(alice, "resume", texts=[text], gate=gate, upstream=upstream.url)
    rows = stored(alice, held["second"])
    assert [kept(each) for each in rows] == [("user", text), ("assistant", "0 1 2 3 4 5 6 7 ")]
    assert [told(each) for each in held["second"]["messages"]] == [kept(rows[-1])]
    assert held["second"]["messages"][0]["id"] == rows[-1]["id"]
    assert "0 1" in held["shown"] and "7" not in held["shown"]
    assert held["third"] == []
    assert held["second"]["statuses"] == [[200, "v1"], [200, "v1"], [204, None]]


def test_stop_is_an_endpoint_of_its_own(alice: Client, upstream: Upstream) -> None:
    text = scripted(upstream, Turn(n=8, gate=key(), gate_at=4))
    held = drive(alice, "stop", texts=[text])
    rows = same(alice, held)
    assert rows[-1]["status"] == "cancelled" and rows[-1]["content"].startswith("0 1")
    assert held["stopped"]["run"] == rows[-1]["run"] and held["again"]["run"] is None


def test_server_tools_are_parts_of_the_answer(alice: Client, upstream: Upstream) -> None:
    calls = [ScriptedCall("list_files", {}), ScriptedCall("read_file", {"path": "no/such"})]
    text = scripted(upstream, Turn(text="Let me look. ", tool_calls=calls), Turn(text="So."))
    project = alice.get("/api/projects/")["results"][0]["id"]
    held = drive(alice, "send", texts=[text], body={"project": project})
    rows = same(alice, held)
    parts = [each for each in held["messages"][-1]["parts"] if each["type"] == "dynamic-tool"]
    results = {each["call"]: each for each in rows[-1]["parts"] if each["type"] == "tool_result"}
    assert [each["toolName"] for each in parts] == ["list_files", "read_file"]
    assert [each["state"] for each in parts] == ["output-available", "output-error"]
    assert parts[0]["output"] == results[parts[0]["toolCallId"]]["result"]
    assert parts[1]["errorText"] == results[parts[1]["toolCallId"]]["error"]


def test_the_clients_own_tool_answers_and_the_answer_goes_on(alice: Client, upstream: Upstream) -> None:
    call = ScriptedCall("weather", {"city": "Bern"})
    first = scripted(
        upstream, Turn(text="One moment. ", tool_calls=[call]), Turn(text="21 degrees."), Turn(text="Yes.")
    )
    held = drive(alice, "tool", texts=[first, "Sure?"], body={"tools": WEATHER})
    rows = stored(alice, held)
    assert [kept(each) for each in rows] == [
        ("user", first),
        ("assistant", "One moment. "),
        ("tool", ""),
        ("assistant", "21 degrees."),
        ("user", "Sure?"),
        ("assistant", "Yes."),
    ]
    assert rows[2]["parts"][0]["result"] == {"city": "Bern", "degrees": 21}
    said = [told(each) for each in held["messages"]]
    assert said[1:] == [("assistant", "One moment. 21 degrees."), ("user", "Sure?"), ("assistant", "Yes.")]
    assert [each["finishReason"] for each in held["finishes"]] == ["tool-calls", "stop", "stop"]
    asked = upstream.requests(first[6:16])[1].messages
    assert [each["role"] for each in asked] == ["system", "user", "assistant", "tool"]
    assert json.loads(asked[-1]["content"]) == {"city": "Bern", "degrees": 21}


def test_regenerating_answers_the_same_message_again(alice: Client, upstream: Upstream) -> None:
    text = scripted(upstream, Turn(text="First."), Turn(text="Second."), Turn(text="Third."))
    held = drive(alice, "regenerate", texts=[text])
    rows = stored(alice, held)
    assert [kept(each)[1] for each in rows] == [text, "First.", "Second.", "Third."]
    assert {each["parent"] for each in rows[1:]} == {rows[0]["id"]}
    assert [told(each)[1] for each in held["messages"]] == [text, "Third."]
    assert held["messages"][-1]["id"] == rows[-1]["id"]


def test_an_edited_message_stands_beside_what_it_was(alice: Client, upstream: Upstream) -> None:
    texts = [scripted(upstream, Turn(text="One.")), scripted(upstream, Turn(text="Two."))]
    edited = scripted(upstream, Turn(text="Anew."))
    held = drive(alice, "edit", texts=texts, edited=edited)
    rows = stored(alice, held)
    assert [kept(each)[1] for each in rows] == [texts[0], "One.", texts[1], "Two.", edited, "Anew."]
    assert rows[4]["parent"] is None and rows[5]["parent"] == rows[4]["id"]
    assert [told(each)[1] for each in held["messages"]] == [edited, "Anew."]


def test_files_come_along(alice: Client, upstream: Upstream) -> None:
    note = "data:text/plain;base64," + base64.b64encode("Grüße".encode()).decode()
    image = DOT
    files = [
        {"type": "file", "mediaType": "text/plain", "filename": "note.txt", "url": note},
        {"type": "file", "mediaType": "image/png", "filename": "dot.png", "url": image},
    ]
    held = drive(alice, "send", texts=[scripted(upstream, Turn(text="Seen."))], files=files)
    rows = same(alice, held)
    assert rows[0]["attachments"] == [
        {"type": "file", "name": "note.txt", "content": "Grüße"},
        {"type": "image", "name": "dot.png", "url": image},
    ]


def test_an_error_reaches_the_client(alice: Client, upstream: Upstream) -> None:
    held = drive(alice, "send", texts=[scripted(upstream, Turn(text="I begin", fault="400"))])
    assert held["status"] == "error" and held["error"]
    refused = drive(alice, "send", texts=["Hello"], body={"model": "no-such-model"})
    assert refused["status"] == "error" and "Expected one of" in refused["error"]
    assert refused["statuses"] == [[400, None]]
