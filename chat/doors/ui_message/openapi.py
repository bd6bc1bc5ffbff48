"""The part of the OpenAPI that is the UI message stream's."""

from chat.doors.openapi.schemas import EFFORT, OUTPUT, SECURITY, TEMPERATURE, Schema, gives, ref, streams, takes

NAME: Schema = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "description": "The chat's id as its client has chosen it, or ours.",
}
SEND: Schema = {
    "operationId": "ui_message_send",
    "tags": ["uiMessageStream"],
    "summary": "What useChat of the Vercel AI SDK sends; the answer is streamed.",
    "description": "The whole list of messages comes each time; only what is new in it is stored.",
    "security": SECURITY,
    "parameters": [],
    "requestBody": takes(ref("UIMessageRequest")),
    "responses": {
        "200": streams(ref("UIMessageChunk"), "The parts of the answer, and `[DONE]` at the end."),
        "409": {"description": "The chat is archived, or there is nothing to regenerate"},
        "429": {"description": "Too many runs wait in this chat"},
    },
}
RESUME: Schema = {
    "operationId": "ui_message_resume",
    "tags": ["uiMessageStream"],
    "summary": "The answer in flight, from its start and then live.",
    "security": SECURITY,
    "parameters": [NAME],
    "responses": {
        "200": streams(ref("UIMessageChunk"), "The parts of the answer, and `[DONE]` at the end."),
        "204": {"description": "None is in flight, or there is no such chat yet"},
    },
}
STOP: Schema = {
    "operationId": "ui_message_stop",
    "tags": ["uiMessageStream"],
    "summary": "Stop the answer in flight. What it has said stays.",
    "security": SECURITY,
    "parameters": [NAME],
    "responses": {"202": gives(ref("UIMessageStopped"), "It is stopping.")},
}
PATHS: dict[str, Schema] = {
    "/api/chat": {"post": SEND},
    "/api/chat/{id}/stream": {"get": RESUME},
    "/api/chat/{id}/stop": {"post": STOP},
}
MESSAGE: Schema = {
    "type": "object",
    "required": ["role"],
    "properties": {
        "id": {"type": "string"},
        "role": {"enum": ["system", "user", "assistant"]},
        "parts": {"type": "array", "items": {"type": "object"}},
    },
}
SCHEMAS: dict[str, Schema] = {
    "UIMessageRequest": {
        "type": "object",
        "required": ["id", "messages"],
        "description": "Fields besides these are the application's own.",
        "properties": {
            "id": {"type": "string", "minLength": 1, "maxLength": 200},
            "messages": {"type": "array", "minItems": 1, "items": MESSAGE},
            "trigger": {"enum": ["submit-message", "regenerate-message"]},
            "messageId": {"type": "string", "nullable": True},
            "project": {"type": "string", "format": "uuid", "nullable": True, "description": "Of a chat that is new."},
            "model": {"type": "string", "nullable": True},
            "temperature": TEMPERATURE,
            "effort": EFFORT,
            "output": OUTPUT,
            "archetype": {"type": "string", "nullable": True},
            "if_busy": {"enum": ["enqueue", "reject", "interrupt", None], "nullable": True},
            "system": {"type": "string", "nullable": True},
            "approvals": {"nullable": True, "description": "`here`: the stream ends where a person is asked."},
            "tools": {"nullable": True, "description": "The client's own: `{name: {description, parameters}}`."},
        },
    },
    "UIMessageChunk": {"type": "object", "required": ["type"], "properties": {"type": {"type": "string"}}},
    "UIMessageStopped": {
        "type": "object",
        "required": ["run"],
        "properties": {"run": {"type": "string", "format": "uuid", "nullable": True}},
    },
}
