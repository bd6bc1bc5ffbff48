"""REST for the components that builds have written. The builds themselves are runs."""

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http.rest import caller, documented, shown
from chat.services.components import get_component


class ComponentSerializer(serializers.Serializer[Any]):
    """One file of code, as its build committed it. It is shown, and never run."""

    run = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(["react", "html", "svelte", "python"])
    path = serializers.CharField(help_text="From the root of the project.")
    bytes = serializers.IntegerField()
    commit = serializers.CharField(help_text="On the branch of the chat.")
    attempts = serializers.IntegerField(help_text="How many it took until the code was right.")
    code = serializers.CharField()


class OneComponent(APIView):
    """What a build has written."""

    @documented("read_component", answer=ComponentSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """Read the component of a build that has succeeded. 404 of every other run."""
        return shown(request, ComponentSerializer, get_component(caller(request), id))
