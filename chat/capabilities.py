"""What this server can do, for frontends that ask before they use it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, URLResolver, get_resolver
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from chat.doors.agent.dialect import MESSAGE_MAX_CHARS
from chat.doors.schemas import Schema, gives, ref
from chat.routing import sockets

MODULE = "chat.doors."


@dataclass(frozen=True)
class Door:
    """What a front door's streams can do. A `resume` by cursor goes on behind it, a replay begins at the start."""

    name: str
    resume: str | None = None  # cursor, replay


LLM = Door("llm", "cursor")
# By how the modules in chat.doors begin that have its views; several may serve one door.
DOORS = {
    "native": Door("native", "cursor"),
    "editor_chat": Door("editorChat", "cursor"),
    "openai": LLM,
    "sessions": Door("sessions", "cursor"),
    "threads": Door("threads"),
    "agent": Door("agent"),
    "ui_message": Door("ui", "replay"),
    "agui": Door("agui"),
}
# At tRPC's addresses the procedure names the door.
PROCEDURES = {"editorChat.": DOORS["editor_chat"], "chat.": Door("initiateChat", "cursor")}


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
    """Each door with the routes that the resolvers have for it."""
    routes, speak = _routes(get_resolver().url_patterns), _routes(sockets.routes)
    return [
        {"name": door.name, "routes": routes.get(door, []), "resume": door.resume, "websocket": speak.get(door, [])}
        for door in dict.fromkeys([*routes, *speak])
    ]


def _routes(patterns: list[URLPattern | URLResolver]) -> dict[Door, list[str]]:
    found: dict[Door, list[str]] = {}
    for path, module in sorted(_views("/", patterns)):
        if module.startswith(MODULE):
            for door in _doors_of(module.removeprefix(MODULE), path):
                found.setdefault(door, []).append(path)
    return found


def _doors_of(module: str, path: str) -> list[Door]:
    """The doors that a view serves: one, but batches of tRPC calls may be for either."""
    if not module.startswith("trpc."):
        return [next((door for name, door in DOORS.items() if module.startswith(name)), Door(module))]
    called = path.rpartition("/")[2]
    return [door for start, door in PROCEDURES.items() if called.startswith((start, "{"))]


def _views(prefix: str, patterns: list[URLPattern | URLResolver]) -> Iterator[tuple[str, str]]:
    """Every path, its converters taken off, with the module of its view."""
    for each in patterns:
        path = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _views(path, each.url_patterns)
        else:
            view: Any = each.callback
            yield _plain(path), getattr(view, "consumer_class", view).__module__


def _plain(path: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)


def _limits() -> dict[str, int | float]:
    return {
        "body_bytes": settings.BODY_MAX_BYTES,
        "json_depth": settings.JSON_MAX_DEPTH,
        "message_chars": settings.CHAT_MESSAGE_MAX_CHARS,
        "agent_message_chars": MESSAGE_MAX_CHARS,
        "attachments": settings.CHAT_ATTACHMENTS_MAX,
        "attachment_chars": settings.CHAT_ATTACHMENT_MAX_CHARS,
        "queued_runs_per_chat": settings.CHAT_MAX_QUEUED,
        "page_size": settings.API_PAGE_SIZE_MAX,
        "heartbeat_s": settings.CHAT_HEARTBEAT_S,
        "replay_s": settings.CHAT_REPLAY_S,
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
