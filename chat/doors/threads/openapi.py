"""The threads door's part of the OpenAPI."""

from chat.doors.openapi.schemas import CURSOR, ID, LIMIT, SECURITY, Schema, gives, ref, streams, takes

BUSY: Schema = {
    "409": {"description": "The thread is archived"},
    "429": {"description": "Too many runs wait in this thread"},
}
LIST: Schema = {
    "operationId": "list_threads",
    "tags": ["threads"],
    "summary": "The threads one sees, newest first: every chat, wherever it was begun.",
    "security": SECURITY,
    "parameters": [LIMIT, CURSOR],
    "responses": {"200": gives(ref("Threads"), "A page of them.")},
}
MAKE: Schema = {
    "operationId": "create_thread",
    "tags": ["threads"],
    "summary": "Make a thread.",
    "security": SECURITY,
    "parameters": [],
    "requestBody": takes(ref("NewThread")),
    "responses": {"201": gives(ref("ThreadMade"), "The thread.")},
}
READ: Schema = {
    "operationId": "list_thread_messages",
    "tags": ["threads"],
    "summary": "What was said in a thread, oldest first.",
    "security": SECURITY,
    "parameters": [ID, LIMIT, CURSOR],
    "responses": {"200": gives(ref("ThreadMessages"), "The messages.")},
}
SEND: Schema = {
    "operationId": "send_thread_message",
    "tags": ["threads"],
    "summary": "Say something and get the whole response.",
    "security": SECURITY,
    "parameters": [ID],
    "requestBody": takes(ref("ThreadRequest")),
    "responses": {
        "200": gives(ref("ThreadResponse"), "The stored response."),
        "502": {"description": "The response failed"},
        "504": {"description": "It is not there in time, but goes on"},
        **BUSY,
    },
}
STREAM: Schema = {
    "operationId": "stream_thread_message",
    "tags": ["threads"],
    "summary": "Say something and have the response streamed.",
    "security": SECURITY,
    "parameters": [ID],
    "requestBody": takes(ref("ThreadRequest")),
    "responses": {
        "200": streams(
            ref("ThreadFrame"),
            "Frames `connected`, `message_saved`, `workflow_status` and `workflow_complete` where there is a workflow, "
            "`ai_response`, `done`; or `error`. No `[DONE]`.",
        ),
        **BUSY,
    },
}
PATHS: dict[str, Schema] = {
    "/chat/threads": {"get": LIST, "post": MAKE},
    "/chat/threads/{id}/messages": {"get": READ, "post": SEND},
    "/chat/threads/{id}/messages/stream": {"post": STREAM},
}
FRAMES = ["connected", "message_saved", "workflow_status", "ai_response", "workflow_complete", "done", "error"]
TIME: Schema = {"type": "string", "format": "date-time"}
UUID: Schema = {"type": "string", "format": "uuid"}
SCHEMAS: dict[str, Schema] = {
    "NewThread": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "title": {"type": "string", "nullable": True, "maxLength": 200},
            "projectId": {**UUID, "nullable": True},
        },
    },
    "Thread": {
        "type": "object",
        "required": ["id", "title", "createdAt", "updatedAt"],
        "properties": {
            "id": UUID,
            "title": {"type": "string"},
            "projectId": {**UUID, "nullable": True},
            "createdAt": TIME,
            "updatedAt": TIME,
        },
    },
    "ThreadMade": {"type": "object", "required": ["thread"], "properties": {"thread": ref("Thread")}},
    "Threads": {
        "type": "object",
        "required": ["threads", "next"],
        "properties": {
            "threads": {"type": "array", "items": ref("Thread")},
            "next": {"type": "string", "nullable": True},
        },
    },
    "ThreadRequest": {
        "type": "object",
        "required": ["content"],
        "additionalProperties": False,
        "properties": {"content": {"type": "string", "minLength": 1, "pattern": r"\S"}},
    },
    "ThreadMessage": {
        "type": "object",
        "required": ["id", "role", "content", "status", "createdAt"],
        "properties": {
            "id": UUID,
            "role": {"enum": ["user", "assistant", "system"]},
            "content": {"type": "string"},
            "status": {"type": "string"},
            "error": {"type": "string", "nullable": True},
            "createdAt": TIME,
        },
    },
    "ThreadMessages": {
        "type": "object",
        "required": ["messages", "next"],
        "properties": {
            "messages": {"type": "array", "items": ref("ThreadMessage")},
            "next": {"type": "string", "nullable": True},
        },
    },
    "ThreadResponse": {
        "type": "object",
        "required": ["response", "message"],
        "properties": {"response": {"type": "string"}, "message": ref("ThreadMessage")},
    },
    "ThreadFrame": {
        "type": "object",
        "required": ["type", "data", "timestamp"],
        "properties": {
            "type": {"enum": FRAMES},
            "data": {"type": "object"},
            "timestamp": TIME,
        },
    },
}
