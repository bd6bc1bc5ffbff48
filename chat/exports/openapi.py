"""The OpenAPI of the files: a chat as one, and what jobs have written."""

from chat.doors.openapi.schemas import ID, SECURITY, Schema
from chat.exports.conversation import ALL, LEAF, PARTS
from chat.exports.kinds import KINDS
from chat.exports.of_chats import FORMATS
from chat.exports.views import WHOLE

BINARY: Schema = {"schema": {"type": "string", "format": "binary"}}
TYPES = sorted({type for kind in KINDS.values() for type, _ in kind.formats.values()})


def _query(name: str, description: str, **schema: object) -> Schema:
    return {"name": name, "in": "query", "description": description, "schema": {"type": "string", **schema}}


EXPORT: Schema = {
    "operationId": "export_chat",
    "tags": ["chats"],
    "summary": "Fetch a chat as a file: to read, or whole.",
    "description": f"{WHOLE}: JSON Lines that `manage.py import_chat` reads, with all branches, runs, logs, tools, "
    "usage and files of its branch, for its owner. The others for whoever reads the chat.",
    "security": SECURITY,
    "parameters": [
        ID,
        _query("format", "As what.", enum=[WHOLE, *FORMATS], default=WHOLE),
        _query("branch", f"Of {WHOLE} always all. leaf: the newest.", enum=[LEAF, ALL], default=LEAF),
        _query("with", f"Some of {', '.join(PARTS)}, with a comma between; not of {WHOLE}."),
    ],
    "responses": {
        "200": {
            "description": "The file.",
            "content": dict.fromkeys(["application/x-ndjson", *(type for type, _ in FORMATS.values())], BINARY),
        },
        "403": {"description": "It is not the caller's own, or the plan has no PDF"},
        "409": {"description": f"It holds something confidential; of {WHOLE}, one of its runs is not over"},
        "413": {
            "description": "It is larger than EXPORT_MAX_BYTES, or as PDF has more messages than EXPORT_PDF_INLINE"
        },
        "429": {"description": "Another export of the caller's is being written"},
    },
}
FILE: Schema = {
    "operationId": "fetch_export",
    "tags": ["exports"],
    "summary": "Fetch the file of an export of one's own.",
    "security": SECURITY,
    "parameters": [ID],
    "responses": {
        "200": {"description": "The file.", "content": dict.fromkeys(TYPES, BINARY)},
        "409": {"description": "It is not written yet"},
    },
}
PATHS: dict[str, Schema] = {
    "/api/chats/{id}/export/": {"get": EXPORT},
    "/api/exports/{id}/file/": {"get": FILE},
}
SCHEMAS: dict[str, Schema] = {}
