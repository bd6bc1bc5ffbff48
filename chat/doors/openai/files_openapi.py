"""The part of the OpenAPI of OpenAI's files, under both base addresses."""

from chat.doors.openai.files import LIST_MAX, PURPOSES
from chat.doors.openai.responses.openapi import BASES, DELETED, ORDER, PROJECT, names, operation, under
from chat.doors.openapi.refusals import SAYING
from chat.doors.openapi.schemas import Schema, gives, ref

FILE_ID = names("file_id")
PURPOSE: Schema = {"name": "purpose", "in": "query", "schema": {"enum": [*PURPOSES]}}
LIMIT: Schema = {
    "name": "limit",
    "in": "query",
    "schema": {"type": "integer", "minimum": 1, "maximum": LIST_MAX, "default": LIST_MAX},
}
AFTER: Schema = {"name": "after", "in": "query", "schema": {"type": "string"}, "description": "A file's id."}
FORM: Schema = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file", "purpose"],
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "purpose": {"enum": [*PURPOSES], "description": "Not kept: an image is for vision."},
                },
            }
        }
    },
}
BYTES: Schema = {
    "description": "The file.",
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}
ONE = gives(ref("OpenAIFile"), "The file.")
UPLOAD: Schema = {
    **operation(
        "Upload a file, to be named by its id.", ONE, parameters=[PROJECT], e409="There is no room for it",
        e429=SAYING[429],
    ),
    "requestBody": FORM,
}  # fmt: skip
OPERATIONS: dict[str, Schema] = {
    "/files": {
        "get": operation("Your files.", gives(ref("OpenAIFiles"), "Files."), parameters=[PURPOSE, LIMIT, ORDER, AFTER]),
        "post": UPLOAD,
    },
    "/files/{file_id}": {
        "get": operation("What is known of a file.", ONE, parameters=FILE_ID),
        "delete": operation(
            "Remove a file that is in no message.", DELETED, parameters=FILE_ID, e409="It is in a message"
        ),
    },
    "/files/{file_id}/content": {"get": operation("A file's bytes.", BYTES, parameters=FILE_ID)},
}
PATHS: dict[str, Schema] = {path: methods for base in BASES for path, methods in under(base, OPERATIONS).items()}
FILE: Schema = {
    "type": "object",
    "required": ["id", "object", "bytes", "created_at", "filename", "purpose", "status"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "object": {"enum": ["file"]},
        "bytes": {"type": "integer"},
        "created_at": {"type": "integer"},
        "expires_at": {"type": "integer", "nullable": True, "description": "While it is in no message."},
        "filename": {"type": "string"},
        "purpose": {"enum": ["vision", "user_data"]},
        "status": {"enum": ["processed"]},
        "status_details": {"type": "string", "nullable": True},
    },
}
SCHEMAS: dict[str, Schema] = {
    "OpenAIFile": FILE,
    "OpenAIFiles": {
        "type": "object",
        "required": ["object", "data", "first_id", "last_id", "has_more"],
        "properties": {
            "object": {"enum": ["list"]},
            "data": {"type": "array", "items": ref("OpenAIFile")},
            "first_id": {"type": "string", "nullable": True},
            "last_id": {"type": "string", "nullable": True},
            "has_more": {"type": "boolean"},
        },
    },
}
