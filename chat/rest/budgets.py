"""REST for budgets: how they stand, and setting those of an organization's projects, people and keys."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import NotFound
from accounts.http.fields import Closed, Id, PageQuery
from accounts.http.rest import caller, created, documented, page, read, shown
from accounts.models import Organization
from chat.metering import amounts
from chat.metering.budgets import Standing, standing, standings
from chat.models import AtEnd, Budget, Period, Scope, Unit
from chat.rest.serializers import Nothing
from chat.services import budgets
from chat.services.budgets import said


class BudgetSerializer(serializers.Serializer[object]):
    """How an organization's budget of tokens stands."""

    tokens = serializers.IntegerField(
        source="amount", help_text="What may be used in a period, input and output together."
    )
    period = serializers.ChoiceField(choices=Period.choices)
    used = serializers.IntegerField(help_text="By the runs that have ended in it.")
    reserved = serializers.IntegerField(help_text="For the runs that have not.")
    left = serializers.IntegerField(help_text="What new runs may reserve; never less than 0.")
    resets_at = serializers.DateTimeField(allow_null=True, help_text="When the next period begins.")


class AnyBudgetSerializer(serializers.Serializer[object]):
    """The budget, or null."""

    budget = BudgetSerializer(allow_null=True, help_text="null: the organization has none.")


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "integer"}]})
class Amount(serializers.Field[Any, Any, Any, Any]):
    """A number of tokens, or an amount of money as a text: read by the service, which knows the unit."""

    def to_internal_value(self, data: Any) -> Any:
        """As it came."""
        return data

    def to_representation(self, value: Any) -> Any:
        """As it is."""
        return value


class BudgetChanges(Closed):
    """What may be changed of a budget."""

    amount = Amount(required=False, help_text='Tokens, or money as a text such as "12.50".')
    warn_percent = serializers.IntegerField(required=False, min_value=1, max_value=100)
    at_end = serializers.ChoiceField(required=False, choices=AtEnd.choices)


class NewBudget(BudgetChanges):
    """A budget to be made."""

    scope = serializers.ChoiceField(choices=Scope.choices)
    scope_id = Id(help_text="Of the project, the person or the API key.")
    unit = serializers.ChoiceField(choices=Unit.choices)
    amount = Amount(help_text='Tokens, or money as a text such as "12.50".')
    period = serializers.ChoiceField(choices=Period.choices)


class OneBudgetSerializer(serializers.Serializer[Budget]):
    """A budget and how it stands. Amounts are texts: tokens, or money in `currency`."""

    id = serializers.IntegerField()
    scope = serializers.ChoiceField(choices=Scope.choices)
    scope_id = serializers.UUIDField()
    scope_name = serializers.SerializerMethodField()
    unit = serializers.ChoiceField(choices=Unit.choices)
    currency = serializers.SerializerMethodField()
    amount = serializers.SerializerMethodField()
    period = serializers.ChoiceField(choices=Period.choices)
    warn_percent = serializers.IntegerField()
    at_end = serializers.ChoiceField(choices=AtEnd.choices)
    used = serializers.SerializerMethodField()
    reserved = serializers.SerializerMethodField()
    left = serializers.SerializerMethodField()
    resets_at = serializers.SerializerMethodField()
    updated_at = serializers.DateTimeField()

    def get_scope_name(self, budget: Budget) -> str:
        """What people call whose it is."""
        return name_of(budget)

    def get_currency(self, budget: Budget) -> str | None:
        """Of a budget in money."""
        return amounts.currency() if budget.in_money else None

    def get_amount(self, budget: Budget) -> str:
        """What may be used in a period."""
        return said(budget.unit, budget.amount)

    def get_used(self, budget: Budget) -> str:
        """By the runs that have ended in it."""
        return said(budget.unit, _standing(budget).used)

    def get_reserved(self, budget: Budget) -> str:
        """For the runs that have not."""
        return said(budget.unit, _standing(budget).reserved)

    def get_left(self, budget: Budget) -> str:
        """What new runs may reserve; never less than 0."""
        return said(budget.unit, _standing(budget).left)

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_resets_at(self, budget: Budget) -> Any:
        """When the next period begins."""
        return serializers.DateTimeField().to_representation(at) if (at := _standing(budget).resets_at) else None


class OrganizationBudget(APIView):
    """The budget of an organization."""

    @documented("read_budget", answer=AnyBudgetSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """Read how many tokens the organization may use, and has used and reserved. Setting it is the operator's."""
        read(Nothing, request.query_params)
        if not Organization.objects.visible_to(caller(request)).filter(pk=id).exists():
            raise NotFound
        budget = Budget.objects.own(id).filter(unit=Unit.TOKENS).first()
        return Response({"budget": BudgetSerializer(standing(budget)).data if budget else None})


class OrganizationBudgets(APIView):
    """All budgets of an organization."""

    @documented("list_budgets", query=PageQuery, page_of=OneBudgetSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """List the organization's own and those of its projects, people and keys, newest first. Needs admin."""
        read(PageQuery, request.query_params)
        rows = budgets.budgets_in(caller(request), id)
        return page(request, rows, OneBudgetSerializer, ordering="-id", prepare=stand)

    @documented("create_budget", body=NewBudget, answer=OneBudgetSerializer, makes=True, conflicts=True)
    def post(self, request: Request, id: UUID) -> Response:
        """Make one of a project, a person or a key; what is used counts from now. Needs admin."""
        user = caller(request)
        return created(
            request,
            NewBudget,
            OneBudgetSerializer,
            make=lambda body: budgets.create_budget(user=user, organization=id, **body),
            find=lambda made: budgets.get_budget(user, id, made),
        )


class OneBudget(APIView):
    """One budget."""

    @documented("change_budget", body=BudgetChanges, answer=OneBudgetSerializer)
    def patch(self, request: Request, id: UUID, budget: int) -> Response:
        """Change its amount, its warning or what happens at its end. Needs admin; the organization's own: operators."""
        user = caller(request)
        found = budgets.get_budget(user, id, budget)
        changes: dict[str, Any] = read(BudgetChanges, request.data)
        return shown(request, OneBudgetSerializer, budgets.change_budget(user=user, budget=found, **changes))

    @documented("delete_budget", status=204)
    def delete(self, request: Request, id: UUID, budget: int) -> Response:
        """Take it away. Needs admin; the organization's own: operators."""
        user = caller(request)
        budgets.delete_budget(user=user, budget=budgets.get_budget(user, id, budget))
        return Response(status=status.HTTP_204_NO_CONTENT)


def name_of(budget: Budget) -> str:
    """What people call whose the budget is; empty where that is gone."""
    match budget.scope:
        case Scope.USER:
            return budget.user.display_name if budget.user else ""
        case Scope.PROJECT:
            return budget.project.name if budget.project else ""
        case Scope.KEY:
            return budget.key.name if budget.key else ""
        case _:
            place = budget.organization or budget.inside
            return place.name if place else ""


def stand(rows: list[Budget]) -> None:
    """Look at how all of them stand at once."""
    for row, found in zip(rows, standings(rows), strict=True):
        row.stands = found  # type: ignore[attr-defined]


def _standing(budget: Budget) -> Standing:
    if not hasattr(budget, "stands"):
        stand([budget])
    return budget.stands  # type: ignore[attr-defined,no-any-return]
