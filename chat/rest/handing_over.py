"""REST for chats that change hands: of those who have left an organization, and one's own."""

from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import NotFound
from accounts.http.fields import Closed, Id, PageQuery
from accounts.http.idempotency import Answer, once
from accounts.http.rest import caller, documented, page, raw, read
from accounts.models import Organization, User
from accounts.permissions import permissions_in, require
from chat.services import people


class FormerMemberSerializer(serializers.ModelSerializer[User]):
    """Somebody who has left, and how many chats of theirs are there."""

    name = serializers.CharField(source="display_name", read_only=True)
    chats = serializers.IntegerField(source="chats_there", read_only=True)

    class Meta:
        model = User
        fields = ("id", "email", "name", "chats")
        read_only_fields = fields


class HandOverBody(Closed):
    """Whose chats become whose."""

    to = Id(help_text="a member who may write")

    def get_fields(self) -> dict[str, Any]:
        """With a field whose name is a word of Python."""
        return {"from": Id(help_text="somebody who has left, or oneself"), **super().get_fields()}


class HandedOverSerializer(serializers.Serializer[Any]):
    """How many did."""

    chats = serializers.IntegerField()


class FormerMembers(APIView):
    """Who has left an organization, and has chats in it."""

    @documented("list_former_members", query=PageQuery, page_of=FormerMemberSerializer)
    def get(self, request: Request, organization: UUID) -> Response:
        """Those whose chats nobody owns who could see them. Needs admin."""
        place = _place(request, organization)
        require(permissions_in(caller(request), organization=place), "admin")
        read(PageQuery, request.query_params)
        rows = people.former_members(place).annotate(chats_there=Count("chats", filter=Q(chats__organization=place)))
        return page(request, rows, FormerMemberSerializer, ordering="created_at")


class HandOver(APIView):
    """Handing chats over."""

    @documented("hand_over_chats", body=HandOverBody, answer=HandedOverSerializer, makes=True)
    def post(self, request: Request, organization: UUID) -> Response:
        """Make the chats that somebody has in the organization another member's: one's own, or with admin those of
        somebody who has left."""
        place, sent = _place(request, organization), raw(request)
        body = read(HandOverBody, request.data)

        def make() -> Answer:
            count = people.hand_over_in(place, source=body["from"], to=body["to"], by=caller(request))
            return Answer(201, {"chats": count})

        key = request.headers.get("Idempotency-Key")
        made = once(user=caller(request), key=key, route=f"POST {request.path}", body=sent, make=make)
        return Response(made.body, status=made.status)


def _place(request: Request, id: UUID) -> Organization:
    found = Organization.objects.visible_to(caller(request)).filter(pk=id).first()
    if found is None:
        raise NotFound
    return found
