"""Names are compared letter by letter, at every door alike: of models, and of the tools that a client brings."""

from collections.abc import Callable
from typing import Any

import pytest

from agents.archetypes import registry
from tests.live import Reply, Server
from tests.streams import Client, client

pytestmark = pytest.mark.live

Body = dict[str, Any]
USER = {"id": "m", "role": "user", "parts": [{"type": "text", "text": "Hello"}], "content": "Hello"}
MISSPELLED = ("gpt-4o ", " gpt-4o", "GPT-4o", "gpt-4o\n", "gpt-4", "gpt-4o\u200b", "gpt-4\u043e", "")
MISSPELLED += ("parley/GENERALIST", "Parley/generalist", "parley/generalist ", "parley/parley/generalist", "parley/")


class Place:
    """A chat, its project, and somebody who may write there."""

    def __init__(self, server: Server) -> None:
        self.alice: Client = client(server)
        self.project = self.alice.get("/api/projects/")["results"][0]
        self.chat = self.alice.chat()

    def send(self, method: str, path: str, body: Body) -> Reply:
        return self.alice.server.call(method, path.replace("CHAT", self.chat), body, token=self.alice.token)


@pytest.fixture
def place(server: Server) -> Place:
    return Place(server)


def agui(place: Place, **more: Any) -> Body:
    props = {"project": place.project["id"], **more.pop("props", {})}
    return {"threadId": f"t {place.chat}", "runId": "r", "messages": [USER], "forwardedProps": props, **more}


def ui_message(place: Place, **more: Any) -> Body:
    return {"id": f"u {place.chat}", "messages": [USER], "project": place.project["id"], **more}


# Each way in which a request names a model.
MODELS: dict[str, tuple[str, str, Callable[[Place, str], Body]]] = {
    "chats": ("POST", "/api/chats/", lambda place, model: {
        "organization": place.project["organization"], "project": place.project["id"], "model": model}),
    "chat": ("PATCH", "/api/chats/CHAT/", lambda place, model: {"model": model}),
    "native": ("POST", "/api/chats/CHAT/runs", lambda place, model: {"content": "Hello", "model": model}),
    "editorChat": ("POST", "/api/editorChat/stream/CHAT", lambda place, model: {"content": "Hello", "model": model}),
    "initiateChat": ("POST", "/trpc/chat.initiateChat", lambda place, model: {
        "projectId": place.project["id"], "message": "Hello", "model": model}),
    "sessions": ("POST", "/api/chat/start", lambda place, model: {
        "modelId": model, "prompt": "Hello", "projectId": place.project["id"]}),
    "UI message": ("POST", "/api/chat", lambda place, model: ui_message(place, model=model)),
    "AG-UI": ("POST", "/api/agui", lambda place, model: agui(place, props={"model": model})),
    "completions": ("POST", "/v1/chat/completions", lambda place, model: {
        "model": model, "messages": [{"role": "user", "content": "Hello"}]}),
    "responses": ("POST", "/v1/responses", lambda place, model: {"model": model, "input": "Hello"}),
    "conversations": ("POST", "/api/llm/conversations/conv_CHAT/messages", lambda place, model: {
        "content": "Hello", "model": model, "stream": False}),
}  # fmt: skip

# Each way in which a client brings tools: of the generalist, which has some of its own.
TOOLS: dict[str, tuple[str, Callable[[Place, str], Body]]] = {
    "UI message": ("/api/chat", lambda place, name: ui_message(place, tools={name: {"description": "Mine."}})),
    "UI message, a list": ("/api/chat", lambda place, name: ui_message(place, tools=[{"name": name}])),
    "AG-UI": ("/api/agui", lambda place, name: agui(place, tools=[{"name": name, "description": "Mine."}])),
    "completions": ("/v1/chat/completions", lambda place, name: {
        "model": "parley/generalist", "messages": [{"role": "user", "content": "Hello"}],
        "tools": [{"type": "function", "function": {"name": name}}]}),
    "responses": ("/v1/responses", lambda place, name: {
        "model": "parley/generalist", "input": "Hello", "tools": [{"type": "function", "name": name}]}),
}  # fmt: skip


@pytest.mark.parametrize("door", MODELS)
def test_a_model_is_ours_letter_by_letter(door: str, place: Place) -> None:
    method, path, body = MODELS[door]
    before = runs(place)
    for name in MISSPELLED:
        reply = place.send(method, path, body(place, name))
        assert 400 <= reply.status < 500, (name, reply)
        assert "model" in str(reply.body).lower(), "it says which field is not right"
    assert runs(place) == before
    assert place.send(method, path, body(place, "gpt-4o")).status < 300


@pytest.mark.parametrize("door", TOOLS)
def test_a_clients_tool_has_no_name_of_ours(door: str, place: Place) -> None:
    path, body = TOOLS[door]
    before = runs(place)
    for name in sorted(registry.get("generalist").tool_names):
        reply = place.send("POST", path, body(place, name))
        assert reply.status == 400 and f"Expected other names than the agent's own: {name}." in str(reply.body), reply
    assert runs(place) == before
    assert place.send("POST", path, body(place, "Read_File")).status < 300


def runs(place: Place) -> int:
    return len(place.alice.get("/api/runs/?page_size=200")["results"])
