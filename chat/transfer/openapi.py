"""The OpenAPI of files that are fetched whole: chat.exports.openapi has those of a chat."""

from chat.doors.openapi.schemas import ID, SECURITY, Schema

EXPORT_AUDIT: Schema = {
    "operationId": "export_audit",
    "tags": ["organizations"],
    "summary": "Fetch an organization's audit log as a file, in the order of its chain.",
    "description": "JSON Lines, which `manage.py verify_audit --file` reads, or CSV. Entries that are sealed, from "
    "about a second ago on. Needs admin; that it was fetched is an entry.",
    "security": SECURITY,
    "parameters": [
        {"name": "organization", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}},
        {"name": "format", "in": "query", "schema": {"type": "string", "enum": ["jsonl", "csv"], "default": "jsonl"}},
        {"name": "action", "in": "query", "schema": {"type": "string"}},
        {"name": "actor", "in": "query", "schema": {"type": "string", "format": "uuid"}},
        {"name": "object_id", "in": "query", "schema": {"type": "string", "maxLength": 64}},
        {"name": "from", "in": "query", "schema": {"type": "string", "format": "date-time"}},
        {"name": "to", "in": "query", "schema": {"type": "string", "format": "date-time"}},
    ],
    "responses": {
        "200": {
            "description": "The file.",
            "content": {
                "application/x-ndjson": {"schema": {"type": "string", "format": "binary"}},
                "text/csv": {"schema": {"type": "string", "format": "binary"}},
            },
        },
        "429": {"description": "Another export of the caller's is being written"},
    },
}
EXPORT_PERSON: Schema = {
    "operationId": "export_person",
    "tags": ["users"],
    "summary": "Fetch all that is one's own, as a ZIP of JSON.",
    "description": "Name, preferences, what is remembered, memberships, keys and sign-ins; each chat of the caller's "
    "as its own export; and what they wrote in other people's chats; and the files that they attached, up to "
    "PERSON_EXPORT_FILES_MAX_BYTES. No secret is in it.",
    "security": SECURITY,
    "responses": {
        "200": {
            "description": "The file.",
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        },
        "409": {"description": "A run in one of the chats is not over"},
        "413": {"description": "It is larger than PERSON_EXPORT_MAX_BYTES"},
        "429": {"description": "Another export of the caller's is being written"},
    },
}
PATH: Schema = {
    "name": "path",
    "in": "query",
    "required": True,
    "description": "The file, from the root of the project.",
    "schema": {"type": "string", "maxLength": 1000},
}
CONTENT: Schema = {
    "operationId": "read_chat_file",
    "tags": ["chats"],
    "summary": "Fetch one file of a chat's branch.",
    "description": "To be saved, never to be shown: text/plain or application/octet-stream, as an attachment.",
    "security": SECURITY,
    "parameters": [ID, PATH],
    "responses": {
        "200": {
            "description": "The file. Of a symbolic link, where it leads.",
            "content": {
                "text/plain": {"schema": {"type": "string", "format": "binary"}},
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            },
        },
        "409": {"description": "The chat is in no project"},
        "413": {"description": "It is larger than TOOLS_DOWNLOAD_MAX_BYTES"},
    },
}
ARCHIVE: Schema = {
    "operationId": "download_chat_files",
    "tags": ["chats"],
    "summary": "Fetch all files of a chat's branch, as a ZIP.",
    "security": SECURITY,
    "parameters": [ID],
    "responses": {
        "200": {
            "description": "The file.",
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        },
        "409": {"description": "The chat is in no project"},
        "413": {"description": "The files are larger than TOOLS_DOWNLOAD_MAX_BYTES"},
        "429": {"description": "Another export of the caller's is being written"},
    },
}


def _bytes(operation: str, summary: str, description: str) -> Schema:
    binary = {"schema": {"type": "string", "format": "binary"}}
    kinds = ("image/jpeg", "image/png", "application/octet-stream")
    return {
        "operationId": operation,
        "tags": ["attachments"],
        "summary": summary,
        "description": description,
        "security": SECURITY,
        "parameters": [ID],
        "responses": {
            "200": {"description": "The bytes.", "content": dict.fromkeys(kinds, binary)},
            "206": {"description": "The part that one Range names.", "content": dict.fromkeys(kinds, binary)},
            "304": {"description": "Those that If-None-Match names."},
            "416": {"description": "They have no such part: Content-Range says how many there are."},
        },
    }


ATTACHED: Schema = _bytes(
    "fetch_attachment",
    "Fetch an attached file.",
    "Of an image as it is kept, else as it was uploaded, to be saved. HTML, SVG and XML come without their media type.",
)
THUMBNAIL: Schema = _bytes("fetch_attachment_thumbnail", "Fetch a small image of an attached image.", "At most 320 px.")
PATHS: dict[str, Schema] = {
    "/api/attachments/{id}/content": {"get": ATTACHED},
    "/api/attachments/{id}/thumbnail": {"get": THUMBNAIL},
    "/api/chats/{id}/files/content/": {"get": CONTENT},
    "/api/chats/{id}/files/archive/": {"get": ARCHIVE},
    "/api/organizations/{organization}/audit/export/": {"get": EXPORT_AUDIT},
    "/api/users/me/export/": {"get": EXPORT_PERSON},
}
SCHEMAS: dict[str, Schema] = {}
