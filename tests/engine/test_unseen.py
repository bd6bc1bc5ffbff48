"""What a model is not shown of a chat's files, as it cannot take such, is said at them; so is what one cannot read."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.documents import pdf
from tests.live import Server
from tests.media import MP3, PDF, in_base64
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream

READS, HEARS = "gpt-6-luna", "gemini-3.8-flash"  # one takes PDFs and no sound, the other sound and no PDFs
PLAN = {"type": "file", "name": "plan.pdf", "url": f"data:application/pdf;base64,{in_base64(PDF)}"}
SONG = {"type": "audio", "name": "song.mp3", "url": f"data:audio/mpeg;base64,{in_base64(MP3)}"}
FILE = {"type": "file", "file": {"filename": "plan.pdf", "file_data": PLAN["url"]}}
AUDIO = {"type": "input_audio", "input_audio": {"data": in_base64(MP3), "format": "mp3"}}


@pytest.fixture(scope="module")
def alice(upstream: Upstream) -> Iterator[Client]:
    gemini = {"GEMINI_API_KEY": "none", "GEMINI_BASE_URL": upstream.url, "GEMINI_MODELS": HEARS}
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", OPENAI_MODELS=READS, **gemini,
                    AGENTS_DEFAULT_MODEL=READS)  # fmt: skip
    yield client(server.start())
    server.close()


def upload(alice: Client, data: bytes, name: str) -> str:
    """The attachment's id."""
    address = f"http://127.0.0.1:{alice.server.port}/api/attachments/?name={name}"
    headers = {"Authorization": f"Bearer {alice.token}", "Content-Type": "application/octet-stream"}
    with urllib.request.urlopen(urllib.request.Request(address, data, headers), timeout=30) as answer:
        return str(json.load(answer)["id"])


def asked(upstream: Upstream, mark: str) -> list[Any]:
    """The first message of the newest request behind the system's, without its text; and its text."""
    content = upstream.requests(mark)[-1].messages[1]["content"]
    return [[each for each in content if each["type"] != "text"], content[0]["text"]]


def files(alice: Client, message: str) -> Any:
    return alice.get(f"/api/messages/{message}/")["attachments"]


def test_each_model_is_shown_what_it_can_take_and_what_it_cannot_is_said_at_the_file(
    alice: Client, upstream: Upstream
) -> None:
    mark, chat = key(), alice.chat()
    upstream.script(*[Turn(text="Well.") for _ in range(3)], key=mark)
    begun = alice.start(chat, f"[[key={mark}]] See.", attachments=[PLAN, SONG])
    alice.wait(begun["run"]["id"])
    parts, text = asked(upstream, mark)
    assert parts == [FILE] and "[audio: song.mp3, not shown to this model]" in text
    assert files(alice, begun["input"]["id"]) == [PLAN, {**SONG, "unseen": [READS]}]
    alice.wait(alice.start(chat, "And now?", model=HEARS)["run"]["id"])
    parts, text = asked(upstream, mark)
    assert parts == [AUDIO] and "[file: plan.pdf, not shown to this model]" in text
    told = [{**PLAN, "unseen": [HEARS]}, {**SONG, "unseen": [READS]}]
    assert files(alice, begun["input"]["id"]) == told
    changed = alice.get(f"/api/messages/{begun['input']['id']}/")["updated_at"]
    alice.wait(alice.start(chat, "Again?", model=HEARS)["run"]["id"])
    assert alice.get(f"/api/messages/{begun['input']['id']}/")["updated_at"] == changed  # it says so already


def test_forty_pages_are_the_file_for_who_reads_pdfs_and_its_text_for_who_does_not(
    alice: Client, upstream: Upstream
) -> None:
    """Uploaded, so its text is known; the one model never gets the text, the other never the file."""
    mark, chat = key(), alice.chat()
    upstream.script(*[Turn(text="A report.") for _ in range(2)], key=mark)
    data = pdf(*(f"Page {number} says word{number}." for number in range(1, 41)))
    file = upload(alice, data, "report.pdf")
    alice.wait(alice.start(chat, f"[[key={mark}]] Sum up.", attachments=[{"type": "file", "id": file}])["run"]["id"])
    parts, text = asked(upstream, mark)
    whole = f"data:application/pdf;base64,{in_base64(data)}"
    assert parts == [{"type": "file", "file": {"filename": "report.pdf", "file_data": whole}}]
    assert "word40" not in text
    alice.wait(alice.start(chat, "And you?", model=HEARS)["run"]["id"])
    text = upstream.requests(mark)[-1].messages[1]["content"]
    assert isinstance(text, str)
    assert all(f"[page {number}]" in text and f"word{number}." in text for number in range(1, 41))


def test_an_edit_keeps_what_is_said_and_a_new_message_has_nothing_of_it(alice: Client, upstream: Upstream) -> None:
    mark, chat = key(), alice.chat()
    upstream.script(Turn(text="Well."), key=mark)
    begun = alice.start(chat, f"[[key={mark}]] Hear.", attachments=[SONG])
    alice.wait(begun["run"]["id"])
    told = files(alice, begun["input"]["id"])
    assert told == [{**SONG, "unseen": [READS]}]
    path, body = f"/api/messages/{begun['input']['id']}/", {"content": "Hear!", "attachments": told}
    assert alice.server.call("PATCH", path, body, token=alice.token).body["attachments"] == told
    assert alice.post(f"/api/chats/{chat}/messages/", body)["attachments"] == [SONG]


def test_a_document_that_a_provider_cannot_read_breaks_no_later_message(alice: Client, upstream: Upstream) -> None:
    mark, chat = key(), alice.chat()
    refusal = {"error": {"type": "invalid_request_error", "message": "The PDF specified was not valid."}}
    upstream.script(Turn(fault="400", body=refusal), Turn(text="Well."), key=mark)
    begun = alice.start(chat, f"[[key={mark}]] Sum up.", attachments=[PLAN])
    failed = alice.wait(begun["run"]["id"])
    assert failed["error"]["code"] == "upstream_invalid" and "plan.pdf" in failed["error"]["message"]
    assert files(alice, begun["input"]["id"]) == [{**PLAN, "unreadable": True}]
    assert alice.wait(alice.start(chat, "Go on.")["run"]["id"])["status"] == "succeeded"
    content = upstream.requests(mark)[-1].messages[1]["content"]
    assert "[file: plan.pdf, which could not be read]" in content and "base64" not in content
