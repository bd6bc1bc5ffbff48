"""Budgets of projects, people and keys: set by who administers their organization. Sync.

What the organization as a whole may use is set by who runs the installation: in the admin, or by a command.
"""

import logging
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Model

from accounts import audit
from accounts.errors import Conflict, NotAllowed, NotFound, refuse
from accounts.models import ApiKey, Organization, Project, User
from accounts.permissions import permissions_in, require
from chat import money
from chat.metering import amounts
from chat.models import Budget, Scope, Unit
from chat.models.budgets import BudgetQuerySet

log = logging.getLogger(__name__)

MOST = money.MOST
OPERATORS = "What an organization as a whole may use is set by who runs the installation."
TWICE = "There is a budget in this unit and for this period here already: change that one."
EXPECTED = {Unit.TOKENS: f"Expected a whole number of tokens from 0 to {MOST}.", Unit.MONEY: money.EXPECTED}


def budgets_in(user: User, organization: UUID) -> BudgetQuerySet:
    """All budgets of an organization and of what is in it. Needs admin there. Raises NotFound, NotAllowed."""
    place = _administered(user, organization)
    rows = Budget.objects.within([place.pk])
    return rows.select_related("organization", "inside", "project", "user", "key")


def get_budget(user: User, organization: UUID, id: int) -> Budget:
    """One of them. Raises NotFound, NotAllowed."""
    budget = budgets_in(user, organization).filter(pk=id).first()
    if budget is None:
        raise NotFound
    return budget


@transaction.atomic
def create_budget(
    *, user: User, organization: UUID, scope: str, scope_id: UUID, unit: str, amount: object, **choices: Any
) -> Budget:
    """Make one for a project, a person or a key of the organization. Raises Conflict where there is one like it."""
    place = _administered(user, organization)
    if scope == Scope.ORGANIZATION:
        raise NotAllowed(OPERATORS)
    of = {scope: _found(place, scope, scope_id)}
    made = Budget(inside=place, **of, unit=unit, amount=amount_of(unit, amount), **choices)
    Organization.objects.select_for_update().get(pk=place.pk)  # two at once make one
    if Budget.objects.within([place.pk]).filter(**of, unit=unit, period=made.period).exists():
        raise Conflict(TWICE, code="budget_exists", fields={"period": [TWICE]})
    made.save()
    _note("budget.set", user, made)
    log.info("budget %s made by %s: %s for %s %s", made.pk, user.pk, made, scope, scope_id)
    return made


@transaction.atomic
def change_budget(*, user: User, budget: Budget, **changes: Any) -> Budget:
    """Set its amount, its warning or what happens at its end. Of a budget that came from `get_budget`."""
    row = _locked(budget)
    if "amount" in changes:
        row.amount = amount_of(row.unit, changes.pop("amount"))
        row.told_percent = 0  # of what it was before
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(update_fields=["amount", "warn_percent", "at_end", "told_percent", "updated_at"])
    _note("budget.set", user, row)
    log.info("budget %s changed by %s: %s", row.pk, user.pk, row)
    return row


@transaction.atomic
def delete_budget(*, user: User, budget: Budget) -> None:
    """Take it away: what it is of may use as much as the other budgets let it."""
    row = _locked(budget)
    log.info("budget %s deleted by %s: was %s", row.pk, user.pk, row)
    _note("budget.removed", user, row)
    row.delete()


def amount_of(unit: str, value: object) -> int:
    """An amount as it is counted. Raises Invalid."""
    amount = _tokens(value) if unit == Unit.TOKENS else money.nanos_in(value)
    if amount is None:
        raise refuse("amount", EXPECTED[Unit(unit)])
    return amount


def said(budget_unit: str, amount: int) -> str:
    """An amount as it is said: a text such as "5000", or "12.500000000"."""
    return str(amount) if budget_unit == Unit.TOKENS else money.text_of(amount)


def is_in(place: Organization, scope: str, found: Any) -> bool:
    """Whether a project, a person or a key is of the organization."""
    if scope == Scope.USER:
        return bool(found.memberships.filter(organization=place).exists())
    return bool(found.organization_id == place.pk)


def detail_of(budget: Budget) -> dict[str, Any]:
    """What the audit log tells of a budget."""
    in_money = budget.unit == Unit.MONEY
    amount = {"nanos": budget.amount, "currency": amounts.currency()} if in_money else {"tokens": budget.amount}
    return {"scope": budget.scope, "period": budget.period, **amount}


def _note(action: str, user: User, budget: Budget) -> None:
    detail = detail_of(budget) if action == "budget.set" else {"scope": budget.scope}
    audit.record(
        action, actor=user, organization_id=budget.of_id, object_type="budget", object_id=budget.pk, detail=detail
    )


def _administered(user: User, organization: UUID) -> Organization:
    place = Organization.objects.visible_to(user).filter(pk=organization).first()
    if place is None:
        raise NotFound
    require(permissions_in(user, organization=place), "admin")
    return place


def _found(place: Organization, scope: str, id: UUID) -> Model:
    tables: dict[str, Any] = {Scope.PROJECT: Project, Scope.USER: User, Scope.KEY: ApiKey}
    found: Model | None = tables[scope].objects.filter(pk=id).first()
    if found is None or not is_in(place, scope, found):
        raise NotFound(fields={"scope_id": ["There is no such thing in this organization."]})
    return found


def _locked(budget: Budget) -> Budget:
    """The row, of what admins may set. Raises NotAllowed, NotFound."""
    if budget.scope == Scope.ORGANIZATION:
        raise NotAllowed(OPERATORS)
    row = Budget.objects.select_for_update(of=("self",)).filter(pk=budget.pk).first()
    if row is None:
        raise NotFound
    return row


def _tokens(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    is_number = text.isascii() and text.isdigit() and len(text) < len(str(MOST)) + 1
    return int(text) if is_number and int(text) <= MOST else None
