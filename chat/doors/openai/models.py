"""What OpenAI's clients ask before anything else: which models there are."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from accounts.authentication import authenticate
from accounts.db import db
from agents.installation import models
from chat.doors.openai import names as openai_models
from chat.doors.views import door

CREATED = 1_795_219_200  # seconds since 1970: what is configured has no date of its own, and clients want one


@door("GET")
async def every(request: HttpRequest) -> HttpResponse:
    """All models: those of the catalog, and the agents as `parley/<archetype>`."""
    await db(authenticate, request)
    return JsonResponse({"object": "list", "data": [_shown(name) for name in openai_models.names()]})


@door("GET")
async def one(request: HttpRequest, model_id: str) -> HttpResponse:
    """One of them."""
    await db(authenticate, request)
    openai_models.resolve(model_id)
    return JsonResponse(_shown(model_id))


def _shown(name: str) -> dict[str, Any]:
    providers = {each.id: each.provider for each in models()}
    return {"id": name, "object": "model", "created": CREATED, "owned_by": providers.get(name, "parley")}
