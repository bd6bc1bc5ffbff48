"""The boxes of the first screen: each a bounded question that an index or the usage by day answers."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from django.contrib.admin import AdminSite
from django.http import HttpRequest

from chat.admin.overview import health, now, spent
from chat.admin.overview.links import chats_by_id, oldest_first, runs_at, usage_at
from chat.figures import asked
from chat.figures import spent as month
from chat.figures.boxes import Box

Asking = tuple[str, Callable[[], list[Box]]]  # the permission that it needs, and the question


def boxes(site: AdminSite, request: HttpRequest, at: datetime) -> list[Box]:
    """What this person may see of it, in the order in which it is asked."""
    user = request.user
    return [box for needed, ask in _asked(site, request, at) if user.has_perm(needed) for box in ask()]


def _asked(site: AdminSite, request: HttpRequest, at: datetime) -> Iterator[Asking]:
    yield "chat.view_run", lambda: _of_runs(site, request, at)
    yield "chat.view_process", lambda: [now.processes(at)]
    yield "chat.view_chore", lambda: [health.consistent(at)]
    yield "accounts.view_auditentry", lambda: [health.audit(at)]
    yield "chat_webhooks.view_webhook", lambda: [health.webhooks(at)]
    yield "chat.view_budget", lambda: [spent.budgets()]
    yield "chat.view_run", lambda: [ask(at, None, chats_by_id) for ask in (asked.slowest, asked.dearest)]
    yield "chat.view_usageday", lambda: _of_usage(at)


def _of_runs(site: AdminSite, request: HttpRequest, at: datetime) -> list[Box]:
    hour = replace(asked.spells(at), href=runs_at(ended="hour"))
    return [
        now.running(at, order=oldest_first(site, request)),
        hour,
        now.failed(at),
        now.waiting(at),
        now.slowest(at),
        *asked.by_hour(at),
    ]


def _of_usage(at: datetime) -> list[Box]:
    questions = (month.month, month.cached, month.by_person, month.by_key)
    return [*(replace(ask(at), href=usage_at(days="30")) for ask in questions), spent.spending()]
