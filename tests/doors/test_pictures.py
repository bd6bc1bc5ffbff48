"""Pictures are known by their bytes at every door that takes them, whatever their sender calls them."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from tests.doors.test_names import Body, Place, agui, runs, ui_message
from tests.live import Server
from tests.pictures import HEIC, jpeg

pytestmark = pytest.mark.live


def attachment(url: str) -> list[Body]:
    return [{"type": "image", "name": "holiday.jpg", "url": url}]


def in_ui_message(place: Place, url: str) -> Body:
    file = {"type": "file", "mediaType": "image/jpeg", "filename": "holiday.jpg", "url": url}
    return ui_message(place, messages=[{"id": "m", "role": "user", "parts": [{"type": "text", "text": "See"}, file]}])


def in_agui(place: Place, url: str) -> Body:
    source = {"type": "data", "value": url.partition(",")[2], "mimeType": "image/jpeg"}
    content = [{"type": "text", "text": "See"}, {"type": "image", "source": source}]
    return agui(place, messages=[{"id": "m", "role": "user", "content": content}])


def in_completion(place: Place, url: str) -> Body:
    content: list[Any] = [{"type": "text", "text": "See"}, {"type": "image_url", "image_url": {"url": url}}]
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": content}]}


def in_response(place: Place, url: str) -> Body:
    content = [{"type": "input_text", "text": "See"}, {"type": "input_image", "image_url": url}]
    return {"model": "gpt-4o", "input": [{"role": "user", "content": content}]}


DOORS: dict[str, tuple[str, Callable[[Place, str], Body]]] = {
    "native": ("/api/chats/CHAT/runs", lambda place, url: {"content": "See", "attachments": attachment(url)}),
    "messages": ("/api/chats/CHAT/messages/", lambda place, url: {"content": "See", "attachments": attachment(url)}),
    "initiateChat": ("/trpc/chat.initiateChat", lambda place, url: {
        "projectId": place.project["id"], "message": "See", "attachments": attachment(url)}),
    "conversations": ("/api/llm/conversations/conv_CHAT/messages", lambda place, url: {
        "content": "See", "attachments": attachment(url), "stream": False}),
    "UI message": ("/api/chat", in_ui_message),
    "AG-UI": ("/api/agui", in_agui),
    "completions": ("/v1/chat/completions", in_completion),
    "responses": ("/v1/responses", in_response),
}  # fmt: skip


NONE = (
    (HEIC, "a HEIC picture"),
    (b"%PDF-1.7", "a PDF"),
    (b"hello", "no picture that is known here"),
)


@pytest.mark.parametrize("door", DOORS)
def test_what_is_no_picture_is_refused_and_a_wrong_type_is_put_right(door: str, server: Server) -> None:
    place, (path, body) = Place(server), DOORS[door]
    before = runs(place)
    for data, name in NONE:
        reply = place.send("POST", path, body(place, url_of(data, "jpeg")))
        assert reply.status == 400 and f"his is {name}. Expected PNG, JPEG, GIF or WebP" in str(reply.body), reply
    assert runs(place) == before
    assert place.send("POST", path, body(place, url_of(jpeg(4, 4), "png"))).status < 300


def url_of(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
