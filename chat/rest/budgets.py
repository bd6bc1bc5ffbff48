"""REST for an organization's budget: read by its members, set by whoever runs the installation."""

from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import NotFound
from accounts.http.rest import caller, documented, read
from accounts.models import Organization
from chat.metering.budgets import standing
from chat.models import Budget, Period
from chat.rest.serializers import Nothing


class BudgetSerializer(serializers.Serializer[object]):
    """How an organization's budget stands."""

    tokens = serializers.IntegerField(help_text="What may be used in a period, input and output together.")
    period = serializers.ChoiceField(choices=Period.choices)
    used = serializers.IntegerField(help_text="By the runs that have ended in it.")
    reserved = serializers.IntegerField(help_text="For the runs that have not.")
    left = serializers.IntegerField(help_text="What new runs may reserve; never less than 0.")
    resets_at = serializers.DateTimeField(allow_null=True, help_text="When the next period begins.")


class AnyBudgetSerializer(serializers.Serializer[object]):
    """The budget, or null."""

    budget = BudgetSerializer(allow_null=True, help_text="null: the organization has none.")


class OrganizationBudget(APIView):
    """The budget of an organization."""

    @documented("read_budget", answer=AnyBudgetSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """Read how many tokens the organization may use, and has used and reserved. Setting it is the operator's."""
        read(Nothing, request.query_params)
        user = caller(request)
        if not Organization.objects.visible_to(user).filter(pk=id).exists():
            raise NotFound
        budget = Budget.objects.visible_to(user).filter(organization=id).first()
        return Response({"budget": BudgetSerializer(standing(budget)).data if budget else None})
