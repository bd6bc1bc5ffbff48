"""Work that answers nothing, begun and ended by hand: for the tests of it."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from agents import events as ev
from chat.eventlog import Logged, stored
from chat.eventlog.projection import fold
from chat.models import Process, Run, RunStatus
from chat.models.facts import facts_of
from chat.ops.chaos import drill
from chat.runner import kinds, lease, runner
from chat.runner.beginning import WorkOrder
from chat.runner.ending import Ending, Following, last_events, store_ending
from chat.services.work import start_work

STEPS = {"steps": 2, "pause_ms": 0}


@pytest.fixture(autouse=True)
def drills(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One more kind, whose work is counted steps; and this process takes no runs by itself."""
    monkeypatch.setattr(runner, "owner_here", lambda: None)
    with kinds.also(drill.KIND):
        yield


def begin(user: User, kind: str = drill.NAME, **order: Any) -> Run:
    return start_work(user=user, kind=kind, order=WorkOrder(user_id=user.pk, **{"asked": STEPS, **order}))


def end(run: Run, *, said: str = "", claims: bool = False, reason: str = "stop") -> Following:
    """The run ends here as if its process had driven it, having said this."""
    run.refresh_from_db()
    if run.status == RunStatus.QUEUED:
        assert lease.claim_queued(run.pk)
    run = Run.objects.select_related("chat").get(pk=run.pk)
    folded = fold([*(each.event for each in stored(run.pk)), ev.TextDelta(at=1.0, text=said)] if said else [])
    last = last_events(folded, run.message_id, lambda usage: ev.RunCompleted(at=2.0, reason=reason, usage=usage))
    entries = [Logged(run.attempt, seq, each) for seq, each in enumerate(last, stored(run.pk)[-1].seq + 1)]
    return store_ending(Ending(facts_of(run), run.attempt, folded, entries, claims_next=claims))


def older_process_is_up() -> None:
    now = timezone.now()
    Process.objects.create(pk=uuid.uuid4(), host="old", pid=1, takes_runs=True, started_at=now, seen_at=now)
