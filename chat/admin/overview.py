"""The boxes of the first screen: each a bounded question that an index or the usage by day answers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.db.models import Count, F, Min, Q, QuerySet, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from chat.admin import costs
from chat.admin.budgets import in_unit
from chat.admin.markup import breaking, link, person
from chat.admin.words import age, count, midnight, milliseconds, seconds, short
from chat.metering.budgets import standings
from chat.models import Budget, Process, Run, RunStatus, UsageDay
from chat.runner.presence import EVERY_S

SHOWN_ROWS = 6
SHOWN_BUDGETS = 50  # looked at: those whose period is over are not told of
SHOWN_PROCESSES = 12  # those heard of last, and all that hold leases
SAMPLED_RUNS = 20_000  # the newest of today, for the percentiles
SILENT_AFTER = timedelta(seconds=3 * EVERY_S)


@dataclass(frozen=True)
class Box:
    """One question with its answer."""

    name: str  # of its element
    title: str
    href: str  # the list of all of it; "" where there is none
    figure: str = ""  # the answer in a word
    note: str = ""
    is_bad: bool = False
    headers: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()
    numbers: int = 0  # how many of the last columns are numbers
    empty: str = ""
    parts: Sequence["Box"] = field(default_factory=tuple)  # tables of their own, under their titles


def boxes(site: AdminSite, request: HttpRequest, now: datetime) -> list[Box]:
    """What this person may see of it, in the order in which it is asked."""
    runs: list[Callable[[], Box]] = [
        lambda: running(now, order=_oldest_first(site, request)),
        failed,
        lambda: waiting(now),
        slowest,
    ]
    asked = [
        *(runs if request.user.has_perm("chat.view_run") else ()),
        *([lambda: processes(now)] if request.user.has_perm("chat.view_process") else ()),
        *([budgets] if request.user.has_perm("chat.view_budget") else ()),
        *([spending] if request.user.has_perm("chat.view_usageday") else ()),
    ]
    return [ask() for ask in asked]


def running(now: datetime, *, order: str = "") -> Box:
    """What is being answered now, the oldest first; and what waits its turn."""
    live = Run.objects.filter(status=RunStatus.RUNNING)
    queued = Run.objects.filter(status=RunStatus.QUEUED).aggregate(count=Count("pk"), since=Min("created_at"))
    lapsed = live.filter(Q(owner__isnull=True) | Q(lease_expires_at__lt=now - timedelta(seconds=2))).count()
    notes = []
    if queued["count"]:
        notes.append(
            _("%(count)s queued, the oldest for %(age)s")
            % {"count": count(queued["count"]), "age": age(queued["since"], now)}
        )
    if lapsed:
        notes.append(_("%(count)s held by nobody") % {"count": count(lapsed)})
    return Box(
        "running",
        _("Running now"),
        runs_at(status__exact="running", **({"o": order} if order else {})),
        figure=count(live.count()),
        note="; ".join(notes),
        is_bad=bool(lapsed),
        headers=(_("For"), _("Chat"), _("Person"), _("Model"), _("Attempt")),
        rows=[
            (age(run.started_at, now), link(run, _title(run)), person(run.user), run.model, run.attempt)
            for run in _few(live.order_by("started_at"))
        ],
        numbers=1,
        empty=_("Nothing runs."),
    )


def waiting(now: datetime) -> Box:
    """What stands still until a person decides."""
    waits = Run.objects.filter(status=RunStatus.WAITING)
    return Box(
        "waiting",
        _("Waiting for approval"),
        runs_at(status__exact="waiting"),
        figure=count(waits.count()),
        headers=(_("Begun"), _("Chat"), _("Person"), _("Denied in")),
        rows=[
            (age(run.started_at, now), link(run, _title(run)), person(run.user), _until(run.waits_until, now))
            for run in _few(waits.order_by("waits_until"))
        ],
        empty=_("Nothing waits for a person."),
    )


def failed() -> Box:
    """What failed today, by code, with yesterday beside it."""
    today, yesterday = midnight(), midnight(1)
    ended = Run.objects.filter(status=RunStatus.FAILED, ended_at__gte=yesterday).order_by()
    is_today = Q(ended_at__gte=today)
    found = ended.values_list("error_code").annotate(
        now=Count("pk", filter=is_today), before=Count("pk", filter=~is_today)
    )
    codes = sorted(found, key=lambda row: (-row[1], -row[2], row[0]))
    sums = (sum(row[1] for row in codes), sum(row[2] for row in codes))
    return Box(
        "failed",
        _("Failed today"),
        runs_at(status__exact="failed", ended="today"),
        figure=count(sums[0]),
        note=_("yesterday, the whole day: %(count)s") % {"count": count(sums[1])},
        is_bad=sums[0] > 0,
        headers=(_("Code"), _("Today"), _("Yesterday")),
        rows=[(_failed_link(code), count(now), count(before)) for code, now, before in codes],
        numbers=2,
        empty=_("Nothing failed, today or yesterday."),
    )


def slowest() -> Box:
    """Which models let people wait for their first token, today."""
    ended = Run.objects.filter(ended_at__gte=midnight(), first_token_ms__isnull=False)
    newest = ended.order_by("-ended_at").values_list("model", "first_token_ms")[:SAMPLED_RUNS]
    times: dict[str, list[int]] = {}
    for model, first_token_ms in newest:
        times.setdefault(model, []).append(first_token_ms or 0)
    ranked = sorted(((_share(each, 0.95), model, each) for model, each in times.items()), reverse=True)
    sampled = sum(map(len, times.values()))
    return Box(
        "slowest",
        _("Slowest models today"),
        runs_at(ended="today", first_token="5000"),
        note=_("of the newest %(count)s runs") % {"count": count(sampled)}
        if sampled == SAMPLED_RUNS
        else _("time to the first token"),
        headers=(_("Model"), _("Half within"), _("95 % within"), _("Runs")),
        rows=[
            (_model_link(model), milliseconds(_share(each, 0.5)), milliseconds(slow), count(len(each)))
            for slow, model, each in ranked[:SHOWN_ROWS]
        ],
        numbers=3,
        empty=_("No answer has begun today."),
    )


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


def processes(now: datetime) -> Box:
    """Which processes are up, and how many runs each holds."""
    held = dict(
        Run.objects.filter(status=RunStatus.RUNNING, owner__isnull=False)
        .order_by()
        .values_list("owner")
        .annotate(Count("pk"))
    )
    known = list(Process.objects.order_by("-seen_at")[:50])
    shown = [each for place, each in enumerate(known) if place < SHOWN_PROCESSES or each.pk in held]
    rows: list[Sequence[object]] = [
        (
            _process(each, now),
            age(each.seen_at, now),
            count(held.pop(each.pk, 0)),
        )
        for each in shown
    ]
    rows += [(_("unknown: %(id)s") % {"id": owner}, "", count(leases)) for owner, leases in held.items()]
    silent = sum(each.seen_at < now - SILENT_AFTER for each in known)
    return Box(
        "processes",
        _("Processes"),
        reverse("admin:chat_process_changelist"),
        figure=count(len(known) - silent),
        note=_("%(count)s silent") % {"count": count(silent)} if silent else "",
        is_bad=bool(silent or held),
        headers=(_("Process"), _("Last heartbeat"), _("Leases held")),
        rows=rows,
        numbers=2,
        empty=_("No process has said that it is up."),
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


def runs_at(**filters: str) -> str:
    """The address of the list of these runs."""
    return f"{reverse('admin:chat_run_changelist')}?{urlencode(filters)}"


def usage_at(**filters: object) -> str:
    """The address of the usage page."""
    return f"{reverse('admin:chat_usageday_changelist')}?{urlencode(filters)}"


def _few(runs: QuerySet[Run]) -> QuerySet[Run]:
    wanted = ("pk", "started_at", "waits_until", "model", "attempt", "chat__id", "user__email")
    return runs.select_related("chat", "user").only(*wanted)[:SHOWN_ROWS]


def _title(run: Run) -> str:
    return run.kind if run.chat is None else _("Chat %(id)s") % {"id": str(run.chat.pk)[:8]}


def _until(at: datetime | None, now: datetime) -> str:
    return "-" if at is None else seconds((at - now).total_seconds())


def _failed_link(code: str) -> SafeString:
    address = runs_at(status__exact="failed", ended="today", error_code=code)
    return format_html('<a href="{}">{}</a>', address, code or "-")


def _model_link(model: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', runs_at(ended="today", model=model), model)


def _budget_link(budget: Budget) -> SafeString:
    whose = budget.project or budget.user or budget.key or budget.organization or budget.inside
    return link(budget, breaking(str(whose)))


def _process(process: Process, now: datetime) -> SafeString:
    is_silent = process.seen_at < now - SILENT_AFTER
    silent = format_html(' <strong class="bad">{}</strong>', _("silent")) if is_silent else ""
    takes = "" if process.takes_runs else format_html(' <span class="quiet">({})</span>', _("takes no runs"))
    return format_html("{}{}{}", process, takes, silent)


def _share(values: Iterable[int], share: float) -> int:
    """The value within which that share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


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


def _oldest_first(site: AdminSite, request: HttpRequest) -> str:
    """What a list's address says for that: the number of the column, which depends on whether rows can be chosen."""
    runs = site.get_model_admin(Run)
    columns = ["action_checkbox"] if runs.get_actions(request) else []
    return str([*columns, *runs.list_display].index("created_at"))
