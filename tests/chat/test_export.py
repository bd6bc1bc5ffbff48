"""GET /api/chats/{id}/export/: one's own chat as a file, and nobody else's."""

import json
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from accounts.models import User
from accounts.sign_in.tokens import AccessToken
from chat.models import Chat, RunStatus
from tests import environment
from tests.chat.rows import answer
from tests.live import OWNER, Server
from tests.streams import client
from tests.upstream import Upstream


async def fetch(chat: Chat, user: User) -> tuple[int, Any, bytes]:
    """Status, headers and body."""
    signed = {"Authorization": f"Bearer {AccessToken.of(user)}"}
    answered = await AsyncClient().get(f"/api/chats/{chat.pk}/export/", headers=signed)
    if not answered.streaming:
        return answered.status_code, answered.headers, answered.content
    return answered.status_code, answered.headers, b"".join([piece async for piece in answered.streaming_content])


@pytest.mark.django_db(transaction=True)
async def test_a_chat_s_owner_gets_it_and_nobody_else(chat: Chat, alice: User, bob: User, charlie: User) -> None:
    await sync_to_async(answer)(chat, alice, text="Planted words")
    status, headers, body = await fetch(chat, alice)
    assert (status, headers["Content-Length"]) == (200, str(len(body)))
    assert headers["Content-Disposition"] == f'attachment; filename="chat-{chat.pk}.jsonl"'
    lines = [json.loads(line) for line in body.splitlines()]
    assert lines[0]["format"] == "parley-chat" and lines[-1]["lines"] == len(lines) and b"Planted words" in body
    for stranger in (bob, charlie):  # it is Alice's private chat
        status, _, body = await fetch(chat, stranger)
        assert status == 404 and b"Planted" not in body
    await Chat.objects.filter(pk=chat.pk).aupdate(sharing="project")
    status, _, body = await fetch(chat, bob)
    assert status == 403 and b"Planted" not in body


@pytest.mark.django_db(transaction=True)
async def test_what_cannot_be_exported_is_said(chat: Chat, alice: User, settings: Any) -> None:
    settings.EXPORT_MAX_BYTES = 100
    status, _, body = await fetch(chat, alice)
    assert (status, json.loads(body)["error"]["code"]) == (413, "export_too_large")
    await sync_to_async(answer)(chat, alice, RunStatus.QUEUED)
    status, _, body = await fetch(chat, alice)
    assert (status, json.loads(body)["error"]["code"]) == (409, "run_open")


@pytest.mark.live
@pytest.mark.faults
@pytest.mark.skipif(environment.profile() != "scaled", reason="it needs both databases")
def test_a_chat_goes_from_sqlite_to_postgresql_and_back(server: Server, upstream: Upstream, tmp_path: Path) -> None:
    data = environment.new_folder()
    small = {"DATABASE_URL": f"sqlite:///{data / 'db.sqlite3'}", "REDIS_URL": ""}
    sqlite = Server(data, OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", **small)
    try:
        alice = client(sqlite.start())
        chat = alice.chat()
        for text in ("[[n=30]] Grün “and” \U0001f600", "[[fault=400]] fails", "[[n=3]] again"):
            alice.wait(alice.start(chat, text)["run"]["id"])
        there = moved(sqlite, server, chat, tmp_path / "one.jsonl")
        alice.server.call("DELETE", f"/api/chats/{chat}/", token=alice.token)
        assert moved(server, sqlite, chat, tmp_path / "two.jsonl") == there
    finally:
        sqlite.close()


def moved(source: Server, target: Server, chat: str, file: Path) -> list[Any]:
    """Export over HTTP, import by the command; what the target exports then, which is the same."""
    lines = exported(source, chat, file)
    target.manage("import_chat", str(file), "--organization", "First organization", "--owner", OWNER)
    assert exported(target, chat, file) == lines and len(lines) > 10
    return lines


def exported(server: Server, chat: str, file: Path) -> list[Any]:
    """The lines, without what is another installation's."""
    answered = server.call("GET", f"/api/chats/{chat}/export/", token=server.token())
    assert answered.status == 200, answered
    file.write_text(answered.body)
    lines = [json.loads(line) for line in answered.body.splitlines()]
    own = ("exported_at", "updated_at", "user", "author", "id")
    return [{name: each[name] for name in each if name not in own} for each in lines if each["line"] != "person"]
