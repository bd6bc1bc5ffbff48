"""The part of the OpenAPI of the Responses door and of conversations, under both base addresses."""

import copy
from typing import Any

from chat.doors.openapi.refusals import KEY, SAYING
from chat.doors.openapi.schemas import SECURITY, Schema, event, gives, ref, says, takes

BASES = {"/api/llm": "llm", "/v1": "v1"}
NO_MODEL = "No such model (model_not_found), previous response (previous_response_not_found), conversation or item"
BUSY = "A response of this conversation is not over (run_live), or the conversation is archived"
ORDER: Schema = {"name": "order", "in": "query", "schema": {"enum": ["asc", "desc"], "default": "desc"}}
LIMIT: Schema = {
    "name": "limit",
    "in": "query",
    "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
}
AFTER: Schema = {"name": "after", "in": "query", "schema": {"type": "string"}, "description": "An item's id."}
PAGING = [LIMIT, ORDER, AFTER]
PROJECT: Schema = {
    "name": "OpenAI-Project",
    "in": "header",
    "schema": {"type": "string"},
    "description": "The project's id, for a chat that has to be made: the SDKs' `project`.",
}
STREAM: Schema = {"name": "stream", "in": "query", "schema": {"type": "string", "enum": ["true", "false"]}}
STARTING_AFTER: Schema = {
    "name": "starting_after",
    "in": "query",
    "schema": {"type": "integer", "minimum": 0},
    "description": "With `stream=true`: the sequence_number of the last event seen.",
}


def refuses(**more: str) -> Schema:
    """The errors of every operation here, and those named `e409="..."`; all of them in OpenAI's form."""
    statuses = {status: SAYING[status] for status in (400, 401, 403, 404, 405, 413, 415, 422, 503)}
    statuses |= {int(name[1:]): text for name, text in more.items()}
    return {str(status): gives(ref("OpenAIError"), text) for status, text in sorted(statuses.items())}


def names(*path: str) -> list[Schema]:
    """Parameters of the path."""
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in path]


def operation(summary: str, ok: Schema, *, parameters: Any = (), body: str = "", **errors: str) -> Schema:
    """One operation; its id is made for each base address."""
    found: Schema = {
        "tags": ["llm"],
        "summary": summary,
        "security": SECURITY,
        "parameters": list(parameters),
        "responses": {"200": ok, **refuses(**errors)},
    }
    if body:
        found["requestBody"] = takes(ref(body))
    return found


ANSWERS: Schema = {
    "description": "The response; with `stream: true` its events, each with its name, and `[DONE]`.",
    "content": {
        "application/json": {"schema": ref("Response")},
        "text/event-stream": {"schema": event(ref("ResponseEvent"))},
    },
}
ONE: Schema = gives(ref("Response"), "The response as it is now.")
ITEMS: Schema = gives(ref("ResponseItems"), "Items.")
CONVERSATION: Schema = gives(ref("Conversation"), "The conversation.")
DELETED: Schema = gives(ref("OpenAIDeleted"), "It is gone.")
RESPONSE_ID, CONVERSATION_ID = names("response_id"), names("conversation_id")

OPERATIONS: dict[str, Schema] = {
    "/responses": {
        "post": operation(
            "Start a response.", ANSWERS, parameters=[PROJECT], body="ResponseRequest", e404=NO_MODEL, e409=BUSY,
            e429=SAYING[429],
        )
    },
    "/responses/compact": {
        "post": operation(
            "Make a conversation short.", gives(ref("Compaction"), "What to send in its place."),
            parameters=[PROJECT, KEY], body="CompactRequest", e404=NO_MODEL, e409=BUSY, e429=SAYING[429],
            e502="The model failed", e504="It took too long",
        )
    },
    "/responses/{response_id}": {
        "get": operation(
            "Retrieve a response, or stream it again.", ANSWERS, parameters=[*RESPONSE_ID, STREAM, STARTING_AFTER],
            e409="The text at `starting_after` was taken back (response_reset)",
            e410="What followed `starting_after` is not kept piece by piece any more (response_compacted)",
        ),
        "delete": operation("Delete a response.", DELETED, parameters=RESPONSE_ID, e409="It is not over"),
    },
    "/responses/{response_id}/cancel": {"post": operation("Stop a response.", ONE, parameters=RESPONSE_ID)},
    "/responses/{response_id}/input_items": {
        "get": operation("What a response answers.", ITEMS, parameters=[*RESPONSE_ID, *PAGING])
    },
    "/conversations": {
        "post": operation("Begin a conversation.", CONVERSATION, parameters=[KEY], body="ConversationRequest")
    },
    "/conversations/{conversation_id}": {
        "get": operation("A conversation.", CONVERSATION, parameters=CONVERSATION_ID),
        "post": operation("Change its metadata.", CONVERSATION, parameters=CONVERSATION_ID, body="ConversationChange"),
        "delete": operation(
            "Delete it with all that was said.", DELETED, parameters=CONVERSATION_ID, e409="A response is not over"
        ),
    },
    "/conversations/{conversation_id}/items": {
        "get": operation("What was said.", ITEMS, parameters=[*CONVERSATION_ID, *PAGING]),
        "post": operation(
            "Add items.", ITEMS, parameters=[*CONVERSATION_ID, KEY], body="ConversationItems", e409=BUSY
        ),
    },
    "/conversations/{conversation_id}/items/{item_id}": {
        "get": operation(
            "One item.", gives({"type": "object"}, "The item."), parameters=names("conversation_id", "item_id")
        )
    },
    "/conversations/{conversation_id}/messages": {
        "post": operation(
            "Say something, and have an agent answer.", ANSWERS, parameters=CONVERSATION_ID,
            body="ConversationMessage", e409=BUSY, e429=SAYING[429],
        )
    },
}  # fmt: skip


def under(base: str, operations: dict[str, Schema]) -> dict[str, Schema]:
    """The operations at one base address, each with a name of its own."""
    found = {base + path: copy.deepcopy(methods) for path, methods in operations.items()}
    for path, methods in found.items():
        for method, each in methods.items():
            words = [word.strip("{}") for word in path.removeprefix(base).split("/") if word]
            each["operationId"] = "_".join([BASES[base], *words, method])
    return found


PATHS: dict[str, Schema] = {path: methods for base in BASES for path, methods in under(base, OPERATIONS).items()}

ANY_INPUT: Schema = {
    "description": "A text, or items: message, function_call, function_call_output, item_reference, compaction.",
    "oneOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": {"type": "object"}}],
}
METADATA: Schema = {"type": "object", "nullable": True, "maxProperties": 16, "additionalProperties": {"type": "string"}}


def maybe(kind: str, **more: Any) -> Schema:
    """A value, or null, which is the same as leaving it out."""
    return {"type": kind, "nullable": True, **more}


REQUEST: Schema = {
    "type": "object",
    "required": ["model", "input"],
    "description": "OpenAI's parameters; those that are not named here are ignored.",
    "properties": {
        "model": {"type": "string", "description": "One of GET /v1/models: `parley/<archetype>` is an agent."},
        "input": ANY_INPUT,
        "instructions": maybe("string"),
        "previous_response_id": maybe("string"),
        "conversation": {"description": "Its id, or an object with it."},
        "stream": maybe("boolean"),
        "background": maybe("boolean"),
        "store": maybe("boolean"),
        "tools": maybe("array", items={"type": "object"}),
        "tool_choice": {"description": "auto, none, required, a function, or allowed_tools."},
        "parallel_tool_calls": maybe("boolean"),
        "temperature": maybe("number", minimum=0, maximum=2),
        "top_p": maybe("number", minimum=0, maximum=1),
        "max_output_tokens": maybe("integer", minimum=1),
        "text": maybe("object"),
        "reasoning": maybe("object"),
        "context_management": maybe(
            "array",
            items={
                "type": "object",
                "required": ["type"],
                "properties": {
                    "type": {"enum": ["compaction"]},
                    "compact_threshold": maybe("integer", minimum=1_000),
                },
            },
            description="From how many tokens of input on the older part is summed up, here at the server.",
        ),
        "truncation": maybe("string", enum=["auto", "disabled", None]),
        "metadata": METADATA,
    },
}
EVENT: Schema = {
    "type": "object",
    "required": ["type", "sequence_number"],
    "properties": {"type": {"type": "string"}, "sequence_number": {"type": "integer"}},
}
RESPONSE: Schema = {
    "type": "object",
    "required": ["id", "object", "created_at", "status", "model", "output", "usage", "error"],
    "properties": {
        "id": {"type": "string"},
        "object": {"enum": ["response"]},
        "created_at": {"type": "integer"},
        "status": {"enum": ["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]},
        "model": {"type": "string"},
        "output": {"type": "array", "items": {"type": "object"}},
        "usage": maybe("object"),
        "error": maybe("object"),
    },
}
LIST: Schema = {
    "type": "object",
    "required": ["object", "data", "first_id", "last_id", "has_more"],
    "properties": {
        "object": {"enum": ["list"]},
        "data": {"type": "array", "items": {"type": "object"}},
        "first_id": maybe("string"),
        "last_id": maybe("string"),
        "has_more": {"type": "boolean"},
    },
}
ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "code": {"type": "string"},
                "param": maybe("string"),
            },
        }
    },
}
SCHEMAS: dict[str, Schema] = {
    "ResponseRequest": REQUEST,
    "ResponseEvent": EVENT,
    "Response": RESPONSE,
    "ResponseItems": LIST,
    "CompactRequest": {
        "type": "object",
        "required": ["model"],
        "properties": {
            "model": {"type": "string"},
            "input": ANY_INPUT,
            "instructions": maybe("string"),
            "previous_response_id": maybe("string"),
        },
    },
    "Compaction": {
        "type": "object",
        "required": ["id", "object", "created_at", "output", "usage"],
        "properties": {"object": {"enum": ["response.compaction"]}},
    },
    "Conversation": {
        "type": "object",
        "required": ["id", "object", "created_at", "metadata"],
        "properties": {
            "id": {"type": "string"},
            "object": {"enum": ["conversation"]},
            "created_at": {"type": "integer"},
            "metadata": {"type": "object"},
        },
    },
    "ConversationRequest": {
        "type": "object",
        "properties": {"metadata": METADATA, "items": maybe("array", maxItems=20, items={"type": "object"})},
    },
    "ConversationChange": {"type": "object", "required": ["metadata"], "properties": {"metadata": METADATA}},
    "ConversationItems": {
        "type": "object",
        "required": ["items"],
        "properties": {"items": {"type": "array", "minItems": 1, "maxItems": 20, "items": {"type": "object"}}},
    },
    "ConversationMessage": {
        "type": "object",
        "additionalProperties": False,
        **says(),
        "properties": {
            "content": {"type": "string"},
            "attachments": {"type": "array", "items": ref("Attachment")},
            "archetype": maybe("string"),
            "model": maybe("string"),
            "temperature": maybe("number", minimum=0, maximum=2),
            "stream": {"type": "boolean", "default": False},
            "enableStreaming": {"type": "boolean", "description": "The same as `stream`."},
        },
    },
    "OpenAIDeleted": {
        "type": "object",
        "required": ["id", "object", "deleted"],
        "properties": {"id": {"type": "string"}, "object": {"type": "string"}, "deleted": {"enum": [True]}},
    },
    "OpenAIError": ERROR,
}
