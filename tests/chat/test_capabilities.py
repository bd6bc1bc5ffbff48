"""What the server says that it can do is what it does."""

import pytest
from django.conf import settings
from django.test import Client

from chat.doors.registry import DOORS
from tests.routes import ROUTES

pytestmark = pytest.mark.django_db


def test_it_names_every_door_with_its_routes_and_limits() -> None:
    told = Client().get("/api/capabilities/").json()
    assert told["version"] == settings.PARLEY_VERSION and told["streaming"] and told["resume"]
    doors = {each["name"]: each["routes"] for each in told["doors"]}
    assert {"native", "editorChat", "sessions", "threads", "agent", "initiateChat", "llm"} <= set(doors)
    assert doors["agent"] == ["/agent/chat", "/agent/chat/history/{session_id}", "/agent/chat/stream"]
    assert told["websocket"] and next(each for each in told["doors"] if each["name"] == "llm")["websocket"] == [
        "/api/llm/responses",
        "/v1/responses",
    ]
    known = {route.path for route in ROUTES if route.kind not in ("rest", "page")} - {"/api/chats/{id}/export/"}
    assert known <= {path for routes in doors.values() for path in routes}
    assert set(doors) == {door.name for door in DOORS}
    assert "/trpc/chat.initiateChat" in doors["initiateChat"] and "/trpc/{calls}" in doors["initiateChat"]
    assert "/trpc/editorChat.create" in doors["editorChat"] and "/trpc/editorChat.create" not in doors["initiateChat"]
    assert told["limits"]["message_chars"] == settings.CHAT_MESSAGE_MAX_CHARS
    assert told["limits"]["agent_message_chars"] == 10_000
