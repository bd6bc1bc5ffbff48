"""What this server can do, for frontends that ask before they use it."""

import re
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from chat.doors.agent.dialect import MESSAGE_MAX_CHARS
from chat.doors.door import Door
from chat.doors.openapi.schemas import Schema, gives, ref
from chat.doors.registry import DOORS


@csrf_exempt
@require_safe
def capabilities(request: HttpRequest) -> HttpResponse:
    """Version, front doors with their routes, and limits. Public: it tells nothing of any organization."""
    doors = _doors()
    return JsonResponse(
        {
            "version": settings.PARLEY_VERSION,
            "doors": doors,
            "streaming": True,
            "resume": any(each["resume"] for each in doors),
            "websocket": any(each["websocket"] for each in doors),
            "guests": settings.AGENT_ALLOW_GUESTS,
            "limits": _limits(),
        }
    )


def _doors() -> list[dict[str, Any]]:
    """Each door with its routes, by the first of them."""
    named: dict[str, list[Door]] = {}
    for door in DOORS:
        named.setdefault(door.name, []).append(door)
    return sorted((_shown(name, doors) for name, doors in named.items()), key=lambda each: each["routes"])


def _shown(name: str, doors: list[Door]) -> dict[str, Any]:
    routes = _paths(each for door in doors for each in door.urls)
    speak = _paths(each for door in doors for each in door.sockets)
    return {"name": name, "routes": routes, "resume": doors[0].resume, "websocket": speak}


def _paths(patterns: Iterable[URLPattern]) -> list[str]:
    """The addresses, their converters taken off."""
    return sorted(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", f"/{each.pattern}") for each in patterns)


def _limits() -> dict[str, int | float]:
    return {
        "body_bytes": settings.BODY_MAX_BYTES,
        "json_depth": settings.JSON_MAX_DEPTH,
        "message_chars": settings.CHAT_MESSAGE_MAX_CHARS,
        "agent_message_chars": MESSAGE_MAX_CHARS,
        "attachments": settings.CHAT_ATTACHMENTS_MAX,
        "attachment_chars": settings.CHAT_ATTACHMENT_MAX_CHARS,
        "attachment_bytes": settings.ATTACHMENT_MAX_BYTES,
        "queued_runs_per_chat": settings.CHAT_MAX_QUEUED,
        "page_size": settings.API_PAGE_SIZE_MAX,
        "heartbeat_s": settings.CHAT_HEARTBEAT_S,
        "replay_s": settings.CHAT_REPLAY_S,
        "session_prompts": settings.CHAT_SESSION_PROMPTS,
        "session_s": settings.CHAT_SESSION_S,
        "ticket_s": settings.TICKET_LIFETIME_S,
        "run_s": settings.AGENTS_TIMEOUT_S,
    }


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
