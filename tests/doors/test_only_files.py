"""A file without a text is a message at every door that takes files; its name is the chat's first title."""

import base64
from typing import Any

import pytest

from tests.clients.keys import new_key
from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live
FILE = {"type": "file", "name": "plan.txt"}


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


def asks(alice: Client, file: dict[str, str]) -> dict[str, tuple[str, Any]]:
    """For each door the address and the body of a message that is only this file."""
    project = alice.get("/api/projects/")["results"][0]
    chat = lambda: alice.chat(title="")  # noqa: E731
    data = base64.b64encode(file["content"].encode()).decode()
    part = {
        "type": "file",
        "mediaType": "text/plain",
        "filename": file["name"],
        "url": f"data:text/plain;base64,{data}",
    }
    read = {"type": "input_file", "filename": file["name"], "file_data": f"data:text/plain;base64,{data}"}
    inner = {"filename": file["name"], "file_data": f"data:text/plain;base64,{data}"}
    organization = {"organization": project["organization"]}
    own = alice.post("/api/projects/", {**organization, "name": f"Files {key()}"})["id"]  # and so a chat of its own
    return {
        "native": (f"/api/chats/{chat()}/runs", {"attachments": [file]}),
        "native, blank": (f"/api/chats/{chat()}/runs", {"content": " \n", "attachments": [file]}),
        "native, a new chat": ("/api/chats/runs", {"chat": organization, "attachments": [file]}),
        "editorChat": (f"/api/editorChat/stream/{chat()}", {"content": "", "attachments": [file]}),
        "trpc editorChat": ("/trpc/editorChat.sendMessage", {"chatId": chat(), "content": "", "attachments": [file]}),
        "initiateChat": ("/trpc/chat.initiateChat", {"projectId": own, "message": "", "attachments": [file]}),
        "agent": ("/agent/chat", {"character_id": 1, "message": "", "attachments": [file]}),
        "ui": ("/api/chat", {"id": key(), "messages": [{"id": key(), "role": "user", "parts": [part]}]}),
        "responses": ("/v1/responses", {"model": "gpt-4o", "input": [{"role": "user", "content": [read]}]}),
        "conversations": (
            f"/api/llm/conversations/conv_{chat()}/messages",
            {"attachments": [file], "archetype": "generalist"},
        ),
        "completions": (
            "/v1/chat/completions",
            {
                "model": "gpt-4o",
                "messages": [{"role": "user", "content": [{"type": "file", "file": inner}]}],
            },
        ),
    }


DOORS = (
    "native", "native, blank", "native, a new chat", "editorChat", "trpc editorChat", "initiateChat", "agent", "ui",
    "responses", "conversations", "completions",
)  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
def test_it_is_answered(alice: Client, server: Server, upstream: Upstream, door: str) -> None:
    mark = key()
    upstream.script(Turn(text="Read."), key=mark)
    path, body = asks(alice, {**FILE, "content": f"The door is green. [[key={mark}]]"})[door]
    token = new_key(server, "llm") if "/v1/" in path or "/llm/" in path else alice.token
    reply = server.call("POST", path, body, token=token)
    assert reply.status in (200, 201), reply
    seen = upstream.wait_for(lambda requests: requests, key=mark, timeout_s=20)[0]
    told = str(seen.messages[-1]["content"])
    assert told.startswith('<file name="plan.txt">') and "The door is green." in told


def test_a_chat_that_begins_with_a_file_is_called_as_it_is(alice: Client, upstream: Upstream) -> None:
    organization = alice.get("/api/organizations/")["results"][0]["id"]
    mark = key()
    upstream.script(Turn(text="Read."), key=mark)
    files = [{**FILE, "content": f"[[key={mark}]]"}]
    made = alice.post("/api/chats/runs", {"chat": {"organization": organization}, "attachments": files})
    assert made["chat"]["title"] == "plan.txt"


def test_neither_text_nor_file_is_refused(alice: Client) -> None:
    for path, body in ((f"/api/chats/{alice.chat()}/runs", {"attachments": []}), ("/agent/chat", {"character_id": 1})):
        assert alice.server.call("POST", path, body, token=alice.token).status in (400, 422)
