"""The MCP door's part of the OpenAPI: the messages themselves are the protocol's."""

from chat.doors.openapi.refusals import SAYING
from chat.doors.openapi.schemas import Schema, event, gives, ref, takes

HEADERS = {
    "MCP-Protocol-Version": "The revision, as the body says it; left out by clients of 2025-03-26.",
    "Mcp-Method": "The method, as the body says it; from 2026-07-28 on.",
    "Mcp-Name": "The tool or the resource that the body names; from 2026-07-28 on.",
}
MORE = {404: "There is no such method", 406: "Accept does not take both kinds of answers"}
STATUSES = (400, 401, 403, 404, 405, 406, 408, 413, 429, 503)
TOLD = {**SAYING, 408: "The body did not come in time", **MORE}


def parameter(name: str, description: str) -> Schema:
    """A header that may be left out."""
    return {"name": name, "in": "header", "schema": {"type": "string"}, "description": description}


CALL: Schema = {
    "operationId": "mcp",
    "tags": ["MCP"],
    "summary": "One message of the Model Context Protocol.",
    "description": "By an API key of the scope mcp alone. docs/doors/mcp.md tells which methods and tools there are.",
    "security": [{"bearer": []}],
    "parameters": [parameter(name, description) for name, description in HEADERS.items()],
    "requestBody": takes(ref("McpMessage")),
    "responses": {
        "200": {
            "description": "The result; of `ask` a stream of progress, with the result last.",
            "content": {
                "application/json": {"schema": ref("McpAnswer")},
                "text/event-stream": {"schema": event(ref("McpAnswer"))},
            },
        },
        "202": {"description": "A notification was taken."},
        **{str(status): gives(ref("McpAnswer"), TOLD[status]) for status in STATUSES},
    },
}
PATHS: dict[str, Schema] = {"/mcp": {"post": CALL}}
ID: Schema = {"nullable": True, "description": "A text or a whole number; null of what could not be read."}
SCHEMAS: dict[str, Schema] = {
    "McpMessage": {
        "type": "object",
        "required": ["jsonrpc", "method"],
        "properties": {
            "jsonrpc": {"enum": ["2.0"]},
            "id": ID,
            "method": {"type": "string"},
            "params": {"type": "object"},
        },
    },
    "McpAnswer": {
        "type": "object",
        "required": ["jsonrpc"],
        "properties": {
            "jsonrpc": {"enum": ["2.0"]},
            "id": ID,
            "method": {"type": "string", "description": "Of a notification."},
            "params": {"type": "object"},
            "result": {"type": "object"},
            "error": {
                "type": "object",
                "required": ["code", "message", "data"],
                "properties": {
                    "code": {"type": "integer"},
                    "message": {"type": "string"},
                    "data": {"type": "object"},
                },
            },
        },
    },
}
