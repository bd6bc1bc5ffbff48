"""What a month costs so far, who and what uses it, and what caches save: from the usage by day. Sync."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _

from accounts.models import Organization
from agents.installation import price_of
from agents.prices import NANOS
from agents.usage import Usage
from chat.figures import costs
from chat.figures.boxes import Box
from chat.figures.words import breaking, count, share, short
from chat.metering import names, zones
from chat.metering.amounts import currency
from chat.metering.budgets import Standing, standings
from chat.metering.periods import began_on, ends_at
from chat.metering.purposes import purpose_of
from chat.models import ANSWER, Budget, Period, UsageDay

SHOWN = 8  # rows of a box
SHOWN_BUDGETS = 50  # looked at, of an organization
EARLY = timedelta(days=1)  # of a period: until then a pace says nothing
WHOLE = 100


def month(now: datetime, organization: Organization | None = None) -> Box:
    """Spent this month, and what it comes to at this pace; by organization, or of one organization by budget."""
    zone = _zone(organization)
    used = _days(now, organization).aggregate(all_tokens=_tokens(), **costs.sums())
    part = _part(Period.MONTH, zone, now)
    if organization is None:
        headers, rows = (_("Organization"), _("Used"), _("Budget"), _("At this pace")), _by_organization(now)
    else:
        headers, rows = (_("Budget of"), _("Used"), _("Budget"), _("At this pace")), _by_budget(organization, now)
    return Box(
        "month",
        _("This month"),
        "",
        figure=costs.read(used) if costs.known() else short(used["all_tokens"]),
        note=_at_pace(used, part),
        is_bad=any(percent is not None and percent > WHOLE for *_cells, percent in rows),
        headers=headers,
        rows=[(*cells, _told(percent)) for *cells, percent in rows],
        numbers=3,
        empty=_("Nothing was used this month.") if organization is None else _("There are no budgets."),
    )


def by_person(now: datetime, organization: Organization | None = None) -> Box:
    """Which person uses which model, this month."""
    rows = _top(_days(now, organization), "user", "model")
    called = names.names_of("user", {row["user"] for row in rows if row["user"]})
    shown = [(breaking(called.get(row["user"], _("deleted person"))), row["model"], *_used(row)) for row in rows]
    return _table("people", _("By person and model, this month"), (_("Person"), _("Model")), shown)


def by_key(now: datetime, organization: Organization | None = None) -> Box:
    """What comes by which API key and at which door, this month."""
    rows = _top(_days(now, organization), "api_key", "door")
    called = names.names_of("key", {row["api_key"] for row in rows if row["api_key"]})
    shown = [(_key(called, row["api_key"]), row["door"] or "-", *_used(row)) for row in rows]
    return _table("keys", _("By API key and door, this month"), (_("API key"), _("Door")), shown)


def cached(now: datetime, organization: Organization | None = None) -> Box:
    """What was answered by kept answers, what providers read from their caches, and what that saved, this month."""
    answers = Q(purpose=purpose_of(ANSWER))
    found = _days(now, organization).values("model").annotate(
        runs=Sum("runs", filter=answers, default=0), hits=Sum("cache_hits"), input=Sum("input_tokens"),
        cached=Sum("cached_tokens"), all_tokens=_tokens(), paid=Sum("cost_nanos"),
    )  # fmt: skip
    rows: list[dict[str, Any]] = [dict(row) for row in found.order_by("-all_tokens")]
    runs, hits = sum(row["runs"] for row in rows), sum(row["hits"] for row in rows)
    rows = [row for row in rows if row["hits"] or row["cached"]]
    saved = {row["model"]: _saved(row) for row in rows}
    known = [each for each in saved.values() if each is not None]
    return Box(
        "cache",
        _("Caches, this month"),
        "",
        figure=costs.Cost(sum(known) / NANOS, 0, len(known)) if costs.known() else "",
        note=_("about what they saved; %(hits)s of %(runs)s answers were told again")
        % {"hits": count(hits), "runs": count(runs)},
        headers=(_("Model"), _("Told again"), _("Input from a provider's cache"), _("Saved, about")),
        rows=[
            (row["model"], share(row["hits"], row["runs"]), share(row["cached"], row["input"]),
             _money(saved[row["model"]]))
            for row in rows[:SHOWN]
        ],
        numbers=3,
        empty=_("No cache was of use this month."),
    )  # fmt: skip


def _zone(organization: Organization | None) -> str:
    return organization.timezone if organization else timezone.get_current_timezone_name()


def _days(now: datetime, organization: Organization | None) -> QuerySet[UsageDay]:
    """The days of this month, where the organization is."""
    first = began_on(Period.MONTH, _zone(organization), now)
    rows = UsageDay.objects.filter(day__gte=first).order_by()
    return rows if organization is None else rows.filter(organization=organization)


def _tokens() -> Sum:
    return Sum(F("input_tokens") + F("output_tokens"), default=0)


def _top(days: QuerySet[UsageDay], *by: str) -> list[dict[str, Any]]:
    found = days.values(*by).annotate(all_tokens=_tokens(), runs_sum=Sum("runs"), **costs.sums())
    return [dict(row) for row in found.order_by("-all_tokens")[:SHOWN]]


def _used(row: dict[str, Any]) -> tuple[object, ...]:
    return (count(row["runs_sum"]), short(row["all_tokens"]), *([costs.read(row)] if costs.known() else []))


def _table(name: str, title: str, of: Sequence[str], rows: Sequence[Sequence[object]]) -> Box:
    headers = (*of, _("Runs"), _("Tokens"), *([_("Cost")] if costs.known() else []))
    return Box(
        name, title, "", headers=headers, rows=rows, numbers=len(headers) - len(of),
        empty=_("Nothing was used this month."),
    )  # fmt: skip


def _key(called: dict[UUID, str], id: UUID | None) -> str:
    return _("none: signed in") if id is None else called.get(id, str(id)[:8])


# --- At this pace -----------------------------------------------------------------------------------------------------


def _part(period: str, zone: str, now: datetime) -> float | None:
    """How much of the period is over; None where it has no end, or is too young for a pace."""
    first, end = began_on(period, zone, now), ends_at(period, zone, now)
    if first is None or end is None:
        return None
    begin = _midnight(first, zone)
    return None if now - begin < EARLY else (now - begin) / (end - begin)


def _midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zones.zone(zone)).astimezone(UTC)


def _at_pace(used: dict[str, Any], part: float | None) -> str:
    """In a sentence: what the month comes to, if it goes on as it began."""
    if part is None:
        return _("%(tokens)s tokens") % {"tokens": short(used["all_tokens"])}
    tokens = short(int(used["all_tokens"] / part))
    if not costs.known():
        return _("tokens; about %(tokens)s by its end at this pace") % {"tokens": tokens}
    cost = costs.read(used)
    end = costs.Cost(cost.amount / part, cost.unpriced_tokens, cost.priced_tokens)
    return _("about %(cost)s and %(tokens)s tokens by its end at this pace") % {"cost": end, "tokens": tokens}


Row = tuple[str, str, str, int | None]  # whose, what is used, its budget, and how many percent of that at this pace


def _by_organization(now: datetime) -> list[Row]:
    found = _top(_days(now, None), "organization")
    ids = [row["organization"] for row in found]
    called = dict(Organization.objects.filter(pk__in=ids).order_by().values_list("pk", "name"))
    budgets = _own_budgets(ids)
    return [
        (called.get(row["organization"], _("deleted")), _paid_or_used(row),
         *_against(budgets.get(row["organization"]), now))
        for row in found
    ]  # fmt: skip


def _paid_or_used(row: dict[str, Any]) -> str:
    return str(costs.read(row)) if costs.known() else short(row["all_tokens"])


def _own_budgets(ids: Iterable[UUID]) -> dict[UUID, tuple[Budget, Standing]]:
    """The monthly budget that each of these has as a whole; the one in money, where there are two."""
    whole = Budget.objects.within(list(ids)).filter(project=None, user=None, key=None, period=Period.MONTH)
    rows = list(whole.select_related("organization", "inside").order_by("-unit"))  # tokens, then money
    return {row.of_id: (row, found) for row, found in zip(rows, standings(rows), strict=True)}


def _by_budget(organization: Organization, now: datetime) -> list[Row]:
    """The organization's budgets, the fullest first."""
    found = Budget.objects.within([organization.pk]).select_related("organization", "inside", "project", "user", "key")
    rows = list(found.order_by("-pk")[:SHOWN_BUDGETS])
    stand = sorted(zip(rows, standings(rows), strict=True), key=lambda each: -each[1].percent)
    return [(_whose(row), _amount(row, each.used), *_against((row, each), now)) for row, each in stand[:SHOWN]]


def _whose(budget: Budget) -> str:
    whose = budget.project or budget.user or budget.key
    return str(whose) if whose else _("the whole organization")


def _against(found: tuple[Budget, Standing] | None, now: datetime) -> tuple[str, int | None]:
    """The budget's amount, and how many percent of it are used at its period's end if it goes on so."""
    if found is None:
        return "-", None
    budget, stands = found
    place = budget.organization or budget.inside
    part = _part(budget.period, place.timezone if place else "UTC", now)
    percent = int(stands.used * WHOLE / part / stands.amount) if part and stands.amount else None
    return f"{_amount(budget, stands.amount)} {_every(budget.period)}", percent


def _told(percent: int | None) -> object:
    if percent is None:
        return "-"
    shown = f"{count(percent)} %"
    return format_html('<strong class="bad">{}</strong>', shown) if percent > WHOLE else shown


def _amount(budget: Budget, amount: int) -> str:
    return str(costs.Cost(amount / NANOS, 0, 1)) if budget.in_money else short(amount)


def _every(period: str) -> str:
    said = {
        Period.DAY.value: _("a day"), Period.WEEK.value: _("a week"), Period.MONTH.value: _("a month"),
    }  # fmt: skip
    return said.get(period, _("in all"))


# --- What caches save -------------------------------------------------------------------------------------------------


def _saved(row: dict[str, Any]) -> int | None:
    """About what it saved, in nanos: cached input at its price beside the full one; kept answers, as others of the
    model have cost on average. None where the model has no price.
    """
    price = price_of(row["model"])
    if price is None or price.currency != currency():
        return None
    cached = row["cached"]
    read = price.of(Usage(cached)) - price.of(Usage(cached, cached))
    asked = row["runs"] - row["hits"]
    return max(0, read) + (row["hits"] * row["paid"] // asked if asked > 0 else 0)


def _money(nanos: int | None) -> object:
    return "-" if nanos is None else costs.Cost(nanos / NANOS, 0, 1)
