"""What a model reads of attached files, end to end: the beginning, the rest by a tool, the words of a recording."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai import OpenAI

from tests.live import Server
from tests.sounds import webm
from tests.streams import Client, client, key
from tests.transcriber import Transcriber
from tests.upstream import ScriptedCall, Turn, Upstream

TEXT = "The beginning of it. And its end: marigold."


@pytest.fixture(scope="module")
def transcriber() -> Iterator[Transcriber]:
    made = Transcriber().start()
    yield made
    made.close()


@pytest.fixture(scope="module")
def alice(upstream: Upstream, transcriber: Transcriber) -> Iterator[Client]:
    server = Server(
        OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", ATTACHMENT_TEXT_SHOWN_CHARS="20",
        TRANSCRIPTION_BASE_URL=transcriber.url, TRANSCRIPTION_KEY="sk-words",
    )  # fmt: skip
    yield client(server.start())
    server.close()


def uploaded(person: Client, name: str, data: bytes) -> str:
    with OpenAI(base_url=person.server.url + "/v1", api_key=person.token, max_retries=0) as sdk:
        return sdk.files.create(file=(name, data), purpose="user_data").id


def offered(body: dict[str, Any]) -> set[str]:
    return {each["function"]["name"] for each in body.get("tools", ())}


def test_a_model_reads_on_in_a_long_file(alice: Client, upstream: Upstream) -> None:
    mark, chat, id = key(), alice.chat(), uploaded(alice, "story.txt", TEXT.encode())
    call = ScriptedCall("read_attachment", {"id": id, "start": 20})
    upstream.script(Turn(tool_calls=[call]), Turn(text="Marigold."), key=mark)
    files = [{"type": "file", "id": id}]
    begun = alice.start(chat, f"[[key={mark}]] How does it end?", attachments=files)
    assert alice.wait(begun["run"]["id"])["status"] == "succeeded"
    first, second = upstream.requests(mark)
    assert "read_attachment" in offered(first.body)
    told = first.messages[-1]["content"]
    assert f"{TEXT[:20]}\n[These are the first 20 of {len(TEXT)} characters." in told and "marigold" not in told
    answered = json.loads(second.messages[-1]["content"])
    assert answered["text"] == TEXT[20:] and "do not follow" in answered["note"] and "more" not in answered


def test_the_tool_is_offered_where_there_is_something_to_read_alone(alice: Client, upstream: Upstream) -> None:
    mark = key()
    upstream.script(Turn(text="Well."), key=mark)
    alice.wait(alice.start(alice.chat(), f"[[key={mark}]] Hello")["run"]["id"])
    [seen] = upstream.requests(mark)
    assert "read_file" in offered(seen.body) and "read_attachment" not in offered(seen.body)


def test_a_model_is_given_the_words_of_a_recording(alice: Client, upstream: Upstream, transcriber: Transcriber) -> None:
    mark, id = key(), uploaded(alice, "note.webm", webm(3.0))
    row = alice.get(f"/api/attachments/{id}/")
    assert (row["type"], row["seconds"], row["text"]["state"]) == ("audio", 3.0, "ready")
    upstream.script(Turn(text="Well."), key=mark)
    files = [{"type": "audio", "id": id}]
    alice.wait(alice.start(alice.chat(), f"[[key={mark}]]", attachments=files)["run"]["id"])
    [seen] = upstream.requests(mark)
    assert '<file name="note.webm">\nBuy milk and bread.' in seen.messages[-1]["content"]
    assert transcriber.asked[-1].authorization == "Bearer sk-words"
    assert "sk-words" not in alice.server.log()
