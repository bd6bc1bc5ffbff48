"""The AG-UI door's part of the OpenAPI."""

from chat.doors.openapi.schemas import SECURITY, Schema, ref, streams, takes

OBJECTS: Schema = {"type": "array", "items": {"type": "object"}}
RUN: Schema = {
    "operationId": "agui_run",
    "tags": ["AG-UI"],
    "summary": "Run the agent on a thread and stream its events.",
    "description": "The whole list of messages comes each time; only what is new in it is stored.",
    "security": SECURITY,
    "parameters": [],
    "requestBody": takes(ref("RunAgentInput")),
    "responses": {
        "200": streams(ref("AGUIEvent"), "From `RUN_STARTED` to `RUN_FINISHED` or `RUN_ERROR`."),
        "403": {"description": "Who answers may not allow the call (`tool_needs_more`, `not_by_key`)"},
        "409": {"description": "The chat is archived; nothing waits (`not_waiting`), or another call (`changed`)"},
        "429": {"description": "Too many runs wait in this chat"},
    },
}
PATHS: dict[str, Schema] = {"/api/agui": {"post": RUN}}
SCHEMAS: dict[str, Schema] = {
    "RunAgentInput": {
        "type": "object",
        "required": ["threadId", "runId", "messages"],
        "properties": {
            "threadId": {"type": "string", "minLength": 1, "maxLength": 200},
            "runId": {"type": "string", "minLength": 1, "maxLength": 200},
            "protocolVersion": {"type": "string", "nullable": True},
            "messages": {**OBJECTS, "minItems": 1},
            "tools": {**OBJECTS, "nullable": True},
            "context": {**OBJECTS, "nullable": True},
            "state": {"nullable": True, "description": "Told to the model; never changed here."},
            "forwardedProps": {
                "type": "object",
                "nullable": True,
                "description": "`model`, `temperature`, `effort`, `archetype`, `if_busy`, `project`, `approvals`.",
            },
            "resume": {
                **OBJECTS,
                "nullable": True,
                "description": "Answers to interrupts: `{interruptId, status, payload}`.",
            },
        },
    },
    "AGUIEvent": {"type": "object", "required": ["type"], "properties": {"type": {"type": "string"}}},
}
