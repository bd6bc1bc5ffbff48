"""REST for what may be chosen: models and archetypes."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http.fields import Closed, Id
from accounts.http.rest import caller, documented, read
from agents.archetypes import registry
from agents.installation import models
from chat.rest.serializers import ArchetypeSerializer, ModelNameSerializer, Nothing
from chat.services.plans import is_available, plans_for


class ModelsQuery(Closed):
    """Whose models."""

    organization = Id(
        required=False, help_text="By whose plan they are available; without it, where your chats go that name none."
    )
    available = serializers.ChoiceField(
        ("true", "false"), required=False, help_text="Only those that are, or that are not."
    )


class Models(APIView):
    """The models that may be chosen."""

    @documented("list_models", query=ModelsQuery, list_of=ModelNameSerializer)
    def get(self, request: Request) -> Response:
        """List the catalog, each with whether the organization's plan has it, and the least plan that does."""
        query = read(ModelsQuery, request.query_params)
        mine = plans_for(caller(request), query.get("organization"))
        available = {each.id: is_available(each.id, mine) for each in models()}
        wanted = {"true": (True,), "false": (False,)}.get(query.get("available", ""), (True, False))
        found = [each for each in models() if available[each.id] in wanted]
        return Response({"results": ModelNameSerializer(found, many=True, context={"available": available}).data})


class Archetypes(APIView):
    """The kinds of agents that may be chosen."""

    @documented("list_archetypes", list_of=ArchetypeSerializer)
    def get(self, request: Request) -> Response:
        """List the registered archetypes."""
        read(Nothing, request.query_params)
        found = [ArchetypeSerializer(registry.get(name)).data for name in registry.names()]
        return Response({"results": found})
