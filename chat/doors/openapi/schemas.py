"""What the doors' parts of the OpenAPI are made of."""

from typing import Any

from agents.options import EFFORTS

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

LIMIT: Schema = {
    "name": "limit",
    "in": "query",
    "schema": {"type": "integer", "minimum": 1, "maximum": 1000},
    "description": "How many messages at most.",
}
CURSOR: Schema = {
    "name": "cursor",
    "in": "query",
    "schema": {"type": "string", "format": "uuid"},
    "description": "The `next` of an earlier answer: the messages before those.",
}

TEMPERATURE: Schema = {
    "type": "number",
    "minimum": 0,
    "maximum": 2,
    "nullable": True,
    "description": "Null: nobody has chosen one, and the model uses its own.",
}
OUTPUT: Schema = {
    "type": "object",
    "required": ["name", "schema"],
    "properties": {"name": {"type": "string"}, "schema": {"type": "object"}, "strict": {"type": "boolean"}},
    "nullable": True,
    "description": "The answer is to be JSON of this schema.",
}
EFFORT: Schema = {
    "enum": [*EFFORTS, "", None],
    "nullable": True,
    "description": "How much the model is to reason. Null: as it does by itself. One that cannot choose is not asked.",
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
    """Server-sent events whose data is JSON of this schema."""
    return {"description": description, "content": {"text/event-stream": {"schema": event(schema)}}}


def event(schema: Schema) -> Schema:
    """One server-sent event: its data is a text, which holds JSON of this schema (`[DONE]` where a door says so)."""
    named = schema.get("$ref", "").removeprefix(PREFIX)
    told = f"JSON of `{named}`." if named else "JSON."
    data: Schema = {"type": "string", "description": told, "x-content-schema": schema}
    fields: Schema = {"event": {"type": "string"}, "id": {"type": "string"}, "data": data}
    return {"type": "object", "description": "One event of the stream.", "properties": fields}


def says(field: str = "content") -> Schema:
    """Of a body: it has a text in this field, or attachments beside which the text may be empty or left out."""
    text = {"type": "string", "minLength": 1, "pattern": r"\S"}
    files = {"type": "array", "minItems": 1}
    return {
        "anyOf": [
            {"required": [field], "properties": {field: text}},
            {"required": ["attachments"], "properties": {"attachments": files}},
        ]
    }
