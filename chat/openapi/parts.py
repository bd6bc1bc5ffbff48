"""What the doors' parts of the OpenAPI are made of."""

from typing import Any

Schema = dict[str, Any]

PREFIX = "#/components/schemas/"
SECURITY: list[Schema] = [{"bearer": []}, {"cookie": []}]
ID: Schema = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
LAST_EVENT_ID: Schema = {
    "name": "Last-Event-ID",
    "in": "header",
    "schema": {"type": "string", "maxLength": 80},
    "description": "The id of the last frame seen: what follows it is sent.",
}
TICKET: Schema = {
    "name": "ticket",
    "in": "query",
    "schema": {"type": "string", "maxLength": 200},
    "description": "From POST /api/auth/ticket, for clients that can send no header.",
}


def ref(name: str) -> Schema:
    """The component of that name."""
    return {"$ref": PREFIX + name}


def takes(schema: Schema) -> Schema:
    """A JSON body of this schema."""
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def gives(schema: Schema, description: str) -> Schema:
    """A JSON answer of this schema."""
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def streams(schema: Schema, description: str) -> Schema:
    """Server-sent events whose data is of this schema."""
    return {"description": description, "content": {"text/event-stream": {"schema": schema}}}
