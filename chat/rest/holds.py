"""REST for holds, for the owners of an organization."""

from typing import Any
from uuid import UUID

from django.urls import URLPattern, path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http.fields import Closed, Id, PageQuery, Text
from accounts.http.rest import caller, created, documented, page, read, shown
from accounts.models import Organization
from accounts.organizations.rest import found
from chat.models import Hold, HoldScope
from chat.rest.serializers import Key, Nothing
from chat.services import holds


class HoldSerializer(serializers.ModelSerializer[Hold]):
    """A hold. `released_at`: null while it holds."""

    serializer_related_field = Key

    class Meta:
        model = Hold
        fields = (
            *("id", "organization", "scope", "subject", "name", "reason"),
            *("by", "created_at", "released_at", "released_by"),
        )
        read_only_fields = fields


class NewHold(Closed):
    """A hold to be placed."""

    scope = serializers.ChoiceField(choices=HoldScope.choices)
    subject = Id(help_text="The id of the organization, person, project or chat.")
    reason = Text(max_length=1000, help_text="Such as the number of a case. Owners and operators see it.")


class Holds(APIView):
    """The holds that an organization's owners have placed."""

    @documented("list_holds", query=PageQuery, page_of=HoldSerializer)
    def get(self, request: Request, organization: UUID) -> Response:
        """List holds, also released ones, newest first; none that is on the caller. Owners only."""
        read(PageQuery, request.query_params)
        rows = holds.holds_of(caller(request), _place(request, organization))
        return page(request, rows, HoldSerializer, ordering="-created_at")

    @documented("place_hold", body=NewHold, answer=HoldSerializer, makes=True)
    def post(self, request: Request, organization: UUID) -> Response:
        """Place a hold: what it is on is not erased, though it may be deleted, until it is released. Owners only."""
        user, place = caller(request), _place(request, organization)
        holds.holds_of(user, place)

        def make(body: dict[str, Any]) -> Hold:
            return holds.place_in(user=user, organization=place, **body)

        return created(request, NewHold, HoldSerializer, make, lambda id: found(holds.holds_of(user, place), id))


class OneHold(APIView):
    """One of them."""

    @documented("read_hold", answer=HoldSerializer)
    def get(self, request: Request, organization: UUID, id: UUID) -> Response:
        """Read a hold. Owners only."""
        read(Nothing, request.query_params)
        return shown(request, HoldSerializer, _hold(request, organization, id))

    @documented("release_hold", answer=HoldSerializer)
    def delete(self, request: Request, organization: UUID, id: UUID) -> Response:
        """Release a hold: what was deleted meanwhile is erased within the hour. Its row stays. Owners only."""
        read(Nothing, request.query_params)
        hold = _hold(request, organization, id)
        return shown(request, HoldSerializer, holds.release(hold, caller(request)))


def _hold(request: Request, organization: UUID, id: UUID) -> Hold:
    return found(holds.holds_of(caller(request), _place(request, organization)), id)


def _place(request: Request, id: UUID) -> Organization:
    return found(Organization.objects.visible_to(caller(request)), id)


urls: list[URLPattern] = [
    path("api/organizations/<uuid:organization>/holds/", Holds.as_view(), name="holds"),
    path("api/organizations/<uuid:organization>/holds/<uuid:id>/", OneHold.as_view(), name="hold"),
]
