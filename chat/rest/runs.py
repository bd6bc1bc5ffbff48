"""REST for runs. They are started, streamed and stopped at the doors."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http.rest import caller, documented, page, read, shown
from chat.access import get_chat, get_run
from chat.models import Run
from chat.rest.serializers import (
    RunQuery,
    RunSerializer,
)


class Runs(APIView):
    """The runs of the chats one sees, and of the projects."""

    @documented("list_runs", query=RunQuery, page_of=RunSerializer)
    def get(self, request: Request) -> Response:
        """List runs, newest first."""
        query = read(RunQuery, request.query_params)
        return page(request, _runs(request, query), RunSerializer, ordering=query["ordering"])


class OneRun(APIView):
    """One run."""

    @documented("read_run", answer=RunSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """Read a run."""
        return shown(request, RunSerializer, get_run(caller(request), id))


def _runs(request: Request, query: dict[str, Any]) -> QuerySet[Run]:
    """The runs that the query asks for. Raises NotFound for a chat that one does not see."""
    found = Run.objects.visible_to(caller(request))
    if "chat" in query:
        found = found.filter(chat=get_chat(caller(request), query["chat"]))
    for name in ("project", "kind", "status"):
        if name in query:
            found = found.filter(**{name: query[name]})
    if "created_after" in query:
        found = found.filter(created_at__gt=query["created_after"])
    if "created_before" in query:
        found = found.filter(created_at__lt=query["created_before"])
    return found
