"""`manage.py set_budget NAME TOKENS`: how many tokens an organization may use in a period."""

from argparse import ArgumentParser
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts import audit
from accounts.models import Organization
from chat.models import Budget, Period, Unit
from chat.services.budgets import detail_of

MOST = 2**62


class Command(BaseCommand):
    help = "Sets how many tokens, input and output together, an organization may use in a period; what was used stays."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("organization", metavar="NAME", help="its name, or its id")
        parser.add_argument("tokens", type=int, nargs="?", metavar="TOKENS", help="left out: no budget any more")
        parser.add_argument("--period", choices=Period.values, default=Period.MONTH, help="in its time zone (month)")

    def handle(self, *args: Any, organization: str, tokens: int | None, period: str, **options: Any) -> None:
        found = _organization(organization)
        if tokens is None:
            with transaction.atomic():
                for row in Budget.objects.own(found.pk).filter(unit=Unit.TOKENS):
                    _note("budget.removed", found, row)
                    row.delete()
            self.stdout.write(f"{found} has no budget.")
            return
        if not 0 <= tokens <= MOST:
            raise CommandError(f"TOKENS: expected 0 to {MOST}.")
        budget = Budget.objects.own(found.pk).filter(unit=Unit.TOKENS).first() or Budget(organization=found)
        budget.amount, budget.period, budget.told_percent = tokens, period, 0
        with transaction.atomic():
            budget.save()
            _note("budget.set", found, budget, **detail_of(budget))
        self.stdout.write(f"{found}: {budget}.")


def _note(action: str, place: Organization, budget: Budget, **detail: Any) -> None:
    audit.record(
        action, actor=audit.operator(), organization_id=place.pk, object_type="budget",
        object_id=budget.pk, detail=detail,
    )  # fmt: skip


def _organization(name: str) -> Organization:
    found = list(Organization.objects.filter(name=name)[:2])
    with suppress(ValueError):
        found = found or list(Organization.objects.filter(pk=UUID(name)))
    if len(found) != 1:
        raise CommandError(f"There are {len(found)} organizations {name!r}; expected one. Say which by its id.")
    return found[0]
