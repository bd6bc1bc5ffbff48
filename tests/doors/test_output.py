"""An answer that is JSON of a schema, by each door that has a word for it, through the whole engine."""

import json
from typing import Any

import pytest

from tests.live import Server
from tests.streams import Client, Stream, client, key
from tests.upstream import Turn, Upstream

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
FITS, NOT = '{"name": "Ulm"}', '{"people": 3}'


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


def scripted(upstream: Upstream, *texts: str) -> str:
    mark = key()
    upstream.script(*(Turn(text=[each]) for each in texts), key=mark)
    return f"[[key={mark}]] Which city?"


def answered(alice: Client, prompt: str, **output: Any) -> dict[str, Any]:
    chat = alice.chat()
    run = alice.start(chat, prompt, output={"name": "city", "schema": SCHEMA, **output})["run"]["id"]
    alice.wait(run)
    return alice.answer(chat)


def test_the_native_door_asks_once_more_and_gives_the_value(alice: Client, upstream: Upstream) -> None:
    answer = answered(alice, scripted(upstream, NOT, FITS))
    [part] = [each for each in answer["parts"] if each["type"] == "text"]
    assert (answer["content"], part["output"], answer["status"]) == (FITS, {"name": "Ulm"}, "completed")


def test_twice_wrong_is_told_and_where_it_is_strict_the_run_fails(alice: Client, upstream: Upstream) -> None:
    loose = answered(alice, scripted(upstream, NOT, NOT))
    [part] = [each for each in loose["parts"] if each["type"] == "text"]
    assert part["output"] is None and "'name' is a required property" in part["output_error"]
    strict = answered(alice, scripted(upstream, NOT, NOT), strict=True)
    assert (strict["status"], strict["error"]["code"]) == ("failed", "output_invalid")
    assert "'name' is a required property" in strict["error"]["message"]


def says(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


FORMAT = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}}
TEXT = {"format": {"type": "json_schema", "name": "city", "schema": SCHEMA}}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", lambda said: {"messages": [says(said)], "response_format": FORMAT}),
        ("/v1/responses", lambda said: {"input": said, "text": TEXT}),
    ],
)
def test_openais_doors_repair_what_nobody_has_read_yet(path: str, body: Any, alice: Client, upstream: Upstream) -> None:
    name = alice.get("/api/models/")["results"][0]["id"]
    told = json.dumps(alice.post(path, {"model": name, **body(scripted(upstream, NOT, FITS))}))
    assert json.dumps(FITS) in told and "people" not in told
    streamed = {"model": name, "stream": True, **body(scripted(upstream, NOT))}
    with Stream(alice.server, path, streamed, token=alice.token) as stream:
        last = stream.frames()[-1]
    assert last.data == "[DONE]" or last.json["type"] == "response.completed"


@pytest.mark.parametrize(
    ("output", "field"),
    [
        ("text", "output"),
        ({"name": "a b", "schema": SCHEMA}, "output.name"),
        ({"name": "a", "schema": {"$ref": "https://example.org"}}, "output.schema"),
        ({"name": "a", "schema": SCHEMA, "strict": "yes"}, "output.strict"),
        ({"name": "a", "schema": SCHEMA, "more": 1}, "output"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_changes_nothing(output: Any, field: str, alice: Client) -> None:
    chat = alice.chat()
    refused = alice.post(f"/api/chats/{chat}/runs", {"content": "Hi", "output": output}, expect=(400,))
    assert list(refused["error"]["fields"]) == [field]
    assert alice.get(f"/api/chats/{chat}/messages/")["results"] == []
