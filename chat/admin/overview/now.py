"""What runs, waits and has failed, which models are slow, and which processes are up."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q, QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from chat.admin.markup import link, person
from chat.admin.overview.links import runs_at
from chat.figures import hours
from chat.figures.asked import HALF, HOUR, MOST
from chat.figures.boxes import Box
from chat.figures.hours import Spell
from chat.figures.words import age, count, midnight, milliseconds, seconds
from chat.models import Process, Run, RunStatus
from chat.runner.presence import EVERY_S

SHOWN_ROWS = 6
SHOWN_PROCESSES = 12  # those heard of last, and all that hold leases
SILENT_AFTER = timedelta(seconds=3 * EVERY_S)


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


def failed(now: datetime) -> Box:
    """What failed in the last hour and today, by code, with yesterday beside it."""
    today, yesterday = midnight(), midnight(1)
    ended = Run.objects.filter(status=RunStatus.FAILED, ended_at__gte=yesterday).order_by()
    is_today = Q(ended_at__gte=today)
    found = ended.values_list("error_code").annotate(
        hour=Count("pk", filter=Q(ended_at__gte=now - HOUR)),
        now=Count("pk", filter=is_today),
        before=Count("pk", filter=~is_today),
    )
    codes = sorted(found, key=lambda row: (-row[1], -row[2], -row[3], row[0]))
    hour, this_day, before = (sum(row[column] for row in codes) for column in (1, 2, 3))
    return Box(
        "failed",
        _("Failed today"),
        runs_at(status__exact="failed", ended="today"),
        figure=count(this_day),
        note=_("%(hour)s in the last hour; yesterday, the whole day: %(count)s")
        % {"hour": count(hour), "count": count(before)},
        is_bad=this_day > 0,
        headers=(_("Code"), _("Last hour"), _("Today"), _("Yesterday")),
        rows=[
            (_failed_link(code, code or "-"), _failed_link(code, count(hour), "hour") if hour else 0, *map(count, days))
            for code, hour, *days in codes
        ],
        numbers=3,
        empty=_("Nothing failed, today or yesterday."),
    )


def slowest(now: datetime) -> Box:
    """Which models let people wait for their first token, today and in the last hour."""
    starts = (midnight(), now - HOUR)
    times: dict[str, tuple[Spell, Spell]] = {}
    for model, steps, *counts in hours.waits_by_model(hours.ended_since(min(starts)), starts):
        for spell, many in zip(times.setdefault(model, (Spell(), Spell())), counts, strict=True):
            spell.waits[steps] += many
    asked = {model: each for model, each in times.items() if each[0].waits.total()}
    ranked = sorted(asked.items(), key=lambda each: (-(each[1][0].within_ms(MOST) or 0), each[0]))
    return Box(
        "slowest",
        _("Slowest models today"),
        runs_at(ended="today", first_token="5000"),
        note=_("time to the first token"),
        headers=(_("Model"), _("Half within"), _("95 % within"), _("Last hour, 95 %"), _("Runs")),
        rows=[
            (_model_link(model), *map(milliseconds, (day.within_ms(HALF), day.within_ms(MOST), hour.within_ms(MOST))),
             count(day.waits.total()))
            for model, (day, hour) in ranked[:SHOWN_ROWS]
        ],
        numbers=4,
        empty=_("No answer has begun today."),
    )  # fmt: skip


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


def _few(runs: QuerySet[Run]) -> QuerySet[Run]:
    wanted = ("pk", "started_at", "waits_until", "model", "attempt", "chat__id", "user__email")
    return runs.select_related("chat", "user").only(*wanted)[:SHOWN_ROWS]


def _title(run: Run) -> str:
    return run.kind if run.chat is None else _("Chat %(id)s") % {"id": str(run.chat.pk)[:8]}


def _until(at: datetime | None, now: datetime) -> str:
    return "-" if at is None else seconds((at - now).total_seconds())


def _failed_link(code: str, shown: str, ended: str = "today") -> SafeString:
    address = runs_at(status__exact="failed", ended=ended, error_code=code)
    return format_html('<a href="{}">{}</a>', address, shown)


def _model_link(model: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', runs_at(ended="today", model=model), model)


def _process(process: Process, now: datetime) -> SafeString:
    is_silent = process.seen_at < now - SILENT_AFTER
    silent = format_html(' <strong class="bad">{}</strong>', _("silent")) if is_silent else ""
    takes = "" if process.takes_runs else format_html(' <span class="quiet">({})</span>', _("takes no runs"))
    return format_html("{}{}{}", process, takes, silent)
