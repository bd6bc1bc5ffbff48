"""`GET /api/commands/`: the slash commands that the caller may choose from."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http.fields import Closed
from accounts.http.rest import caller, documented, read
from chat.access import get_chat
from chat.commands.listing import Listed, listed


class CommandQuery(Closed):
    """Where they are to be used."""

    chat = serializers.UUIDField(required=False, help_text="Left out: in a new chat of the caller's.")


class CommandSerializer(serializers.Serializer[Listed]):
    """A slash command: what begins with its name, as the last message of a person, is done and not sent to a model."""

    name = serializers.CharField(help_text="What one types behind the slash.")
    help = serializers.CharField()
    arguments = serializers.JSONField(help_text="JSON Schema: one text, which is all that is typed behind the name.")
    available = serializers.BooleanField()
    why = serializers.CharField(help_text="Why it is not available; else empty.")


class Commands(APIView):
    """The slash commands."""

    @documented("list_commands", query=CommandQuery, list_of=CommandSerializer)
    def get(self, request: Request) -> Response:
        """List those of the product, then those of own apps."""
        user, asked = caller(request), read(CommandQuery, request.query_params)
        chat = get_chat(user, asked["chat"]) if "chat" in asked else None
        return Response({"results": [CommandSerializer(each).data for each in listed(user, chat)]})
