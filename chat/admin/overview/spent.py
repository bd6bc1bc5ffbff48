"""Who spends what, and which budgets are nearly used up."""

from datetime import timedelta
from typing import Any

from django.db.models import F, Q, QuerySet, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from chat.admin.budgets import in_unit
from chat.admin.markup import link
from chat.admin.overview.links import usage_at
from chat.figures import costs
from chat.figures.boxes import Box
from chat.figures.words import breaking, count, short
from chat.metering.budgets import standings
from chat.models import Budget, UsageDay

SHOWN_ROWS = 6
SHOWN_BUDGETS = 50  # looked at: those whose period is over are not told of


def spending() -> Box:
    """Who uses the most tokens, today and in seven days."""
    today = timezone.localdate()
    week = UsageDay.objects.filter(day__gt=today - timedelta(days=7), day__lte=today)
    is_today = Q(day=today)
    total = week.aggregate(
        today=_tokens(is_today), week=_tokens(Q()), **costs.sums(is_today, prefix="today_"), **costs.sums()
    )
    kinds = (
        (_("Projects"), "project", "project__name"),
        (_("People"), "user", "user__email"),
        (_("Models"), "model", "model"),
    )
    return Box(
        "spending",
        _("Who spends"),
        usage_at(),
        figure=short(total["today"] or 0),
        note=_("tokens today; %(count)s in 7 days") % {"count": short(total["week"] or 0)} + _money(total),
        parts=[_spenders(week, today, *kind) for kind in kinds],
    )


def budgets() -> Box:
    """Those that people were told of in their period, the fullest first."""
    told = Budget.objects.filter(told_percent__gt=0).select_related("organization", "inside", "project", "user", "key")
    rows = list(told.order_by("-told_percent", "-updated_at")[:SHOWN_BUDGETS])
    near = [(row, found) for row, found in zip(rows, standings(rows), strict=True) if found.percent >= row.warn_percent]
    return Box(
        "budgets",
        _("Budgets nearly used up"),
        reverse("admin:chat_budget_changelist"),
        figure=count(len(near)),
        headers=(_("Budget"), _("Amount"), _("Used, %")),
        rows=[(_budget_link(row), in_unit(row, row.amount), found.percent) for row, found in near[:SHOWN_ROWS]],
        numbers=2,
        empty=_("No budget is nearly used up."),
    )


def _budget_link(budget: Budget) -> SafeString:
    whose = budget.project or budget.user or budget.key or budget.organization or budget.inside
    return link(budget, breaking(str(whose)))


def _tokens(when: Q) -> Sum:
    return Sum(F("input_tokens") + F("output_tokens"), filter=when or None, default=0)


def _money(total: dict[str, Any]) -> str:
    """What it cost, as far as prices are known; nothing where none is."""
    if not costs.known():
        return ""
    return "; " + _("%(today)s today, %(week)s in 7 days") % {
        "today": costs.read(total, prefix="today_"), "week": costs.read(total),
    }  # fmt: skip


def _spenders(week: QuerySet[UsageDay], today: Any, title: str, key: str, name: str) -> Box:
    found = week.order_by().values(key, name).annotate(week=_tokens(Q()), today=_tokens(Q(day=today)), **costs.sums())
    parameter = key if key == "model" else f"{key}__id__exact"
    rows = [
        (_spender_link(parameter, row[key], row[name]), short(row["today"]), short(row["week"]), costs.read(row))
        for row in map(dict, found.order_by("-week")[:SHOWN_ROWS])
    ]
    columns = 4 if costs.known() else 3
    return Box(
        key,
        title,
        "",
        headers=(title, _("Today"), _("7 days"), _("Cost, 7 days"))[:columns],
        rows=[row[:columns] for row in rows],
        numbers=columns - 1,
        empty=_("Nothing was used."),
    )


def _spender_link(parameter: str, id: object, shown: str | None) -> SafeString:
    if id is None:
        return format_html('<a href="{}">{}</a>', usage_at(project__isnull="True", days="7"), _("No project"))
    name = breaking(shown or "")
    return format_html('<a href="{}">{}</a>', usage_at(**{parameter: id, "days": "7"}), name)
