"""The OpenAPI of pushing, opening and merging."""

from chat.doors.openapi.schemas import ID, SECURITY, Schema, gives, ref


def _optional(properties: Schema) -> Schema:
    schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return {"required": False, "content": {"application/json": {"schema": schema}}}


REFUSED: Schema = {
    "409": {
        "description": "`branch_moved`, `branch_protected`, `nothing_to_propose`, `base_missing`, `chat_archived`, "
        "`no_project` and others"
    },
    "413": {"description": "`push_too_large`"},
    "429": {"description": "Too many pushes are under way"},
    "502": {
        "description": "The remote's server refused or could not be reached: `forge_auth`, `forge_forbidden`, "
        "`forge_not_found`, `forge_moved`, `forge_rate_limited`, `forge_invalid`, `forge_unavailable`. After a push "
        "`fields` has `pushed`, and `compare_url` where a person can open it by hand"
    },
}
PUSH: Schema = {
    "operationId": "push_chat",
    "tags": ["chats"],
    "summary": "Push the chat's branch to its project's remote repository, never by force. Needs deploy.",
    "security": SECURITY,
    "parameters": [ID],
    "requestBody": _optional({}),
    "responses": {"200": gives(ref("PushedBranch"), "It is there now, or was already."), **REFUSED},
}
OPEN: Schema = {
    "operationId": "open_pull_request",
    "tags": ["chats"],
    "summary": "Put the chat's branch forward for merging, or renew what was. Needs deploy.",
    "description": "At the forge of the project's remote, after a push; without a forge, on our own page.",
    "security": SECURITY,
    "parameters": [ID],
    "requestBody": _optional(
        {
            "title": {"type": "string", "maxLength": 200, "nullable": True, "description": "Else the chat's."},
            "body": {"type": "string", "nullable": True, "description": "Markdown."},
            "draft": {"type": "boolean", "nullable": True, "description": "Of a new one."},
        }
    ),
    "responses": {
        "200": gives(ref("OpenedPullRequest"), "The one that is open, renewed."),
        "201": gives(ref("OpenedPullRequest"), "A new one."),
        **REFUSED,
    },
}
MERGE: Schema = {
    "operationId": "merge_pull_request",
    "tags": ["pulls"],
    "summary": "Merge a pull request that is at no forge into the default branch. Needs admin, and a person's token.",
    "security": SECURITY,
    "parameters": [ID],
    "requestBody": _optional({"head": {"type": "string", "description": "The commit that was looked at."}}),
    "responses": {
        "200": gives(ref("PullRequestDetail"), "It is merged."),
        "409": {"description": "`conflicts`, `base_moved`, `head_moved`, `not_open`, `at_forge`, `branch_gone`"},
        "429": {"description": "Too many pushes are under way"},
        "502": {"description": "The remote's server refused or could not be reached: `forge_...`"},
    },
}
PATHS: dict[str, Schema] = {
    "/api/chats/{id}/push": {"post": PUSH},
    "/api/chats/{id}/pull-request/": {"post": OPEN},
    "/api/pulls/{id}/merge": {"post": MERGE},
}
SCHEMAS: dict[str, Schema] = {
    "PushedBranch": {
        "type": "object",
        "required": ["branch", "commit", "remote"],
        "properties": {each: {"type": "string"} for each in ("branch", "commit", "remote")},
    },
    "OpenedPullRequest": {
        "allOf": [
            ref("PullRequestDetail"),
            {
                "type": "object",
                "required": ["pushed"],
                "properties": {"pushed": {"type": "boolean", "description": "The branch is at the remote."}},
            },
        ]
    },
}
