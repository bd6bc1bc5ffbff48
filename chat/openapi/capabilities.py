"""What the OpenAPI says of the page of capabilities."""

from chat.openapi.parts import Schema, gives, ref

GET: Schema = {
    "operationId": "read_capabilities",
    "tags": ["capabilities"],
    "summary": "What this server can do: version, front doors with their routes, limits.",
    "security": [{}],
    "responses": {"200": gives(ref("Capabilities"), "For frontends that ask before they use it.")},
}
PATHS: dict[str, Schema] = {"/api/capabilities/": {"get": GET}}
DOOR: Schema = {
    "type": "object",
    "required": ["name", "routes", "resume", "websocket"],
    "properties": {
        "name": {"type": "string"},
        "routes": {"type": "array", "items": {"type": "string"}},
        "resume": {
            "type": "string",
            "nullable": True,
            "description": "cursor: a stream goes on behind the last id; replay: it begins anew; null: neither.",
        },
        "websocket": {"type": "array", "items": {"type": "string"}, "description": "The addresses of its sockets."},
    },
}
SCHEMAS: dict[str, Schema] = {
    "Capabilities": {
        "type": "object",
        "required": ["version", "doors", "streaming", "resume", "websocket", "guests", "limits"],
        "properties": {
            "version": {"type": "string"},
            "doors": {"type": "array", "items": DOOR},
            "streaming": {"type": "boolean"},
            "resume": {"type": "boolean"},
            "websocket": {"type": "boolean"},
            "guests": {"type": "boolean", "description": "Whether the agent door takes callers without credentials."},
            "limits": {"type": "object", "additionalProperties": {"type": "number"}},
        },
    }
}
