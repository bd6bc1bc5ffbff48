"""What the server says that it can do is what it does."""

from importlib import import_module

import pytest
from django.conf import settings
from django.test import Client

from accounts.sign_in import scopes
from chat.doors.door import Door
from chat.doors.registry import DOORS
from tests.routes import ROUTES

pytestmark = pytest.mark.django_db
OF_NO_DOOR = {
    "/api/chats/{id}/export/",
    "/api/exports/{id}/file/",
    "/api/chats/{id}/files/content/",
    "/api/chats/{id}/files/archive/",
    "/api/users/me/export/",
    "/api/auth/token/exchange",
}
OF_NO_DOOR |= {"/api/chats/{id}/push", "/api/chats/{id}/pull-request/", "/api/pulls/{id}/merge"}
OF_NO_DOOR |= {"/api/metrics", "/api/organizations/{organization}/audit/export/"}
OF_NO_DOOR |= {"/api/attachments/{id}/content", "/api/attachments/{id}/thumbnail"}


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
    known = {route.path for route in ROUTES if route.kind not in ("rest", "page", "frame")} - OF_NO_DOOR
    assert known <= {path for routes in doors.values() for path in routes}
    assert set(doors) == {door.name for door in DOORS}
    assert "/trpc/chat.initiateChat" in doors["initiateChat"] and "/trpc/{calls}" in doors["initiateChat"]
    assert "/trpc/editorChat.create" in doors["editorChat"] and "/trpc/editorChat.create" not in doors["initiateChat"]
    assert told["limits"]["message_chars"] == settings.CHAT_MESSAGE_MAX_CHARS
    assert told["limits"]["agent_message_chars"] == 10_000


def test_every_folder_of_a_door_is_in_the_registry_and_an_api_key_opens_its_addresses() -> None:
    folders = [each.parent.name for each in (settings.BASE_DIR / "chat/doors").glob("*/door.py")]
    found = [vars(import_module(f"chat.doors.{each}.door")).values() for each in folders]
    doors = [each for values in found for each in values if isinstance(each, Door)]
    assert len(doors) == len(DOORS) and all(each in DOORS for each in doors)
    closed = [f"/{url.pattern}" for door in doors for url in (*door.urls, *door.sockets)]
    assert [each for each in closed if not scopes.opens(["chat", "mcp"], each, only_reads=False)] == []
