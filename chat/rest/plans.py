"""REST for plans: which there are, and an organization's own. Operators give one: the admin, or manage.py set_plan."""

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import plans
from accounts.http.rest import caller, documented, read, shown
from accounts.plans import FEATURES, Terms
from chat import gate
from chat.rest.serializers import Nothing
from chat.services.plans import plans_for


class PlanSerializer(serializers.Serializer[Any]):
    """What organizations of a plan may use here."""

    name = serializers.CharField()
    label = serializers.CharField(help_text="As people read it.")  # type: ignore[assignment]  # a field of that name
    models = serializers.SerializerMethodField(help_text="Of those that this installation offers, in order.")
    features = serializers.SerializerMethodField(help_text=f"Some of {', '.join(FEATURES)}.")
    limits = serializers.DictField(help_text="Settings that it lowers, by their name.")

    def get_models(self, plan: Terms) -> list[str]:
        """Their names."""
        return gate.models_of(plan)

    def get_features(self, plan: Terms) -> list[str]:
        """Their names."""
        return [each for each in FEATURES if plan.has(each)]


class OrganizationPlanSerializer(PlanSerializer):
    """The same of one organization."""

    plan = serializers.CharField(source="name", help_text="Its name.")
    name = None  # type: ignore[assignment]  # DRF's way to leave a field out


class Plans(APIView):
    """All plans."""

    @documented("plans_list", list_of=PlanSerializer)
    def get(self, request: Request) -> Response:
        """List what organizations may have. A handful, so there are no pages."""
        read(Nothing, request.query_params)
        return Response({"results": PlanSerializer(plans.every(), many=True).data})


class OrganizationPlan(APIView):
    """The plan of an organization."""

    @documented("organizations_plan_retrieve", answer=OrganizationPlanSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """What the organization may use. Its members read it; giving it another is the operator's."""
        read(Nothing, request.query_params)
        plan, *_ = plans_for(caller(request), id)
        return shown(request, OrganizationPlanSerializer, plan)
