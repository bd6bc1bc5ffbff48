"""The tRPC doors' part of the OpenAPI: each procedure as the HTTP it is, and batches of them."""

from chat.doors.openapi.refusals import KEY, SAYING
from chat.doors.openapi.schemas import SECURITY, Schema, gives, ref, says, streams, takes
from chat.doors.trpc.server import PROCEDURES

BASES = {"/trpc": "", "/api/trpc": "api_"}
ID: Schema = {"type": "string", "description": "A UUID."}
TEXT: Schema = {"type": "string"}
TIME: Schema = {"type": "string", "format": "date-time"}
MAYBE: Schema = {"nullable": True}
CHOICES: Schema = {
    "model": {**TEXT, **MAYBE},
    "temperature": {"type": "number", "minimum": 0, "maximum": 2, **MAYBE},
}
STREAM: Schema = {
    "stream": {"type": "boolean", "description": "Answer at once; the answer is read at the REST stream."},
    "enableStreaming": {"type": "boolean", "description": "The same."},
}


def some(required: tuple[str, ...], **properties: Schema) -> Schema:
    """A closed object."""
    return {
        "type": "object",
        "required": list(required),
        "additionalProperties": False,
        "properties": properties,
    }


def shape(**properties: Schema) -> Schema:
    """An object that is answered: it has all of these."""
    return {"type": "object", "required": sorted(properties), "properties": properties}


PLACE: Schema = {"orgId": ID, "projectId": {**ID, **MAYBE}}
ARCHETYPE: Schema = {"agentArchetype": {**TEXT, **MAYBE}}
ATTACHMENTS: Schema = {"attachments": {"type": "array", "items": ref("Attachment")}}
INPUTS: dict[str, Schema] = {
    "editorChat.create": some(
        ("orgId",), **PLACE, title={**TEXT, "maxLength": 200, **MAYBE}, **CHOICES, **ARCHETYPE,
        metadata={"type": "object", **MAYBE},
    ),
    "editorChat.list": some(
        ("orgId",), **PLACE, status={"enum": ["ACTIVE", "ARCHIVED", None], **MAYBE},
        limit={"type": "integer", "minimum": 1, "maximum": 100, "default": 50, **MAYBE},
        skip={"type": "integer", "minimum": 0, "maximum": 100_000, "default": 0, **MAYBE},
    ),
    "editorChat.get": some(("chatId",), chatId=ID),
    "editorChat.sendMessage": says()
    | some(("chatId",), chatId=ID, content=TEXT, **ATTACHMENTS, **CHOICES, **ARCHETYPE, **STREAM),
    "editorChat.updateTitle": some(("chatId", "title"), chatId=ID, title={**TEXT, "maxLength": 200}),
    "editorChat.delete": some(("chatId",), chatId=ID),
    "editorChat.fork": some(("chatId", "messageId"), chatId=ID, messageId=ID, title={**TEXT, **MAYBE}),
    "editorChat.regenerate": some(
        ("chatId", "messageId"), chatId=ID, messageId=ID, **CHOICES, **ARCHETYPE, **STREAM
    ),
    **dict.fromkeys(
        ("chat.initiateChat", "chat.sendMessage"),
        says("message")
        | some(
            ("projectId",), projectId=ID, message=TEXT, chatId={**ID, **MAYBE}, **CHOICES,
            archetype={**TEXT, **MAYBE}, **ATTACHMENTS,
        ),
    ),
    "chat.getMessage": some(("messageId",), messageId=ID, projectId=ID),
    "chat.streamResponse": some(
        ("assistantMessageId", "projectId"), assistantMessageId=ID, projectId=ID,
        lastEventId={**TEXT, **MAYBE, "description": "Sent at all: each value comes with its id."},
    ),
}  # fmt: skip
BEGUN = {"chatId": ID, "runId": ID}
OUTPUTS: dict[str, Schema] = {
    **{
        f"editorChat.{name}": ref("EditorChatRecord") for name in ("create", "get", "updateTitle", "fork")
    },
    "editorChat.list": {"type": "array", "items": ref("EditorChatRecord")},
    "editorChat.sendMessage": ref("EditorChatSent"),
    "editorChat.regenerate": ref("EditorChatSent"),
    "editorChat.delete": shape(success={"type": "boolean"}, id=ID),
    "chat.initiateChat": shape(assistantMessageId=ID, userMessageId=ID, **BEGUN),
    "chat.sendMessage": shape(assistantMessageId=ID, userMessageId=ID, content=TEXT, status=TEXT, **BEGUN),
    "chat.getMessage": shape(
        id=ID, chatId=ID, role=TEXT, content=TEXT, status={"enum": ["pending", "building", "success", "error"]},
        kind={"enum": ["text", "patch", "component"]}, error={**TEXT, **MAYBE}, createdAt=TIME,
    ),
}  # fmt: skip
SUMMARIES = {
    "editorChat.create": "Make a chat.",
    "editorChat.list": "The chats of an organization, with their newest messages.",
    "editorChat.get": "A chat with its messages.",
    "editorChat.sendMessage": "Say something; answered when the answer is stored, or at once.",
    "editorChat.updateTitle": "Give a chat another title.",
    "editorChat.delete": "Delete a chat.",
    "editorChat.fork": "A new chat with the messages up to one of them.",
    "editorChat.regenerate": "Answer once more: the new answer takes the place of the old one.",
    "chat.initiateChat": "Say something: it is stored, with a place for its answer.",
    "chat.sendMessage": "Say something and get the stored answer.",
    "chat.getMessage": "A message as it is now.",
    "chat.streamResponse": "Subscribe to an answer. What is refused is told in an event `serialized-error`.",
}
REPEATABLE = ("editorChat.updateTitle", "editorChat.delete")  # they need no Idempotency-Key: twice is as once
STATUSES = (400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 503)


def errors(*more: int, name: str = "TrpcError") -> Schema:
    """All in tRPC's shape."""
    texts = {502: "The answer failed", 504: "It is not there in time, but goes on"}
    return {str(status): gives(ref(name), SAYING.get(status) or texts[status]) for status in (*STATUSES, *more)}


def operation(name: str, prefix: str) -> Schema:
    """A procedure's GET or POST."""
    procedure, schema = PROCEDURES[name], ref(f"Trpc.{name}.input")
    told: Schema = {
        "operationId": f"{prefix}trpc_{name.replace('.', '_')}",
        "tags": ["tRPC"],
        "summary": SUMMARIES[name],
        "security": SECURITY,
        "responses": errors(502, 504),
    }
    if procedure.kind == "mutation":
        told |= {"requestBody": takes(schema), "parameters": [] if name in REPEATABLE else [KEY]}
    else:
        told["parameters"] = [
            {"name": "input", "in": "query", "content": {"application/json": {"schema": schema}}},
        ]
    if procedure.kind == "subscription":
        told["security"] = [*SECURITY, {}]
        told["responses"] = {"200": streams(ref("InitiateChatValue"), "`connected`, values, `return`."), **errors()}
    else:
        result = shape(result=shape(data=OUTPUTS[name]))
        told["responses"] = {"200": gives(result, "The result."), **told["responses"]}
    return told


def batch(method: str, prefix: str) -> Schema:
    """Several queries, or several mutations, at once."""
    calls: Schema = {"name": "calls", "in": "path", "required": True, "schema": TEXT, "description": "`a.b,c.d`"}
    flag: Schema = {"name": "batch", "in": "query", "schema": {"enum": ["1"]}}
    inputs: Schema = {"type": "object", "description": 'Each call\'s input by its number: `{"0": {...}}`.'}
    told: Schema = {
        "operationId": f"{prefix}trpc_batch_{method}",
        "tags": ["tRPC"],
        "summary": "Several calls at once; 207 where their statuses differ.",
        "description": "With `trpc-accept: application/jsonl` each answer comes in a line as soon as it is there.",
        "security": [*SECURITY, {}],
        "parameters": [calls, flag],
        "responses": {
            status: gives({"type": "array", "items": {"type": "object"}}, "An answer for each call, in their order.")
            for status in ("200", "207")
        }
        | errors(502, 504, name="TrpcErrors"),
    }
    if method == "post":
        return {**told, "requestBody": takes(inputs)}
    told["parameters"] = [*told["parameters"], {"name": "input", "in": "query", "schema": TEXT}]
    return told


PATHS: dict[str, Schema] = {}
for base, mark in BASES.items():
    for each in PROCEDURES:
        PATHS[f"{base}/{each}"] = {PROCEDURES[each].method.lower(): operation(each, mark)}
    PATHS[f"{base}/{{calls}}"] = {"get": batch("get", mark), "post": batch("post", mark)}

TOKENS = ref("EditorChatTokens")
MESSAGE = shape(
    _id=ID, id=ID, role={"enum": ["user", "assistant", "system"]}, content=TEXT, timestamp=TIME, status=TEXT,
    attachments={"type": "array", "items": ref("Attachment")}, tokensUsed=TOKENS,
    tool_calls={"type": "array", "items": ref("EditorChatToolCall")},
)  # fmt: skip
SCHEMAS: dict[str, Schema] = {
    "TrpcErrors": {
        "description": "Of the whole request, or of each call where all have this status.",
        "anyOf": [ref("TrpcError"), {"type": "array", "items": ref("TrpcError")}],
    },
    **{f"Trpc.{name}.input": schema for name, schema in INPUTS.items()},
    "EditorChatToolCall": shape(
        id=ID, name=TEXT, arguments={}, status={"enum": ["running", "completed", "failed"]},
        result={"type": "object", **MAYBE, "description": "`{success, data}` or `{success: false, error}`."},
    ),
    "EditorChatMessage": MESSAGE,
    "EditorChatRecord": shape(
        _id=ID, id=ID, user=ID, org=ID, project={**ID, **MAYBE}, title=TEXT, summary=TEXT, model=TEXT,
        temperature={"type": "number"}, status={"enum": ["ACTIVE", "ARCHIVED"]},
        messages={"type": "array", "items": ref("EditorChatMessage")}, tasks={"type": "array", "items": ID},
        tokensUsed=TOKENS, createdAt=TIME, updatedAt=TIME,
        metadata={
            "type": "object",
            "required": ["agentArchetype", "lastActivity", "branch", "slackThread"],
            "properties": {
                "agentArchetype": TEXT, "lastActivity": TIME, "branch": {**TEXT, **MAYBE}, "slackThread": {},
            },
        },
    ),
    "EditorChatSent": {
        "type": "object",
        "required": ["chatId", "runId", "messageId", "userMessageId"],
        "properties": {
            **BEGUN, "messageId": ID, "userMessageId": ID, "streaming": {"type": "boolean"},
            "message": ref("EditorChatMessage"), "tokensUsed": TOKENS,
        },
    },
    "InitiateChatValue": {
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {
                "enum": ["status", "delta", "tool_start", "tool_result", "complete", "error", "finalized"]
            },
            **dict.fromkeys(("status", "content", "name", "toolCallId", "jobId", "finalContent", "error"), TEXT),
            "success": {"type": "boolean"},
        },
    },
    "TrpcError": shape(
        error=shape(
            message=TEXT, code={"type": "integer", "description": "JSON-RPC's number."},
            data={
                "type": "object",
                "required": ["code", "httpStatus", "path"],
                "properties": {
                    "code": {**TEXT, "description": "tRPC's name."}, "httpStatus": {"type": "integer"}, "path": TEXT,
                    "fields": {"type": "object", "description": "What was expected, by the name of the field."},
                },
            },
        )
    ),
}  # fmt: skip
