"""What a run's page shows above its fields: its head, its timeline, and what each turn used."""

import time
from collections.abc import Iterable
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.admin_lists import as_uuid
from accounts.models import User
from chat.admin.markup import TOKEN_HEADERS, link, link_to_list, table, tokens
from chat.admin.sent import links as sent_links
from chat.admin.timeline import Timeline
from chat.eventlog.rows import walk
from chat.figures import costs
from chat.figures.words import age, clock, count, milliseconds, seconds
from chat.models import Run, RunStatus, UsageRecord

ROWS_A_PAGE = 200
SHOWN_TURNS = 100


def recorded(run: Run, request: HttpRequest) -> dict[str, Any]:
    """All of it, for the template."""
    gate = run.content_gate  # type: ignore[attr-defined]
    now = time.time()
    is_at_work = run.status == RunStatus.RUNNING
    timeline = Timeline(walk(run.pk), with_text=gate.is_open, at_work_until=now if is_at_work else None)
    timeline.people.update(_addresses(timeline.people))
    page = Paginator(timeline.rows, ROWS_A_PAGE).get_page(request.GET.get("rows"))
    sent = sent_links(run, request)
    for row in page.object_list:
        row.sent = sent.get((row.attempt, row.agent, row.turn), [])
    records = list(run.usage_records.order_by("-id"))
    others = Run.objects.answers().filter(chat=run.chat_id).only("pk", "status")
    return {
        "title": _("Run: %(status)s") % {"status": run.get_status_display()},
        "subtitle": None,
        "run": run,
        "head": _head(run, records),
        "provider_error": list((run.provider_error or {}).items()),
        "page": page,
        "sections": timeline.sections(page.object_list, now=now, crashes=run.crashes),
        "sees_calls": request.user.has_perm("chat.view_toolcall"),
        "usage_by_turn": _usage_by_turn(run, records),
        "before": run.is_answer and others.filter(position__lt=run.position).order_by("-position").first(),
        "after": run.is_answer and others.filter(position__gt=run.position).order_by("position").first(),
        "is_compacted": run.log_state != "whole",
    }


def _addresses(people: Iterable[str]) -> dict[str, str]:
    """What these people are called: id -> e-mail address."""
    ids = [id for text in people if (id := as_uuid(text))]
    return {str(id): email for id, email in User.objects.filter(pk__in=ids).values_list("pk", "email")} if ids else {}


def _head(run: Run, records: Iterable[UsageRecord]) -> list[tuple[str, object]]:
    place = run.chat or run
    return [
        (_("Person"), link(run.user)),
        *([] if run.is_answer else [(_("Kind"), run.kind)]),
        (_("Chat"), link(run.chat)),
        (_("Project"), link(place.project)),
        (_("Organization"), link(place.organization)),
        (_("Model"), run.model),
        (_("Archetype"), run.archetype),
        (_("Made"), clock(run.created_at)),
        (_("First token"), milliseconds(run.first_token_ms)),
        (_("Took"), _took(run)),
        (_("Attempts"), run.attempt),
        (_("Lapsed leases"), run.crashes),
        (_("Turns"), _("%(turns)s, %(retries)s retries") % {"turns": run.turns, "retries": run.retries}),
        (_("Tokens"), _spent(run)),
        *([(_("Cost"), costs.cost_of(map(costs.used, records)))] if costs.known() else []),
    ]


def _spent(run: Run) -> str:
    spent = _("%(input)s in, %(cached)s of it cached; %(output)s out, %(reasoning)s of it reasoning") % {
        "input": count(run.input_tokens),
        "cached": count(run.cached_tokens),
        "output": count(run.output_tokens),
        "reasoning": count(run.reasoning_tokens),
    }
    return spent if run.usage_status in ("", "reported") else f"{spent} ({run.usage_status})"


def _took(run: Run) -> str:
    if run.started_at is None:
        return _("not begun; it has waited for %(time)s") % {"time": age(run.created_at, timezone.now())}
    if run.ended_at is None:
        return _("%(time)s so far") % {"time": age(run.started_at, timezone.now())}
    return seconds((run.ended_at - run.started_at).total_seconds())


def _usage_by_turn(run: Run, records: list[UsageRecord]) -> SafeString:
    """One row a turn and attempt: one that was taken back was paid for too."""
    if not records:
        return format_html("<p>{}</p>", _("No turn has been counted."))
    end = None if costs.known() else -1
    headers = (_("Agent"), _("Turn"), _("Attempt"), _("Model"), _("Counted"), *TOKEN_HEADERS, _("Cost"))[:end]
    rows = [
        (each.agent, each.turn, each.attempt, each.model, each.status, *tokens(each), costs.cost_of([costs.used(each)]))
        for each in reversed(records[:SHOWN_TURNS])
    ]
    shown = table(headers, [row[:end] for row in rows], numbers=len(headers) - 5)
    if len(records) <= SHOWN_TURNS:
        return shown
    more = _("The newest %(shown)s of %(count)s") % {"shown": SHOWN_TURNS, "count": count(len(records))}
    return format_html("<p>{}; {}</p>{}", more, link_to_list(UsageRecord, _("all of them"), q=run.pk), shown)
