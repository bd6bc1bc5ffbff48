"""The page of an organization for its admins: how it goes, what it costs, who and what uses it.

The same figures as on the admin's first screen, of this organization alone.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import Membership, Organization, User
from accounts.organizations.rest import found
from accounts.permissions import permissions_in, require
from agents.errors import CODES
from chat.figures import asked, spent
from chat.figures.boxes import Box
from chat.metering import zones
from chat.models import Chat
from chat.page.words import failure
from chat.services.policies import ADMINS

PAGE = "chat/figures.html"


@require_safe
@login_required
@never_cache
def figures(request: HttpRequest, id: UUID) -> HttpResponse:
    """GET /organizations/ID/"""
    user = request.user
    assert isinstance(user, User)  # login_required let nobody else through
    place = found(Organization.objects.visible_to(user), id)
    require(permissions_in(user, organization=place), "admin")
    now = timezone.now()
    shown = {
        "organization": place,
        "as_of": now.astimezone(zones.zone(place.timezone)),
        "boxes": boxes(user, place, now),
    }
    return render(request, PAGE, shown)


def administered(user: User) -> Any:
    """The organizations whose figures the user may see."""
    places = Membership.objects.filter(user=user, role__in=ADMINS).values("organization")
    return Organization.objects.filter(pk__in=places).order_by("name", "pk")


def boxes(user: User, place: Organization, now: datetime) -> list[Box]:
    """What the page tells, in this order."""
    called = _called(user)
    return [
        asked.spells(now, place),
        asked.failures(now, place, lambda code: failure(code, CODES.get(code, ""))),
        *asked.by_hour(now, place),
        *(ask(now, place) for ask in (spent.month, spent.by_person, spent.by_key, spent.cached)),
        asked.slowest(now, place, called),
        asked.dearest(now, place, called),
    ]


def _called(user: User) -> Callable[[list[UUID]], dict[UUID, SafeString]]:
    """Chats by the beginning of their ids, with links to those that the reader may open; never by their titles."""

    def called(ids: list[UUID]) -> dict[UUID, SafeString]:
        seen = set(Chat.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))
        return {id: _link(id) if id in seen else format_html("{}", str(id)[:8]) for id in ids}

    return called


def _link(id: UUID) -> SafeString:
    return format_html('<a href="{}">{}</a>', reverse("page-chat", args=[id]), str(id)[:8])
