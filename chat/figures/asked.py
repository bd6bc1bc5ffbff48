"""Runs by the hour as boxes: how it goes, and which chats are dear. Sync."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Max, Q, Sum, UUIDField, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.models import Organization
from chat.figures import charts, costs, hours
from chat.figures.boxes import Box
from chat.figures.hours import Spell
from chat.figures.words import breaking, count, milliseconds, share, short
from chat.metering import zones
from chat.models import Chat, RunStatus

Called = Callable[[list[UUID]], Mapping[UUID, object]]  # how chats are written
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HALF, MOST = 0.5, 0.95
SHOWN = 6


def spells(now: datetime, organization: Organization | None = None) -> Box:
    """The last hour beside today: what ended, what of it failed, and how long people waited for the first token."""
    zone = _zone(organization)
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    hour, today = hours.since((now - HOUR, midnight), organization)
    asked: list[tuple[str, Callable[[Spell], str]]] = [
        (_("Runs that ended"), lambda each: count(each.ended)),
        (_("of them failed"), _failed),
        (_("First token, half within"), lambda each: milliseconds(each.within_ms(HALF))),
        (_("First token, 95 % within"), lambda each: milliseconds(each.within_ms(MOST))),
    ]
    return Box(
        "spells",
        _("The last hour"),
        "",
        figure=count(hour.ended),
        note=_("runs ended; %(failed)s failed") % {"failed": _failed(hour)},
        is_bad=hour.failed > 0,
        headers=(_("Figure"), _("Last hour"), _("Today")),
        rows=[(name, of(hour), of(today)) for name, of in asked],
        numbers=2,
    )


def failures(now: datetime, organization: Organization, said: Callable[[str], str]) -> Box:
    """Why runs failed in the last 24 hours; `said` is a code in words."""
    failed = hours.ended_since(now - DAY, organization).filter(status=RunStatus.FAILED).values_list("error_code")
    found = failed.annotate(hour=Count("pk", filter=Q(ended_at__gte=now - HOUR)), day=Count("pk"))
    rows = sorted(found, key=lambda row: (-row[1], -row[2], row[0]))
    return Box(
        "failures",
        _("Why runs failed"),
        "",
        headers=(_("Code"), _("Last hour"), _("24 hours")),
        rows=[(_with_words(code, said(code)), count(hour), count(day)) for code, hour, day in rows],
        numbers=2,
        empty=_("No run has failed in 24 hours."),
    )


def by_hour(now: datetime, organization: Organization | None = None) -> list[Box]:
    """Runs and times to the first token of the last 24 hours: two charts, each with its table."""
    zone = _zone(organization)
    found = [(at.astimezone(zone), spell) for at, spell in hours.by_hour(now, organization).items()]
    return [_runs(found), _waits(found)]


def dearest(now: datetime, organization: Organization | None, called: Called) -> Box:
    """The chats that cost most in the last 24 hours."""
    found = _of_chats(now, organization).values("of").annotate(
        tokens=Sum(F("input_tokens") + F("output_tokens")), nanos=Sum("cost_nanos"), priced=Sum("priced_tokens"),
        runs=Count("pk"),
    )  # fmt: skip
    columns = 5 if costs.known() else 4
    rows, chats, people = _named(found.order_by("-nanos", "-tokens"), called)
    return Box(
        "dearest",
        _("Dearest chats, 24 hours"),
        "",
        headers=(_("Chat"), _("Person"), _("Runs"), _("Tokens"), _("Cost"))[:columns],
        rows=[
            (chats[row["of"]], people[row["of"]], count(row["runs"]),
             short(row["tokens"]), costs.kept(row["nanos"], row["priced"], row["tokens"]))[:columns]
            for row in rows
        ],
        numbers=columns - 2,
        empty=_("No run of a chat has ended."),
    )  # fmt: skip


def slowest(now: datetime, organization: Organization | None, called: Called) -> Box:
    """The chats in which people waited longest for a first token in the last 24 hours."""
    began = _of_chats(now, organization).filter(first_token_ms__isnull=False)
    found: Any = began.values("of", "model").annotate(longest=Max("first_token_ms"))
    rows, chats, people = _named(found.order_by("-longest"), called)
    return Box(
        "slow-chats",
        _("Slowest chats, 24 hours"),
        "",
        headers=(_("Chat"), _("Person"), _("Model"), _("First token")),
        rows=[
            (chats[row["of"]], people[row["of"]], row["model"],
             milliseconds(row["longest"]))
            for row in rows
        ],
        numbers=1,
        empty=_("No answer has begun."),
    )  # fmt: skip


def _of_chats(now: datetime, organization: Organization | None) -> Any:
    """The runs in chats that have ended in the last 24 hours, with their chat's id as `of`.

    An expression: by the column SQLite would group in the order of its index, and read the runs of all times for that.
    """
    of = Coalesce("chat", Value(None), output_field=UUIDField())
    return hours.ended_since(now - DAY, organization).annotate(of=of).filter(of__isnull=False)


Names = Mapping[UUID, object]


def _named(found: Any, called: Called) -> tuple[list[dict[str, Any]], Names, Names]:
    """The first rows, how their chats are written, and whose they are: asked for these alone, not joined to all.

    Chats that somebody has deleted, and a hold keeps, are not among them.
    """
    first: list[dict[str, Any]] = [dict(row) for row in found[: 2 * SHOWN]]
    there = Chat.objects.filter(pk__in=[row["of"] for row in first], deleted_at=None).order_by()
    people = {id: breaking(email) for id, email in there.values_list("pk", "user__email")}
    rows = [row for row in first if row["of"] in people][:SHOWN]
    return rows, called([row["of"] for row in rows]), people


def _zone(organization: Organization | None) -> tzinfo:
    return zones.zone(organization.timezone) if organization else timezone.get_current_timezone()


def _with_words(code: str, said: str) -> SafeString:
    return format_html('{}<br><span class="quiet">{}</span>', code or "-", said)


def _failed(spell: Spell) -> str:
    return f"{count(spell.failed)} ({share(spell.failed, spell.ended)})" if spell.failed else "0"


def _runs(found: list[tuple[datetime, Spell]]) -> Box:
    title, series = _("Runs by hour"), (_("failed"), _("others"))
    columns = [charts.Hour(at, (each.failed, each.ended - each.failed)) for at, each in found]
    ended, failed = sum(each.ended for _at, each in found), sum(each.failed for _at, each in found)
    return Box(
        "runs-by-hour",
        title,
        "",
        figure=count(ended),
        note=_("that ended in 24 hours; %(failed)s failed") % {"failed": count(failed)},
        chart=charts.by_hour(columns, series, ("failed", "s0"), id="runs-by-hour-chart", title=title),
        headers=(_("Hour"), _("Ended"), _("Failed")),
        rows=[(_at(at), count(each.ended), count(each.failed)) for at, each in reversed(found)],
        numbers=2,
    )


def _waits(found: list[tuple[datetime, Spell]]) -> Box:
    title, series = _("Time to the first token, by hour"), (_("half within"), _("95 % within"))
    lines = [charts.Hour(at, (each.within_ms(HALF), each.within_ms(MOST))) for at, each in found]
    return Box(
        "waits-by-hour",
        title,
        "",
        chart=charts.lines(lines, series, id="waits-by-hour-chart", title=title, said=milliseconds),
        headers=(_("Hour"), *series),
        rows=[(_at(each.at), *map(milliseconds, each.values)) for each in reversed(lines)],
        numbers=2,
    )


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
