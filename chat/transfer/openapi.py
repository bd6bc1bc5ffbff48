"""The OpenAPI of a chat as a file."""

from chat.doors.openapi.schemas import ID, SECURITY, Schema

EXPORT: Schema = {
    "operationId": "export_chat",
    "tags": ["chats"],
    "summary": "Fetch one's own chat, whole, as a file that `manage.py import_chat` reads.",
    "description": "JSON Lines: messages with all branches, runs, logs, tool calls, usage, files of its branch.",
    "security": SECURITY,
    "parameters": [ID],
    "responses": {
        "200": {
            "description": "The file.",
            "content": {"application/x-ndjson": {"schema": {"type": "string", "format": "binary"}}},
        },
        "409": {"description": "One of its runs is not over"},
        "413": {"description": "It is larger than EXPORT_MAX_BYTES"},
        "429": {"description": "Another export of the caller's is being written"},
    },
}
PATHS: dict[str, Schema] = {"/api/chats/{id}/export/": {"get": EXPORT}}
SCHEMAS: dict[str, Schema] = {}
