"""REST for compactions: the summaries that stand for a long chat's older messages, and making one by hand."""

from uuid import UUID

from django.urls import URLPattern, path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http.fields import Closed, PageQuery
from accounts.http.rest import caller, documented, page, read
from chat.access import get_chat
from chat.models import Compaction
from chat.rest.serializers import Key
from chat.services.compacting import compact_chat
from chat.services.compactions import compactions_of


class CompactionSerializer(serializers.ModelSerializer[Compaction]):
    """A summary that a model is told in the place of all messages of the branch up to `upto`. They stay in the chat."""

    serializer_related_field = Key

    class Meta:
        model = Compaction
        fields = (
            *("id", "chat", "upto", "branch_leaf", "summary", "messages", "tokens_before", "tokens_after", "model"),
            "created_at",
        )
        read_only_fields = fields
        extra_kwargs = {
            "upto": {"help_text": "The last message that it stands for; it holds on each branch that has that one."},
            "branch_leaf": {"help_text": "The message that was to be answered when it was made."},
            "messages": {"help_text": "How many it stands for."},
            "tokens_before": {"help_text": "Of what the model was given to read until then, about."},
        }


class CompactionBegun(serializers.Serializer[object]):
    """The run that makes it: watch it at /api/runs/{id}/events."""

    run = serializers.UUIDField()


class NoBody(Closed):
    """Nothing."""


class ChatCompactions(APIView):
    """Those of a chat."""

    @documented("list_compactions", query=PageQuery, page_of=CompactionSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """List the compactions of a chat, oldest first."""
        read(PageQuery, request.query_params)
        rows = compactions_of(get_chat(caller(request), id))
        return page(request, rows, CompactionSerializer, ordering="created_at")


class Compacting(APIView):
    """Making one."""

    @documented("compact_chat", body=NoBody, answer=CompactionBegun, status=202, conflicts=True)
    def post(self, request: Request, id: UUID) -> Response:
        """Sum up the older part of a chat. 409 while an answer is being written, and where nothing is old enough."""
        chat = get_chat(caller(request), id, "write")
        read(NoBody, request.data)
        run = compact_chat(user=caller(request), chat=chat)
        return Response({"run": str(run.pk)}, status=202)


urls: list[URLPattern] = [
    path("api/chats/<uuid:id>/compact/", Compacting.as_view(), name="chat-compact"),
    path("api/chats/<uuid:id>/compactions/", ChatCompactions.as_view(), name="chat-compactions"),
]
