"""The sessions door's part of the OpenAPI."""

import copy

from chat.doors.openapi.schemas import CURSOR, LIMIT, SECURITY, Schema, gives, ref, streams, takes

START: Schema = {
    "tags": ["sessions"],
    "summary": "Store a prompt, start its answer, and get a session to read it in.",
    "description": "The session's id is a secret that lasts ten minutes and opens this one answer to whoever has it.",
    "security": SECURITY,
    "parameters": [],
    "requestBody": takes(ref("SessionRequest")),
    "responses": {
        "201": gives(ref("SessionStarted"), "The session and the chat."),
        "409": {"description": "The chat is archived"},
        "429": {
            "description": "Too many prompts in this chat, or runs that wait in it; Retry-After says when to come back"
        },
    },
}
STREAM: Schema = {
    "tags": ["sessions"],
    "summary": "Read a session's answer, from its start or after the last frame seen.",
    "description": "Needs nothing but the session's id; credentials that come must be of the one who started it. "
    "Reading starts nothing. Whatever is wrong comes as an `error` frame on a 200 stream.",
    "security": [{}],
    "parameters": [
        {
            "name": "sessionId",
            "in": "query",
            "required": True,
            "schema": {"type": "string"},
            "description": "From POST /api/chat/start. What is wrong with it is told in an event `error`.",
        },
        {
            "name": "typing",
            "in": "query",
            "schema": {"enum": ["1"]},
            "description": "Send `typing` frames until the first token.",
        },
        {
            "name": "Last-Event-ID",
            "in": "header",
            "schema": {"type": "string"},
            "description": "The id of the last frame seen: what follows it is sent.",
        },
    ],
    "responses": {"200": streams(ref("SessionFrame"), "Frames `token`, then `done`; or `error`. No `[DONE]`.")},
}
HISTORY: Schema = {
    "tags": ["sessions"],
    "summary": "What was said in a chat, or without `chatId` by the caller in all chats.",
    "description": "Oldest first; where there is more than `limit`, the newest come, and `next` leads to the rest.",
    "security": SECURITY,
    "parameters": [
        {
            "name": "chatId",
            "in": "query",
            "schema": {"type": "string", "maxLength": 200},
            "description": "The caller's own name for a chat, or the id of one they see.",
        },
        LIMIT,
        CURSOR,
    ],
    "responses": {
        "200": gives(ref("SessionHistory"), "The messages."),
        "404": {"description": "Unknown, or not visible to you: the two look the same"},
    },
}


def _paths() -> dict[str, Schema]:
    """Each path in both its forms, with an operationId of its own."""
    found: dict[str, Schema] = {}
    for prefix, suffix in (("/api/chat", ""), ("/chat", "_alias")):
        for method, name, operation in (
            ("post", "start", START),
            ("get", "stream", STREAM),
            ("get", "history", HISTORY),
        ):
            found[f"{prefix}/{name}"] = {method: {"operationId": f"session_{name}{suffix}", **copy.deepcopy(operation)}}
    return found


PATHS: dict[str, Schema] = _paths()
NAME: Schema = {"type": "string", "nullable": True, "minLength": 1, "maxLength": 200}
MESSAGE: Schema = {
    "type": "object",
    "required": ["id", "chatId", "role", "content", "status", "createdAt"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "chatId": {"type": "string"},
        "role": {"enum": ["user", "assistant", "system"]},
        "content": {"type": "string"},
        "status": {"type": "string"},
        "error": {"type": "string", "nullable": True},
        "modelId": {"type": "string", "nullable": True},
        "taskId": {"type": "string", "format": "uuid", "nullable": True},
        "createdAt": {"type": "string", "format": "date-time"},
    },
}
SCHEMAS: dict[str, Schema] = {
    "SessionRequest": {
        "type": "object",
        "required": ["modelId", "prompt"],
        "additionalProperties": False,
        "properties": {
            "modelId": {"type": "string", "description": "One of GET /api/models/; it holds for this answer."},
            "prompt": {"type": "string", "minLength": 1, "pattern": r"\S"},
            "chatId": {**NAME, "description": "Your own name for a chat, made at its first use, or a chat's id."},
            "projectId": {"type": "string", "format": "uuid", "nullable": True},
            "taskId": {**NAME, "description": "A task's id; in a project also its external id."},
        },
    },
    "SessionStarted": {
        "type": "object",
        "required": ["sessionId", "chatId"],
        "properties": {"sessionId": {"type": "string"}, "chatId": {"type": "string"}},
    },
    "SessionFrame": {
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {"enum": ["token", "done", "error", "typing"]},
            "content": {"type": "string"},
            "message": {"type": "string"},
            "code": {"type": "string"},
        },
    },
    "SessionMessage": MESSAGE,
    "SessionHistory": {
        "type": "object",
        "required": ["chatId", "messages", "next"],
        "properties": {
            "chatId": {"type": "string", "nullable": True},
            "messages": {"type": "array", "items": ref("SessionMessage")},
            "next": {"type": "string", "nullable": True},
        },
    },
}
