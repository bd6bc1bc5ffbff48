"""The editorChat door's part of the OpenAPI."""

from chat.doors.openapi.schemas import ID, LAST_EVENT_ID, SECURITY, TICKET, Schema, gives, ref, says, streams, takes

FRAMES = "Frames `content`, `tool_call_start`, `tool_result`, `tool_error`, `error`, `done`, and `[DONE]` at the end."
POST: Schema = {
    "operationId": "editor_chat_start",
    "tags": ["editorChat"],
    "summary": "Say something and have the answer streamed.",
    "security": SECURITY,
    "parameters": [ID],
    "requestBody": takes(ref("EditorChatRequest")),
    "responses": {
        "200": {
            "description": f"{FRAMES} With `enableStreaming: false` the whole answer instead.",
            "content": {
                "text/event-stream": {"schema": ref("EditorChatFrame")},
                "application/json": {"schema": ref("EditorChatAnswer")},
            },
        },
        "409": {"description": "The chat is archived"},
        "429": {"description": "Too many runs wait in this chat"},
        "502": {"description": "With `enableStreaming: false`: the answer failed"},
    },
}
GET: Schema = {
    "operationId": "editor_chat_attach",
    "tags": ["editorChat"],
    "summary": "Attach to the chat's answer in flight, or to one that was just over.",
    "description": "Each tool event comes twice: unnamed, and under its name.",
    "security": SECURITY,
    "parameters": [ID, LAST_EVENT_ID, TICKET],
    "responses": {
        "200": streams(ref("EditorChatFrame"), FRAMES),
        "204": {"description": "There is none, or nothing after that id"},
    },
}
TEST: Schema = {
    "operationId": "editor_chat_test",
    "tags": ["editorChat"],
    "summary": "A stream to see whether anything on the way holds events back.",
    "security": [{}],
    "responses": {"200": streams({"type": "object"}, "Three events, half a second apart")},
}
OPTIONAL: Schema = {"required": False, "content": {"application/json": {"schema": {"type": "object"}}}}
DIFF: Schema = {
    "operationId": "editor_chat_get_diff",
    "tags": ["editorChat"],
    "summary": "What the chat's branch changed since it left the default branch.",
    "security": SECURITY,
    "parameters": [ID],
    "requestBody": OPTIONAL,
    "responses": {
        "200": gives(ref("EditorChatDiff"), "The diff; `truncated` where it was cut."),
        "409": {"description": "The chat is in no project"},
    },
}
PULL_REQUEST: Schema = {
    "operationId": "editor_chat_create_pr",
    "tags": ["editorChat"],
    "summary": "Put the chat's branch forward for merging, at the forge of its project or on our own page.",
    "security": SECURITY,
    "parameters": [ID],
    "requestBody": {
        **OPTIONAL,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "title": {"type": "string", "maxLength": 200, "nullable": True},
                        "body": {"type": "string", "nullable": True, "description": "Markdown."},
                    },
                }
            }
        },
    },
    "responses": {
        "200": gives(ref("EditorChatPullRequest"), "What was made, or the one that was open, renewed."),
        "409": {"description": "The branch has no changes, or the chat is in no project"},
        "429": {"description": "Too many pushes are under way"},
        "502": {"description": "The remote's server refused or could not be reached: `forge_...`"},
    },
}
PATHS: dict[str, Schema] = {
    "/api/editorChat/{id}/get-diff": {"post": DIFF},
    "/api/editorChat/{id}/create-pr": {"post": PULL_REQUEST},
    "/api/editorChat/stream/{id}": {"get": GET, "post": POST},
    "/api/editorChat/test-sse": {"get": TEST},
}
REQUEST: Schema = {
    "type": "object",
    "additionalProperties": False,
    **says(),
    "properties": {
        "content": {"type": "string"},
        "attachments": {"type": "array", "items": ref("Attachment")},
        "model": {"type": "string"},
        "temperature": {"type": "number", "minimum": 0, "maximum": 2, "nullable": True},
        "agentArchetype": {"type": "string"},
        "enableStreaming": {"type": "boolean", "default": True},
        "stream": {"type": "boolean", "description": "The same as `enableStreaming`."},
    },
}
TOKENS: Schema = {
    "type": "object",
    "required": ["prompt", "completion", "total"],
    "properties": {key: {"type": "integer"} for key in ("prompt", "completion", "total")},
}
FRAME: Schema = {
    "type": "object",
    "required": ["type"],
    "properties": {
        "type": {"enum": ["content", "tool_call_start", "tool_result", "tool_error", "error", "done"]},
        "content": {"type": "string"},
        "tool_name": {"type": "string"},
        "tool_call_id": {"type": "string"},
        "result": {"type": "object"},
        "error": {"type": "string"},
        "tokensUsed": ref("EditorChatTokens"),
    },
}
FILES: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["path", "status", "additions", "deletions"],
        "properties": {
            "path": {"type": "string"},
            "status": {"type": "string", "description": "One letter of git: A, M, D ..."},
            "additions": {"type": "integer"},
            "deletions": {"type": "integer"},
        },
    },
}
REF: Schema = {"type": "object", "properties": {"ref": {"type": "string"}, "commit": {"type": "string"}}}
SCHEMAS: dict[str, Schema] = {
    "EditorChatRequest": REQUEST,
    "EditorChatFrame": FRAME,
    "EditorChatTokens": TOKENS,
    "EditorChatDiff": {
        "type": "object",
        "required": ["success", "branch", "base", "commit", "files", "diff", "truncated"],
        "properties": {
            "success": {"type": "boolean"},
            "branch": {"type": "string"},
            "base": {"type": "string", "description": "A commit, as `baseCommit`."},
            "baseBranch": {"type": "string"},
            "baseCommit": {"type": "string"},
            "commit": {"type": "string"},
            "fileCount": {"type": "integer"},
            "files": {"type": "array", "items": ref("ChangedFile")},
            "diff": {"type": "string"},
            "truncated": {"type": "boolean"},
        },
    },
    "EditorChatPullRequest": {
        "type": "object",
        "required": ["success", "pullRequest"],
        "properties": {
            "success": {"type": "boolean"},
            "pullRequest": {
                "type": "object",
                "required": [
                    "id",
                    "url",
                    "number",
                    "title",
                    "branch",
                    "base",
                    "mergeable",
                    "conflicts",
                    "head",
                    "merge",
                    "files",
                ],
                "properties": {
                    "id": {"type": "string"},
                    "url": {"type": "string"},
                    "number": {"type": "integer"},
                    "title": {"type": "string"},
                    "branch": {"type": "string"},
                    "base": {"type": "string"},
                    "mergeable": {"type": "boolean"},
                    "conflicts": {"type": "array", "items": {"type": "string"}},
                    "head": REF,
                    "merge": {**REF, "nullable": True},
                    "files": FILES,
                },
            },
        },
    },
    "EditorChatAnswer": {
        "type": "object",
        "required": ["message", "tokensUsed"],
        "properties": {"message": ref("EditorChatMessage"), "tokensUsed": ref("EditorChatTokens")},
    },
}
