"""The agent door's part of the OpenAPI."""

from django.conf import settings

from chat.doors.openapi.refusals import KEY, SAYING
from chat.doors.openapi.schemas import SECURITY, Schema, gives, ref, says, streams, takes

OPEN: list[Schema] = [*SECURITY, {}] if settings.AGENT_ALLOW_GUESTS else SECURITY
NO_PLACE = "No such session, or it is bound to another character; or the character is not for you"


def refuses(**more: str) -> Schema:
    """The errors of every operation here, and those named `e409="..."`; all of them in this door's form."""
    statuses = {status: SAYING[status] for status in (400, 401, 403, 404, 405, 413, 415, 422, 429, 503)}
    statuses |= {int(name[1:]): text for name, text in more.items()}
    return {str(status): gives(ref("AgentError"), text) for status, text in sorted(statuses.items())}


CHAT: Schema = {
    "operationId": "agent_chat",
    "tags": ["agent"],
    "summary": "Say something; answered when the answer is stored. Its text is in the history.",
    "security": OPEN,
    "parameters": [KEY],
    "requestBody": takes(ref("AgentRequest")),
    "responses": {"200": gives(ref("AgentState"), "The session."), **refuses(e404=NO_PLACE, e409=SAYING[409])},
}
STREAM: Schema = {
    "operationId": "agent_chat_stream",
    "tags": ["agent"],
    "summary": "Say something and have the answer streamed.",
    "security": OPEN,
    "requestBody": takes(ref("AgentRequest")),
    "responses": {
        "200": streams(ref("AgentFrame"), "Frames `text` and `retry`, last `done` or `error`. No `[DONE]`."),
        **refuses(e404=NO_PLACE, e409=SAYING[409]),
    },
}
HISTORY: Schema = {
    "operationId": "agent_history",
    "tags": ["agent"],
    "summary": "What was said in a session, oldest first.",
    "security": OPEN,
    "parameters": [
        {"name": "session_id", "in": "path", "required": True, "schema": {"type": "string"}},
        {
            "name": "limit",
            "in": "query",
            "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
            "description": "How many of the newest.",
        },
        {
            "name": "before",
            "in": "query",
            "schema": {"type": "string"},
            "description": "A message's id: what was said before it.",
        },
    ],
    "responses": {"200": gives(ref("AgentHistory"), "The messages."), **refuses()},
}
PATHS: dict[str, Schema] = {
    "/agent/chat": {"post": CHAT},
    "/agent/chat/stream": {"post": STREAM},
    "/agent/chat/history/{session_id}": {"get": HISTORY},
}
USAGE: Schema = {
    "type": "object",
    "nullable": True,
    "required": ["input_tokens", "output_tokens"],
    "properties": {"input_tokens": {"type": "integer"}, "output_tokens": {"type": "integer"}},
}
SCHEMAS: dict[str, Schema] = {
    "AgentRequest": {
        "type": "object",
        "required": ["character_id"],
        "additionalProperties": False,
        **says("message"),
        "properties": {
            "message": {"type": "string", "maxLength": 10_000},
            "session_id": {"type": "string", "nullable": True, "description": "null: a new session."},
            "character_id": {"type": "integer", "minimum": 0, "maximum": 2**53 - 1},
            "attachments": {"type": "array", "items": ref("Attachment")},
        },
    },
    "AgentState": {
        "type": "object",
        "required": ["session_id", "status"],
        "properties": {
            "session_id": {"type": "string"},
            "status": {"enum": ["idle", "thinking", "executing", "error"]},
        },
    },
    "AgentFrame": {
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {"enum": ["text", "retry", "done", "error"]},
            "text": {"type": "string"},
            "attempt": {"type": "integer"},
            "max_attempts": {"type": "integer"},
            "message_id": {"type": "string"},
            "session_id": {"type": "string"},
            "token_usage": USAGE,
            "error": {"type": "string"},
        },
    },
    "AgentMessage": {
        "type": "object",
        "required": ["id", "role", "content", "content_blocks", "created_at", "token_usage"],
        "properties": {
            "id": {"type": "string"},
            "role": {"enum": ["user", "assistant", "system"]},
            "content": {"type": "string"},
            "content_blocks": {"type": "array", "items": {"type": "object"}},
            "created_at": {"type": "string", "format": "date-time"},
            "token_usage": USAGE,
            "status": {"type": "string"},
            "error": {"type": "string", "nullable": True},
        },
    },
    "AgentHistory": {
        "type": "object",
        "required": ["session_id", "message_count", "messages", "has_more"],
        "properties": {
            "session_id": {"type": "string"},
            "message_count": {"type": "integer", "description": "Of all messages, whatever `limit` is."},
            "messages": {"type": "array", "items": ref("AgentMessage")},
            "has_more": {"type": "boolean", "description": "Whether there are older ones."},
        },
    },
    "AgentError": {
        "type": "object",
        "required": ["detail", "error"],
        "properties": {
            "detail": {"type": "string", "description": "`error.message`, where this door's clients look for it."},
            "error": {"type": "object"},
        },
    },
}
