"""Files that were uploaded are named by their ids at every door; a foreign one is not there, and nothing is begun."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from openai import OpenAI
from PIL import Image

from tests import documents
from tests.doors.people import newcomer
from tests.doors.test_names import Body, Place, agui, runs, ui_message
from tests.live import Server
from tests.streams import Client, key
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live

Make = Callable[[Place, str, str, str], Body]  # of the place, a text, image or file, and an id


def attachments(kind: str, id: str) -> list[Body]:
    return [{"type": kind, "id": id}]


def in_ui_message(place: Place, text: str, kind: str, id: str) -> Body:
    media_type = "image/png" if kind == "image" else "application/pdf"
    file = {"type": "file", "mediaType": media_type, "url": f"/api/attachments/{id}/content"}
    return ui_message(place, messages=[{"id": "m", "role": "user", "parts": [{"type": "text", "text": text}, file]}])


def whole_in_ui_message(place: Place, text: str, kind: str, id: str) -> Body:
    """The address as a page has it that lies elsewhere."""
    body = in_ui_message(place, text, kind, id)
    body["messages"][0]["parts"][1]["url"] = f"{place.alice.server.url}/api/attachments/{id}/content"
    return body


def in_agui(place: Place, text: str, kind: str, id: str) -> Body:
    part = {"type": "image" if kind == "image" else "document", "source": {"type": "file", "value": id}}
    return agui(place, messages=[{"id": "m", "role": "user", "content": [{"type": "text", "text": text}, part]}])


def binary_in_agui(place: Place, text: str, kind: str, id: str) -> Body:
    """As older clients have it."""
    part = {"type": "binary", "mimeType": "image/png" if kind == "image" else "application/pdf", "id": id}
    return agui(place, messages=[{"id": "m", "role": "user", "content": [{"type": "text", "text": text}, part]}])


def in_completion(place: Place, text: str, kind: str, id: str) -> Body:
    part = {"type": "file", "file": {"file_id": id}}
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": [{"type": "text", "text": text}, part]}]}


def in_response(place: Place, text: str, kind: str, id: str) -> Body:
    part = {"type": "input_image" if kind == "image" else "input_file", "file_id": id}
    return {"model": "gpt-4o", "input": [{"role": "user", "content": [{"type": "input_text", "text": text}, part]}]}


DOORS: dict[str, tuple[str, Make]] = {
    "native": ("/api/chats/CHAT/runs", lambda place, text, kind, id: {
        "content": text, "attachments": attachments(kind, id), "model": "gpt-4o"}),
    "editorChat": ("/api/editorChat/stream/CHAT", lambda place, text, kind, id: {
        "content": text, "attachments": attachments(kind, id), "enableStreaming": False, "model": "gpt-4o"}),
    "initiateChat": ("/trpc/chat.initiateChat", lambda place, text, kind, id: {
        "projectId": place.project["id"], "chatId": place.chat, "message": text, "model": "gpt-4o",
        "attachments": attachments(kind, id)}),
    "conversations": ("/api/llm/conversations/conv_CHAT/messages", lambda place, text, kind, id: {
        "content": text, "attachments": attachments(kind, id), "stream": False, "model": "gpt-4o"}),
    "agent": ("/agent/chat", lambda place, text, kind, id: {
        "character_id": 1, "message": text, "attachments": attachments(kind, id)}),
    "UI message": ("/api/chat", in_ui_message),
    "UI message, whole address": ("/api/chat", whole_in_ui_message),
    "AG-UI": ("/api/agui", in_agui),
    "AG-UI, binary": ("/api/agui", binary_in_agui),
    "completions": ("/v1/chat/completions", in_completion),
    "responses": ("/v1/responses", in_response),
}  # fmt: skip


@pytest.fixture
def place(server: Server) -> Place:
    return Place(server)


def uploaded(person: Client, name: str, data: bytes) -> str:
    with OpenAI(base_url=person.server.url + "/v1", api_key=person.token, max_retries=0) as sdk:
        return sdk.files.create(file=(name, data), purpose="user_data").id


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("door", DOORS)
def test_its_model_is_given_what_was_uploaded(door: str, place: Place, upstream: Upstream) -> None:
    path, make = DOORS[door]
    sent = {
        "file": (uploaded(place.alice, "plan.pdf", documents.pdf("The plan is green.")), "The plan is green."),
        "image": (uploaded(place.alice, "photo.png", picture()), "data:image/"),
    }
    for kind, (id, words) in sent.items():
        mark = key()
        upstream.script(Turn(text="Well."), Turn(text="Well."), key=mark)
        reply = place.send("POST", path, make(place, f"[[key={mark}]] See", kind, id))
        assert reply.status < 300, (kind, reply)
        seen = upstream.wait_for(lambda requests: requests, key=mark, timeout_s=20)[0]
        assert words in str(seen.messages[-1]["content"]), kind
        assert place.alice.get(f"/api/attachments/{id}/")["id"] == id


@pytest.mark.parametrize("door", DOORS)
def test_a_foreign_one_is_not_there(door: str, place: Place, server: Server, upstream: Upstream) -> None:
    path, make = DOORS[door]
    charlie = newcomer(server)
    before, mark = runs(place), key()
    for id in (uploaded(charlie, "canary.txt", b"canary"), "00000000-0000-4000-8000-000000000000"):
        for kind in ("file", "image"):
            reply = place.send("POST", path, make(place, f"[[key={mark}]] See", kind, id))
            assert reply.status in (400, 404) and "no such attachment" in str(reply.body), reply
    assert runs(place) == before and not upstream.requests(mark)


def test_what_is_no_id_is_refused_by_its_field(place: Place) -> None:
    for path, body, field in (
        ("/v1/responses", in_response(place, "x", "file", "file-1"), "input.0.content.0.file_id"),
        ("/v1/chat/completions", in_completion(place, "x", "file", "file-1"), "messages.0.content.0.file_id"),
        ("/api/agui", in_agui(place, "x", "image", "../../x"), "messages.0.content.1.source.value"),
        ("/api/chats/CHAT/runs", {"content": "x", "attachments": attachments("file", "x")}, "attachments.0.id"),
    ):
        reply = place.send("POST", path, body)
        assert reply.status == 400 and field.replace("content.0", "content.1") in str(reply.body), reply


def test_a_document_s_text_comes_inline_too(place: Place, upstream: Upstream) -> None:
    """AG-UI sends all documents as data; a text among them is a text."""
    mark = key()
    upstream.script(Turn(text="Well."), key=mark)
    source: Any = {"type": "data", "value": "SGVsbG8gdGhlcmU=", "mimeType": "text/plain"}
    content = [{"type": "text", "text": f"[[key={mark}]]"}, {"type": "document", "filename": "a.txt", "source": source}]
    reply = place.send("POST", "/api/agui", agui(place, messages=[{"id": "m", "role": "user", "content": content}]))
    assert reply.status < 300, reply
    seen = upstream.wait_for(lambda requests: requests, key=mark, timeout_s=20)[0]
    assert '<file name="a.txt">\nHello there\n</file>' in seen.messages[-1]["content"]
