"""POST /api/auth/ticket: a ticket to read one run or chat with. It stands here because it has to see them."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import origin_of
from accounts.http.fields import Closed, Id
from accounts.http.rest import caller, documented, read
from accounts.sign_in import tickets
from chat.access import get_chat, get_run


class TicketBody(Closed):
    """One of the two."""

    run = Id(required=False)
    chat = Id(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raises ValidationError unless it is exactly one."""
        if len(attrs) != 1:
            raise serializers.ValidationError({"run": ["Send either `run` or `chat`."]})
        return attrs


class TicketSerializer(serializers.Serializer[Any]):
    """What to put into `?ticket=`."""

    ticket = serializers.CharField()


class TicketView(APIView):
    @documented("auth_ticket_create", body=TicketBody, answer=TicketSerializer, makes=True)
    def post(self, request: Request) -> Response:
        """A ticket for a run, or for a chat and its runs: good once, for a minute, to read."""
        user, body = caller(request), read(TicketBody, request.data)
        for name, get in (("run", get_run), ("chat", get_chat)):
            if name in body:
                get(user, body[name])
        ids = {f"{name}_id": id for name, id in body.items()}
        token = tickets.make(user, origin=origin_of(request._request), **ids)
        return Response({"ticket": token}, status=201)
