"""REST for what was sent: the requests that went to models for a run, for who administers where it works."""

from typing import Any
from uuid import UUID

import msgspec
from django.db.models import QuerySet
from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import NotFound
from accounts.http.fields import PageQuery
from accounts.http.rest import caller, documented, page, read, shown
from accounts.models import User
from chat.access import get_run, require_admin_over
from chat.rest.serializers import Key
from chat.sent.models import SentRequest


class SentSerializer(serializers.ModelSerializer[SentRequest]):
    """One request that went to a model. A turn has several where it was asked again."""

    serializer_related_field = Key

    class Meta:
        model = SentRequest
        fields: tuple[str, ...] = (
            *("id", "run", "attempt", "agent", "turn", "model", "server", "size", "is_cut", "sent_at"),
        )
        read_only_fields = fields
        extra_kwargs = {
            "agent": {"help_text": "As in the run's events; empty: the run's own."},
            "server": {"help_text": "Who was asked: the API that is spoken there, and the address."},
            "size": {"help_text": "Bytes, as it went."},
            "is_cut": {"help_text": "Not all of it is kept."},
        }


class WholeSentSerializer(SentSerializer):
    """The same with what it said."""

    request = serializers.SerializerMethodField()

    class Meta(SentSerializer.Meta):
        fields = (*SentSerializer.Meta.fields, "request")
        read_only_fields = fields

    @extend_schema_field(serializers.JSONField())
    def get_request(self, row: SentRequest) -> Any:
        """As the server was asked, in its own words; a text where its beginning alone is kept."""
        try:
            return msgspec.json.decode(row.text)
        except msgspec.DecodeError:
            return row.text


class RunSent(APIView):
    """Those of a run."""

    @documented("list_sent", query=PageQuery, page_of=SentSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """List what was sent to models for a run, oldest first."""
        read(PageQuery, request.query_params)
        return page(request, _sent(caller(request), id).defer("data"), SentSerializer, ordering="sent_at")


class OneSent(APIView):
    """One of them."""

    @documented("read_sent", answer=WholeSentSerializer)
    def get(self, request: Request, id: UUID, sent: int) -> Response:
        """Read what was sent to a model."""
        row = _sent(caller(request), id).filter(pk=sent).first()
        if row is None:
            raise NotFound
        return shown(request, WholeSentSerializer, row)


def _sent(user: User, id: UUID) -> QuerySet[SentRequest]:
    """Raises NotFound, or NotAllowed where they do not administer where the run works."""
    run = get_run(user, id)
    require_admin_over(user, run)
    return SentRequest.objects.filter(run=run)


urls: list[URLPattern] = [
    path("api/runs/<uuid:id>/sent/", RunSent.as_view(), name="run-sent"),
    path("api/runs/<uuid:id>/sent/<int:sent>/", OneSent.as_view(), name="run-sent-one"),
]
