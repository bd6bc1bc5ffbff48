"""The page for frames: whom it may be framed by, whom its messages are shown, and what may be imported."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import AsyncClient, Client

from accounts.models import User
from accounts.sign_in.tokens import AccessToken
from chat.models import Chat
from tests import environment
from tests.chat.test_attachments_on_the_page import attached
from tests.chat.test_page_views import say, signed_in

pytestmark = pytest.mark.django_db
SHOP = "https://shop.example"
STATIC = environment.ROOT / "static"
MOST_BYTES = 5_000


def bearer(user: User) -> Client:
    return Client(headers={"Authorization": f"Bearer {AccessToken.of(user)}"})


def test_without_a_listed_origin_there_is_no_such_page(settings: Any) -> None:
    settings.EMBED_ORIGINS = []
    answer = Client().get("/embed/")
    assert answer.status_code == 404
    assert answer["X-Frame-Options"] == "DENY" and "frame-ancestors 'none'" in answer["Content-Security-Policy"]


def test_listed_origins_may_frame_that_page_and_no_other(settings: Any, chat: Chat) -> None:
    settings.EMBED_ORIGINS = [SHOP, "https://other.example:8443"]
    answer = Client().get("/embed/")
    assert answer.status_code == 200 and "X-Frame-Options" not in answer and not answer.cookies
    assert "frame-ancestors https://shop.example https://other.example:8443" in answer["Content-Security-Policy"]
    assert "require-trusted-types-for 'script'" in answer["Content-Security-Policy"]
    for path in (
        "/",
        "/login/",
        f"/chats/{chat.pk}/",
        f"/embed/chats/{chat.pk}/messages/",
        "/logo",
        "/embed",
        "/admin/",
    ):
        answer = signed_in(chat.user).get(path)
        assert answer["X-Frame-Options"] == "DENY", path
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"], path


def test_the_page_is_the_same_for_everybody(settings: Any, chat: Chat) -> None:
    settings.EMBED_ORIGINS = [SHOP]
    named = signed_in(chat.user).get("/embed/").content.decode()
    assert named == Client().get("/embed/").content.decode()
    assert chat.user.email not in named and chat.title not in named and SHOP in named


@pytest.mark.parametrize(
    ("query", "theme", "language"),
    [("", "system", "en"), ("theme=dark&lang=de", "dark", "de"), ("theme=%22%3E&lang=xx", "system", "en")],
)
def test_theme_and_language_are_as_the_page_asks(query: str, theme: str, language: str, settings: Any) -> None:
    settings.EMBED_ORIGINS = [SHOP]
    answer = Client(headers={"Accept-Language": "en"}).get(f"/embed/?{query}")
    assert f'<html lang="{language}" data-theme="{theme}"' in answer.content.decode()
    assert answer["Content-Language"] == language
    assert ("Nachricht" in answer.content.decode()) == (language == "de")


def test_messages_are_for_who_brings_a_token_and_sees_the_chat(chat: Chat, bob: User, charlie: User) -> None:
    say(chat, "a word of Alice")
    path = f"/embed/chats/{chat.pk}/messages/"
    assert "a word of Alice" in bearer(chat.user).get(path).content.decode()
    for client, status in ((bearer(bob), 404), (bearer(charlie), 404), (signed_in(chat.user), 401), (Client(), 401)):
        answer = client.get(path)
        assert answer.status_code == status and "a word of Alice" not in answer.content.decode()
    assert bearer(charlie).get(f"/embed/chats/{uuid4()}/messages/").status_code == 404
    assert Client(headers={"Authorization": "Bearer none"}).get(path).status_code == 401


def test_messages_speak_the_language_of_the_frame(chat: Chat) -> None:
    say(chat, "Hello")
    answer = bearer(chat.user).get(f"/embed/chats/{chat.pk}/messages/?lang=de")
    assert "Kopieren" in answer.content.decode() and answer["Content-Language"] == "de"
    assert "no-store" in answer["Cache-Control"]


def test_there_are_no_ways_to_pages_that_need_a_session(chat: Chat) -> None:
    result = {"type": "tool_result", "call": "1", "is_error": False}
    patched = {**result, "name": "patch_document", "result": {"changed": ["/a"], "version": 2}}
    say(chat, "", role="assistant", parts=[patched])
    assert "Changed the document" in signed_in(chat.user).get(f"/chats/{chat.pk}/").content.decode()
    page = bearer(chat.user).get(f"/embed/chats/{chat.pk}/messages/").content.decode()
    assert "/document/" not in page and "Changed the document" not in page


def test_pictures_which_need_a_session_are_named(chat: Chat) -> None:
    picture = {"type": "image", "name": "dot.png", "url": "data:image/png;base64,iVBORw0KGgo="}
    say(chat, "Look", attachments=[picture])
    page = bearer(chat.user).get(f"/embed/chats/{chat.pk}/messages/").content.decode()
    assert "dot.png" in page and "<img" not in page


def test_so_are_those_that_came_of_a_call(chat: Chat) -> None:
    row = attached(chat, type="image", name="a chart", width=60, height=40)
    parts = [
        {"type": "tool_call", "call": "c1", "name": "draw", "arguments": {}},
        {
            "type": "tool_result",
            "call": "c1",
            "name": "draw",
            "result": "",
            "is_error": False,
            "attachments": [str(row.pk)],
        },
    ]
    say(chat, "", role="assistant", parts=parts, attachments=[{"type": "image", "id": str(row.pk), "name": "a chart"}])
    own = signed_in(chat.user).get(f"/chats/{chat.pk}/").content.decode()
    assert f'src="/api/attachments/{row.pk}/thumbnail"' in own.partition('data-call="c1"')[2]
    page = bearer(chat.user).get(f"/embed/chats/{chat.pk}/messages/").content.decode()
    assert "a chart" in page.partition('data-call="c1"')[2] and "<img" not in page


@pytest.mark.parametrize(
    ("origin", "path", "is_let"),
    [
        (SHOP, "/static/embed.js", True),
        (SHOP, "/static/parley.js", True),
        ("https://evil.example", "/static/embed.js", False),
        ("null", "/static/embed.js", False),
        (SHOP, "/api/users/me/", False),
        (SHOP, "/embed/", False),
    ],
)
async def test_a_listed_page_imports_scripts_and_reads_nothing_else(
    origin: str, path: str, is_let: bool, settings: Any
) -> None:
    settings.EMBED_ORIGINS = [SHOP]
    answer = await AsyncClient().get(path, headers={"Origin": origin})
    assert answer.get("Access-Control-Allow-Origin") == (origin if is_let else None)
    assert "Access-Control-Allow-Credentials" not in answer


def test_the_element_is_small_and_comes_from_an_address_that_stays() -> None:
    answer = Client().get("/static/embed.js")
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert answer.status_code == 200 and len(content) <= MOST_BYTES
    assert "max-age=0" in answer["Cache-Control"] and answer["ETag"]


def test_the_element_makes_nothing_of_text_and_hears_only_its_channel() -> None:
    script = (STATIC / "embed.js").read_text()
    assert not re.search(r"innerHTML|insertAdjacentHTML|eval\(|addEventListener\(.message", script)
    assert re.findall(r"postMessage\([^;]*\"\*\"", script) == []
