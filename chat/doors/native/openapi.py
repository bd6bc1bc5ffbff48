"""The native door's part of the OpenAPI: start a run, follow its events, stop it."""

import msgspec

from agents.events import AnyEvent
from chat.doors.native import dialect
from chat.doors.openapi.schemas import (
    EFFORT,
    ID,
    LAST_EVENT_ID,
    OUTPUT,
    PREFIX,
    SECURITY,
    TEMPERATURE,
    TICKET,
    Schema,
    gives,
    ref,
    says,
    streams,
    takes,
)

# What the wire adds to each event.
PLACE: Schema = {
    "seq": {"type": "integer", "minimum": 1, "description": "Its number in the run."},
    "attempt": {"type": "integer", "minimum": 0, "description": "Which taking of the run wrote it; 0: none yet."},
    "run": {"type": "string", "format": "uuid"},
}


def _event_schemas() -> dict[str, Schema]:
    """Each event's schema, with what the wire adds, and `Event`: any of them."""
    (any_event,), parts = msgspec.json.schema_components([AnyEvent], ref_template=PREFIX + "Event{name}")
    del parts["VendorState"], parts["ReplyCompleted"]["properties"]["state"]  # no reader is told of it
    del parts["ApprovalRequested"]["properties"]["state"]  # nor of this
    usage = parts["TurnReset"]["properties"]["usage"]["anyOf"]
    parts["Cost"]["properties"]["amount"] = {"type": "string", "nullable": True}
    parts["TurnReset"]["properties"]["usage"] = {  # OpenAPI 3.0 knows no null
        "allOf": [each for each in usage if "$ref" in each], "nullable": True,
    }  # fmt: skip
    for part in parts.values():
        if "type" in part["properties"]:
            part["properties"] = PLACE | part["properties"]
            part["required"] = sorted({*part["required"], *PLACE})
        elif not part["required"]:
            del part["required"]  # OpenAPI 3.0 takes no empty list
    event = {"description": "The `data` of one frame; its `id` is `run.attempt.seq`.", "oneOf": any_event["anyOf"]}
    return {"Event": event, **{f"Event{name}": part for name, part in parts.items()}}


START: Schema = {
    "operationId": "start_run",
    "tags": ["runs"],
    "summary": "Say something and have it answered.",
    "description": "Stores the message and starts a run. With `stream: true` the answer is the run's events instead.",
    "security": SECURITY,
    "parameters": [ID],
    "requestBody": takes(ref("NewRun")),
    "responses": {
        "200": streams(ref("Event"), "With `stream: true`: the run's events from its start."),
        "201": gives(ref("StartedRun"), "The run, the message, and the answer that it will write."),
        "409": {"description": "`if_busy` is `reject` and the chat has a live run"},
        "429": {"description": "Too many runs wait in this chat"},
    },
}
BEGIN: Schema = {
    **START,
    "operationId": "begin_chat",
    "summary": "Make a chat by its first message, and have it answered.",
    "description": "As `start_run`. What is refused makes no chat; without a title it is called by its first words.",
    "parameters": [],
    "requestBody": takes(ref("NewBeginning")),
    "responses": {
        "200": streams(ref("Event"), "With `stream: true`: the run's events from its start."),
        "201": gives(ref("Begun"), "The chat, the run, the message, and the answer that it will write."),
        "402": {"description": "A budget does not cover another answer"},
        "429": {"description": "The organization has as many runs open as it may"},
    },
}
FOLLOW: Schema = {
    "operationId": "follow_run",
    "tags": ["runs"],
    "summary": "Follow a run: its events from the start, or after the last one seen.",
    "description": "Ends after the run's last event. A comment comes in each silence; a frame named `reconnect` asks "
    "to come again with the last id.",
    "security": SECURITY,
    "parameters": [
        ID,
        {
            "name": "after",
            "in": "query",
            "schema": {"type": "string", "maxLength": 80},
            "description": "The id of the last frame seen; the header Last-Event-ID says the same.",
        },
        {
            "name": "blocks",
            "in": "query",
            "schema": {"enum": ["html"]},
            "description": "Also send each whole Markdown block of the answer as sanitized HTML: a `Block`, as a "
            "further frame of the event that completes it.",
        },
        LAST_EVENT_ID,
        TICKET,
    ],
    "responses": {
        "200": streams({"anyOf": [ref("Event"), ref("Block")]}, "The run's events."),
        "204": {"description": "There are none after that one."},
    },
}
CANCEL: Schema = {
    "operationId": "cancel_run",
    "tags": ["runs"],
    "summary": "Stop a run. What it has written stays.",
    "security": SECURITY,
    "parameters": [ID],
    "responses": {"202": gives(ref("StoppedRun"), "It is stopping, or was over already.")},
}
APPROVE: Schema = {
    "operationId": "resolve_approval",
    "tags": ["runs"],
    "summary": "Allow or deny a tool call that waits for a person.",
    "description": "The run goes on once none of its calls waits any more. The call's arguments are in its "
    "`approval.requested` event; a decision holds for that very call only. A call with `as_person` is "
    "made with the rights of the run's person: they alone may allow it, whoever may write may deny it. One with "
    "`forms` has begun, and goes on with the `input` that answers them.",
    "security": SECURITY,
    "parameters": [ID, {"name": "call", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 60}}],
    "requestBody": takes(ref("Decision")),
    "responses": {
        "200": gives(ref("StoppedRun"), "The decision is stored."),
        "403": {
            "description": "Only the run's person may allow this call (`only_theirs`), only who may use the tool "
            "(`tool_needs_more`), only a person (`not_by_key`)"
        },
        "409": {"description": "The run does not wait (`not_waiting`), or the call is another (`changed`)"},
    },
}
PATHS: dict[str, Schema] = {
    "/api/chats/runs": {"post": BEGIN},
    "/api/chats/{id}/runs": {"post": START},
    "/api/runs/{id}/events": {"get": FOLLOW},
    "/api/runs/{id}/cancel": {"post": CANCEL},
    "/api/runs/{id}/approvals/{call}": {"post": APPROVE},
}
SENTENCES: Schema = {
    "type": "integer",
    "minimum": 1,
    "maximum": dialect.MAX_SENTENCES,
    "nullable": True,
    "description": "Behind so many sentences the answer is over (`sentence_limit`). Not beside `output`.",
}
TOKENS: Schema = {
    "type": "integer",
    "minimum": 1,
    "nullable": True,
    "description": "What the run may use in all its turns, input and output together (`budget`).",
}
COST: Schema = {
    "oneOf": [{"type": "string"}, {"type": "integer"}],
    "nullable": True,
    "description": 'What the run may cost, in the installation\'s currency: a text such as "0.05" (`budget`).',
}
NEW_RUN: Schema = {
    "type": "object",
    "additionalProperties": False,
    **says(),
    "properties": {
        "content": {"type": "string"},
        "attachments": {"type": "array", "items": ref("Attachment")},
        "parent": {
            "type": "string",
            "format": "uuid",
            "nullable": True,
            "description": "The message it comes under: the newest one where left out; null begins a new tree.",
        },
        "model": {"type": "string"},
        "temperature": TEMPERATURE,
        "effort": EFFORT,
        "output": OUTPUT,
        "max_sentences": SENTENCES,
        "max_tokens": TOKENS,
        "max_cost": COST,
        "archetype": {"type": "string"},
        "if_busy": {"enum": ["enqueue", "reject", "interrupt"], "default": "enqueue"},
        "stream": {"type": "boolean", "default": False},
    },
}
NEW_CHAT: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "organization": {
            "type": "string",
            "format": "uuid",
            "nullable": True,
            "description": "Without one: the project's, else where the caller's chats go that name none",
        },
        "project": {"type": "string", "format": "uuid", "nullable": True},
        "title": {"type": "string", "maxLength": 200},
        "model": {"type": "string"},
        "temperature": TEMPERATURE,
        "effort": EFFORT,
        "archetype": {"type": "string"},
    },
}
OF_RUN = {name: part for name, part in NEW_RUN["properties"].items() if name != "parent"}
SCHEMAS: dict[str, Schema] = {
    "NewRun": NEW_RUN,
    "NewBeginning": {**NEW_RUN, "required": ["chat"], "properties": {"chat": NEW_CHAT, **OF_RUN}},
    "Begun": {
        "type": "object",
        "required": ["chat", "run", "input", "message"],
        "properties": {"chat": ref("Chat"), "run": ref("Run"), "input": ref("Message"), "message": ref("Message")},
    },
    "StartedRun": {
        "type": "object",
        "required": ["run", "input", "message"],
        "properties": {"run": ref("Run"), "input": ref("Message"), "message": ref("Message")},
    },
    "Decision": {
        "type": "object",
        "required": ["decision"],
        "additionalProperties": False,
        "properties": {
            "decision": {"enum": ["allow", "deny"]},
            "reason": {"type": "string", "maxLength": 500, "description": "The model is told."},
            "scope": {
                "enum": ["once", "chat"],
                "default": "once",
                "description": "`chat`: later calls of the tool in this chat are not asked for, for a while. Not for "
                "tools that delete or send something out.",
            },
            "digest": {
                "type": "string",
                "maxLength": 64,
                "nullable": True,
                "description": "That of the `approval.requested` event that was shown: another call is `changed`.",
            },
            "input": {
                "type": "object",
                "additionalProperties": {"type": "object"},
                "nullable": True,
                "description": "To allow a call with `forms`: what is answered to each, by its `key`; `{}` to a page. "
                "At most 16,000 bytes.",
            },
        },
    },
    "Block": {
        "type": "object",
        "description": "One Markdown block of the answer's text. One that comes again with the same number replaces "
        "the former: a link in it has got its address.",
        "required": ["type", "run", "seq", "attempt", "message", "part", "index", "start", "end", "html"],
        "properties": {
            "type": {"enum": ["block"]},
            **PLACE,
            "message": {"type": "string", "format": "uuid"},
            "part": {"type": "integer", "minimum": 0, "description": "Its place in the message's `parts`."},
            "index": {"type": "integer", "minimum": 0, "description": "Its number in that part."},
            "start": {"type": "integer", "minimum": 0, "description": "In code points of the part's text."},
            "end": {"type": "integer", "minimum": 1},
            "html": {"type": "string"},
        },
    },
    "StoppedRun": {"type": "object", "required": ["run"], "properties": {"run": ref("Run")}},
    **_event_schemas(),
}
