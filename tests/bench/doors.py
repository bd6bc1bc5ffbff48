"""How each front door is asked for an answer in a chat, and where its stream is read."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import uuid4

MODEL = "bench"


@dataclass(frozen=True)
class Place:
    """Where it is asked."""

    chat: str
    project: str


Asked = tuple[str, dict[str, Any] | None]  # path and body; None: a GET


@dataclass(frozen=True)
class Door:
    """A way to ask. `stream`: what is read, of what the first request said where there is one before it."""

    stream: Callable[[Place, str, Any], Asked]
    begin: Callable[[Place, str], Asked] | None = None
    keeps: bool = True  # what it answers is in the chat


def _said(text: str, **more: Any) -> dict[str, Any]:
    return {"id": uuid4().hex, "role": "user", **(more or {"content": text})}


def _native(at: Place, text: str, _: Any) -> Asked:
    return f"/api/chats/{at.chat}/runs", {"content": text, "stream": True}


def _editor_chat(at: Place, text: str, _: Any) -> Asked:
    return f"/api/editorChat/stream/{at.chat}", {"content": text}


def _responses(at: Place, text: str, _: Any) -> Asked:
    return "/v1/responses", {"model": MODEL, "conversation": f"conv_{at.chat}", "input": text, "stream": True}


def _completions(at: Place, text: str, _: Any) -> Asked:
    return "/v1/chat/completions", {"model": MODEL, "messages": [_said(text)], "stream": True}


def _threads(at: Place, text: str, _: Any) -> Asked:
    return f"/chat/threads/{at.chat}/messages/stream", {"content": text}


def _agent(at: Place, text: str, _: Any) -> Asked:
    return "/agent/chat/stream", {"message": text, "session_id": f"sess-{at.chat}", "character_id": 41}


def _ui_message(at: Place, text: str, _: Any) -> Asked:
    return "/api/chat", {"id": at.chat, "messages": [_said(text, parts=[{"type": "text", "text": text}])]}


def _agui(at: Place, text: str, _: Any) -> Asked:
    return "/api/agui", {"threadId": at.chat, "runId": uuid4().hex, "messages": [_said(text)]}


def _session(at: Place, text: str) -> Asked:
    return "/api/chat/start", {"modelId": MODEL, "prompt": text, "chatId": at.chat}


def _of_session(at: Place, text: str, begun: Any) -> Asked:
    return f"/api/chat/stream?sessionId={begun['sessionId']}", None


def _initiate(at: Place, text: str) -> Asked:
    return "/trpc/chat.initiateChat", {"projectId": at.project, "chatId": at.chat, "message": text}


def _initiated(at: Place, text: str, begun: Any) -> Asked:
    asked = {"assistantMessageId": begun["result"]["data"]["assistantMessageId"], "projectId": at.project}
    return f"/trpc/chat.streamResponse?input={quote(json.dumps(asked))}", None


DOORS: dict[str, Door] = {
    "native": Door(_native),
    "editorChat": Door(_editor_chat),
    "sessions": Door(_of_session, _session),
    "threads": Door(_threads),
    "agent": Door(_agent),
    "Responses": Door(_responses),
    "chat completions": Door(_completions, keeps=False),
    "initiateChat": Door(_initiated, _initiate),
    "UI message stream": Door(_ui_message),
    "AG-UI": Door(_agui),
}
