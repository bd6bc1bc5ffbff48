"""What OpenAI's clients ask before anything else: which models there are."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from accounts.authentication import authenticate
from accounts.db import db
from accounts.plans import Terms
from agents.installation import models
from chat.doors.openai import names as openai_models
from chat.doors.openai.projects import project_named
from chat.doors.views import door
from chat.services.plans import plans_for

CREATED = 1_795_219_200  # seconds since 1970: what is configured has no date of its own, and clients want one


@door("GET")
async def every(request: HttpRequest) -> HttpResponse:
    """What the plan has of the models of the catalog, and of the agents as `parley/<archetype>`."""
    mine = await db(_plans, request)
    return JsonResponse({"object": "list", "data": [_shown(name) for name in openai_models.available(mine)]})


@door("GET")
async def one(request: HttpRequest, model_id: str) -> HttpResponse:
    """One of them."""
    mine = await db(_plans, request)
    openai_models.resolve(model_id)
    openai_models.require_available(model_id, mine)
    return JsonResponse(_shown(model_id))


def _plans(request: HttpRequest) -> list[Terms]:
    """Where a chat would be made: of the project that the request names, else where their chats go."""
    user = authenticate(request)
    named = project_named(request, user)
    return plans_for(user, named.organization_id if named else None)


def _shown(name: str) -> dict[str, Any]:
    providers = {each.id: each.provider for each in models()}
    return {"id": name, "object": "model", "created": CREATED, "owned_by": providers.get(name, "parley")}
