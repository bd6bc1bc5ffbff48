"""PDFs and sounds come at every door that has a word for them, as what their bytes are; anything else is refused."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.doors.test_names import Body, Place, agui, runs, ui_message
from tests.live import Server
from tests.media import MP3, PDF, in_base64, wav
from tests.pictures import DOT
from tests.streams import key
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live

# What comes: what its sender calls it, its bytes, how it is stored, and what a model without the ability is told.
Sent = tuple[str, bytes, dict[str, str], str]
NAME = "the plan.bin"


def kept(type: str, media_type: str, data: bytes, name: str = NAME) -> dict[str, str]:
    return {"type": type, "name": name, "url": f"data:{media_type};base64,{in_base64(data)}"}


TAKEN: dict[str, Sent] = {
    "a PDF": ("application/pdf", PDF, kept("file", "application/pdf", PDF), "file"),
    "a WAV": ("audio/wav", wav(), kept("audio", "audio/wav", wav()), "audio"),
    "an MP3": ("audio/mpeg", MP3, kept("audio", "audio/mpeg", MP3), "audio"),
    "an MP3 that is called a WAV": ("audio/wav", MP3, kept("audio", "audio/mpeg", MP3), "audio"),
}
Make = Callable[[Place, str, str, str], Body]  # of the place, a text, a media type, and bytes in base64


def attachments(media_type: str, data: str) -> list[Body]:
    kind = "audio" if media_type.startswith("audio/") else "file"
    return [{"type": kind, "name": NAME, "url": f"data:{media_type};base64,{data}"}]


def in_ui_message(place: Place, text: str, media_type: str, data: str) -> Body:
    file = {"type": "file", "mediaType": media_type, "filename": NAME, "url": f"data:{media_type};base64,{data}"}
    return ui_message(place, messages=[{"id": "m", "role": "user", "parts": [{"type": "text", "text": text}, file]}])


def in_agui(place: Place, text: str, media_type: str, data: str) -> Body:
    kind = "audio" if media_type.startswith("audio/") else "document"
    part = {"type": kind, "filename": NAME, "source": {"type": "data", "value": data, "mimeType": media_type}}
    return agui(place, messages=[{"id": "m", "role": "user", "content": [{"type": "text", "text": text}, part]}])


def in_completion(place: Place, text: str, media_type: str, data: str) -> Body:
    part: Body = {"type": "file", "file": {"filename": NAME, "file_data": f"data:{media_type};base64,{data}"}}
    if media_type.startswith("audio/"):
        form = "wav" if media_type == "audio/wav" else "mp3"
        part = {"type": "input_audio", "input_audio": {"data": data, "format": form}}
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": [{"type": "text", "text": text}, part]}]}


def sound_in_response(place: Place, text: str, media_type: str, data: str) -> Body:
    """A sound in its own word; what is none comes as a file."""
    part: Body = {"type": "input_file", "filename": NAME, "file_data": f"data:{media_type};base64,{data}"}
    if media_type.startswith("audio/"):
        form = "wav" if media_type == "audio/wav" else "mp3"
        part = {"type": "input_audio", "input_audio": {"data": data, "format": form}}
    return {"model": "gpt-4o", "input": [{"role": "user", "content": [{"type": "input_text", "text": text}, part]}]}


def in_response(place: Place, text: str, media_type: str, data: str) -> Body:
    part = {"type": "input_file", "filename": NAME, "file_data": f"data:{media_type};base64,{data}"}
    return {"model": "gpt-4o", "input": [{"role": "user", "content": [{"type": "input_text", "text": text}, part]}]}


def bare_in_response(place: Place, text: str, media_type: str, data: str) -> Body:
    part = {"type": "input_file", "filename": NAME, "file_data": data}
    return {"model": "gpt-4o", "input": [{"role": "user", "content": [{"type": "input_text", "text": text}, part]}]}


DOORS: dict[str, tuple[str, Make]] = {
    "native": ("/api/chats/CHAT/runs", lambda place, text, kind, data: {
        "content": text, "attachments": attachments(kind, data)}),
    "editorChat": ("/api/editorChat/stream/CHAT", lambda place, text, kind, data: {
        "content": text, "attachments": attachments(kind, data), "enableStreaming": False}),
    "initiateChat": ("/trpc/chat.initiateChat", lambda place, text, kind, data: {
        "projectId": place.project["id"], "chatId": place.chat, "message": text,
        "attachments": attachments(kind, data)}),
    "conversations": ("/api/llm/conversations/conv_CHAT/messages", lambda place, text, kind, data: {
        "content": text, "attachments": attachments(kind, data), "stream": False}),
    "agent": ("/agent/chat", lambda place, text, kind, data: {
        "character_id": 1, "message": text, "attachments": attachments(kind, data)}),
    "UI message": ("/api/chat", in_ui_message),
    "AG-UI": ("/api/agui", in_agui),
    "completions": ("/v1/chat/completions", in_completion),
    "responses": ("/v1/responses", in_response),
    "responses, sounds": ("/v1/responses", sound_in_response),
    "responses, plain base64": ("/v1/responses", bare_in_response),
}  # fmt: skip
IN_THE_CHAT = ("native", "editorChat", "initiateChat", "conversations")


@pytest.fixture
def place(server: Server) -> Place:
    return Place(server)


@pytest.mark.parametrize("door", DOORS)
def test_what_comes_is_what_its_bytes_are_and_its_model_is_told_of_it(
    door: str, place: Place, upstream: Upstream
) -> None:
    path, make = DOORS[door]
    for name, (media_type, data, stored, kind) in TAKEN.items():
        mark = key()
        upstream.script(Turn(text="Well."), Turn(text="Well."), key=mark)
        reply = place.send("POST", path, make(place, f"[[key={mark}]] {name}", media_type, in_base64(data)))
        assert reply.status < 300, (name, reply)
        seen = upstream.wait_for(lambda requests: requests, key=mark, timeout_s=20)[0]
        is_named = door not in ("completions", "responses, sounds") or kind == "file"  # a sound has no name there
        shown = NAME if is_named else "without a name"
        assert f"[{kind}: {shown}, not shown to this model]" in seen.messages[-1]["content"], name
        if door in IN_THE_CHAT:
            messages = place.alice.get(f"/api/chats/{place.chat}/messages/")["results"]
            [said] = [each for each in messages if mark in each["content"]]
            assert {each: said["attachments"][0][each] for each in stored} == stored


WRONG = ((b"\x00\x01\x02\xff", "nothing that is known here"), (b"PK\x03\x04\xff", "a ZIP file or an office document"))


@pytest.mark.parametrize("door", DOORS)
def test_what_is_neither_is_refused_and_nothing_is_stored(door: str, place: Place) -> None:
    path, make = DOORS[door]
    before = runs(place)
    for media_type in ("application/pdf", "audio/wav"):
        for data, named in WRONG:
            reply = place.send("POST", path, make(place, "Hello", media_type, in_base64(data)))
            told = str(reply.body)
            assert reply.status in (400, 422), reply
            assert named in told or "Expected the base64 of a PDF" in told, reply
        reply = place.send("POST", path, make(place, "Hello", media_type, "no base64!"))
        assert reply.status in (400, 422) and "base64" in str(reply.body), reply
    assert runs(place) == before


def file(value: Any) -> Body:
    return {"content": "x", "attachments": [value]}


def part(value: Any) -> Body:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": [value]}]}


def item(value: Any) -> Body:
    return {"model": "gpt-4o", "input": [{"role": "user", "content": [value]}]}


NATIVE, COMPLETIONS, RESPONSES = "/api/chats/CHAT/runs", "/v1/chat/completions", "/v1/responses"
NOBODYS = "00000000-0000-4000-8000-000000000000"
SOUND = {"data": in_base64(MP3), "format": "mp3"}
REFUSED: dict[str, tuple[str, Body, str]] = {
    "a sound by its address": (NATIVE, file({"type": "audio", "url": "https://e.org/a.mp3"}), "sounds are not fetched"),
    "a sound as a text": (NATIVE, file({"type": "audio", "content": "la la"}), "A sound comes by url"),
    "a PDF as a sound": (NATIVE, file({"type": "audio", "url": f"data:audio/wav;base64,{in_base64(PDF)}"}),
                         "This is a PDF. Expected WAV or MP3."),
    "a picture as a file": (NATIVE, file({"type": "file", "url": DOT}), "This is a picture. Expected a PDF"),
    "not in base64": (NATIVE, file({"type": "file", "url": "data:application/pdf,%25PDF-1.7"}), "not in base64"),
    "nothing": (NATIVE, file({"type": "file", "url": "data:application/pdf;base64,"}), "This is empty"),
    "more than an attachment may have": (
        NATIVE, file({"type": "file", "url": f"data:application/pdf;base64,{in_base64(PDF + bytes(400_000))}"}),
        "Expected a text of 1 to 400000 characters"),
    "who was not shown it, in other words": (
        NATIVE, file({"type": "file", "url": f"data:application/pdf;base64,{in_base64(PDF)}", "unseen": "gpt-4o"}),
        "attachments.0.unseen"),
    "a stored file at completions": (COMPLETIONS, part({"type": "file", "file": {"file_id": "file-1"}}),
                                     "Expected the id of a file that was uploaded"),
    "a sound of another format": (
        COMPLETIONS, part({"type": "input_audio", "input_audio": {**SOUND, "format": "flac"}}),
        "Expected one of: wav, mp3"),
    "a sound without data": (COMPLETIONS, part({"type": "input_audio", "input_audio": {"format": "wav"}}),
                             "messages.0.content.0.input_audio"),
    "a sound that is nothing": (COMPLETIONS, part({"type": "input_audio"}), "messages.0.content.0.input_audio"),
    "a sound of the system's": (
        COMPLETIONS, {"model": "gpt-4o", "messages": [
            {"role": "system", "content": [{"type": "input_audio", "input_audio": SOUND}]},
            {"role": "user", "content": "Hi"}]}, "come in a message of the user"),
    "a stored file at Responses": (RESPONSES, item({"type": "input_file", "file_id": "file-1"}),
                                   "Expected the id of a file that was uploaded"),
    "a word that Responses do not have": (RESPONSES, item({"type": "input_video", "input_audio": SOUND}), "input_file"),
    "a file of two places": (
        RESPONSES, item({"type": "input_file", "file_url": "https://e.org/a.pdf", "file_id": NOBODYS}),
        "Expected one of: file_data, file_url, file_id"),
    "an image of two places": (
        RESPONSES, item({"type": "input_image", "image_url": "https://e.org/a.png", "file_id": NOBODYS}),
        "Expected one of: image_url, file_id"),
    "a source that AG-UI has not": (
        "/api/agui", {"source": {"type": "stream", "value": "x"}, "type": "image"}, "Expected one of: data, url, file"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_right_is_refused_by_a_sentence(name: str, place: Place) -> None:
    path, body, told = REFUSED[name]
    if path == "/api/agui":
        body = agui(place, messages=[{"id": "m", "role": "user", "content": [body]}])
    before = runs(place)
    reply = place.send("POST", path, body)
    assert reply.status == 400 and told in str(reply.body), reply
    assert runs(place) == before


def test_an_item_comes_back_as_it_was_sent(place: Place, upstream: Upstream) -> None:
    mark = key()
    upstream.script(Turn(text="Well."), key=mark)
    reply = place.send("POST", RESPONSES, in_response(place, f"[[key={mark}]]", "application/pdf", in_base64(PDF)))
    items = place.send("GET", f"/v1/responses/{reply.body['id']}/input_items", {}).body["data"]
    [content] = [each["content"] for each in items if each["type"] == "message"]
    sent = f"data:application/pdf;base64,{in_base64(PDF)}"
    assert content[-1] == {"type": "input_file", "filename": NAME, "file_data": sent}
