"""REST for what may be chosen: models and archetypes."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http.rest import documented, read
from agents.archetypes import registry
from agents.installation import models
from chat.rest.serializers import ArchetypeSerializer, ModelNameSerializer, Nothing


class Models(APIView):
    """The models that may be chosen."""

    @documented("list_models", list_of=ModelNameSerializer)
    def get(self, request: Request) -> Response:
        """List the catalog."""
        read(Nothing, request.query_params)
        return Response({"results": ModelNameSerializer(list(models()), many=True).data})


class Archetypes(APIView):
    """The kinds of agents that may be chosen."""

    @documented("list_archetypes", list_of=ArchetypeSerializer)
    def get(self, request: Request) -> Response:
        """List the registered archetypes."""
        read(Nothing, request.query_params)
        found = [ArchetypeSerializer(registry.get(name)).data for name in registry.names()]
        return Response({"results": found})
