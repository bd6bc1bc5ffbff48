"""What an organization's admins see of its budgets on their account page: how each stands, the fullest first."""

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, User
from chat.metering.amounts import currency
from chat.metering.budgets import standings
from chat.models import Budget, Period
from chat.page.words import Counted
from chat.services.policies import ADMINS

SHOWN = 100
NANOS_TO_CENTS = 10_000_000
PERIODS = {
    Period.DAY: _("a day"),
    Period.WEEK: _("a week"),
    Period.MONTH: _("a month"),
    Period.EVER: _("in all"),
}


def shown(user: User) -> list[dict[str, Any]]:
    """The budgets of the organizations that the user administers."""
    places = Membership.objects.filter(user=user, role__in=ADMINS).values("organization")
    rows = Budget.objects.filter(Q(organization__in=places) | Q(inside__in=places))
    found = list(rows.select_related("organization", "inside", "project", "user", "key").order_by("-pk")[:SHOWN])
    stand = zip(found, standings(found), strict=True)
    fullest_first = sorted(stand, key=lambda each: each[1].percent, reverse=True)
    return [
        {
            "place": row.organization or row.inside,
            "whose": row.project or row.user or row.key,
            "scope": row.scope,
            "amount": _said(row, standing.amount),
            "used": _said(row, standing.used),
            "period": PERIODS[Period(row.period)],
            "percent": standing.percent,
            "is_near": standing.percent >= row.warn_percent,
            "resets_at": standing.resets_at,
        }
        for row, standing in fullest_first
    ]


def _said(budget: Budget, amount: int) -> str:
    """For people: tokens, or money to the cent."""
    if not budget.in_money:
        return gettext("%(count)s tokens") % {"count": Counted(amount)}
    cents = amount // NANOS_TO_CENTS
    return f"{cents // 100}.{cents % 100:02} {currency()}"
