"""Who may execute a run: leases in the Run rows. Sync; every change is one conditional UPDATE.

`attempt` is the fencing number: a claim raises it, and whatever an older attempt still writes is refused. Times are the
database's own, so that hosts need not agree.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, models, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Greatest, Now
from django.utils import timezone

from accounts.db.compiled import Compiled
from chat.bus.bell import PROCESS
from chat.metering.counters import counter
from chat.models import LIVE, Chat, Run, RunStatus

takeovers = counter("parley_takeovers_total", "Runs that another process went on with.", "cause")

Claimed = tuple[UUID, int]  # a run, and the attempt that it is this process's by


class _ClockTimestamp(models.Func):
    """PostgreSQL's wall clock: Now() there is the start of the transaction."""

    template = "clock_timestamp()"
    output_field = models.DateTimeField()


def db_now() -> Any:
    """The database's clock, as an expression; with SQLite that is this machine's."""
    return _ClockTimestamp() if connection.vendor == "postgresql" else Now()


def clock() -> Any:
    """The same as a value where it can be one: with SQLite, the time now."""
    return db_now() if connection.vendor == "postgresql" else timezone.now()


def expiry() -> Any:
    """When a lease taken now lapses."""
    return clock() + timedelta(seconds=settings.CHAT_LEASE_S)


def lapsed() -> Q:
    """Runs that nobody holds any more: crashed, or handed over."""
    return Q(status=RunStatus.RUNNING) & (Q(lease_expires_at__lt=clock()) | Q(owner__isnull=True))


def take_over(run_id: UUID) -> int | None:
    """Claim a running run whose lease has lapsed or was released: its new attempt, or None if somebody was quicker."""
    crashed = models.Case(models.When(owner__isnull=True, then=0), default=1)
    count = Run.objects.filter(lapsed(), pk=run_id).update(
        attempt=F("attempt") + 1, crashes=F("crashes") + crashed, owner=PROCESS, lease_expires_at=expiry()
    )
    return Run.objects.values_list("attempt", flat=True).get(pk=run_id) if count else None


def claim_next(chat_id: UUID) -> Claimed | None:
    """Claim the next queued answer of a locked chat, if it has one and none is live."""
    head = _next.first(chat_id)
    if head is None or not claim_queued(head.pk):
        return None
    return head.pk, head.attempt + 1


def _idle_next(chat_id: UUID) -> models.QuerySet[Run]:
    live = Run.objects.answers().filter(chat_id=chat_id, status__in=LIVE)
    queued = Run.objects.answers().filter(~models.Exists(live), chat_id=chat_id, status=RunStatus.QUEUED)
    return queued.order_by("position").only("pk", "attempt")[:1]


_next: Compiled[Run] = Compiled(_idle_next, UUID)


def claim_queued(run_id: UUID) -> bool:
    """Make a queued run this process's. False if it is queued no more."""
    claimed = Run.objects.filter(pk=run_id, status=RunStatus.QUEUED).update(
        status=RunStatus.RUNNING,
        attempt=F("attempt") + 1,
        owner=PROCESS,
        lease_expires_at=expiry(),
        started_at=Coalesce("started_at", timezone.now()),
    )
    return bool(claimed)


def renew(run_ids: Collection[UUID]) -> set[UUID]:
    """Renew the leases of these runs; those that are still this process's."""
    held = Run.objects.filter(pk__in=run_ids, owner=PROCESS, status=RunStatus.RUNNING)
    with transaction.atomic():
        # In the order in which a group commit locks them: each waiting for the other costs both a second.
        ours = set(held.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))
        Run.objects.filter(pk__in=ours).update(lease_expires_at=expiry())
    return ours


def stop_requests() -> list[tuple[UUID, str]]:
    """The runs of this process that were asked to stop, and by whom (a user id)."""
    asked = Run.objects.filter(owner=PROCESS, status=RunStatus.RUNNING, cancel_requested_at__isnull=False)
    # In no order: for one SQLite goes through all runs there are, instead of those that are running.
    return [(pk, str(by or "")) for pk, by in asked.order_by().values_list("pk", "cancel_requested_by")]


def release(run_id: UUID, attempt: int) -> bool:
    """Give a run back, for anyone to go on with at once. False where that attempt holds it no more."""
    mine = Run.objects.filter(pk=run_id, attempt=attempt, owner=PROCESS, status=RunStatus.RUNNING)
    return bool(mine.update(owner=None, lease_expires_at=None))


def take_away(run_id: UUID, attempt: int) -> bool:
    """Take a run's lease from whoever holds it, for anyone to go on with. False if that attempt holds none any more."""
    held = Run.objects.filter(pk=run_id, attempt=attempt, status=RunStatus.RUNNING, owner__isnull=False)
    return bool(held.update(owner=None, lease_expires_at=None))


def release_all_others() -> int:
    """Let the leases of every other process lapse: only for a process that knows itself to be alone."""
    others = Run.objects.filter(status=RunStatus.RUNNING).exclude(owner=PROCESS).exclude(owner__isnull=True)
    return others.update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def oldest_unclaimed_s() -> float:
    """For how many seconds the run that waits longest has waited for a process to take it; 0 where none does.

    That is an answer which is queued in an idle chat, or any run whose lease has lapsed. Runs behind another in their
    chat do not count, nor work that waits for room, nor runs that were handed over, which bear no date.
    """
    busy = Run.objects.answers().filter(status__in=LIVE).values("chat")
    before = Run.objects.answers().filter(chat=models.OuterRef("chat")).order_by().values("chat")
    freed_at = models.Subquery(before.values(at=models.Max("ended_at")), output_field=models.DateTimeField())
    queued = Run.objects.answers().filter(status=RunStatus.QUEUED).exclude(chat__in=busy).order_by()
    free_since = Greatest("created_at", Coalesce(freed_at, "created_at"))
    lapsed_at = Run.objects.filter(lapsed(), lease_expires_at__isnull=False).order_by()
    since = [
        queued.aggregate(at=models.Min(free_since))["at"],
        lapsed_at.aggregate(at=models.Min("lease_expires_at"))["at"],
    ]
    return max((max(0.0, (timezone.now() - at).total_seconds()) for at in since if at is not None), default=0.0)


def find_lying(held: Collection[UUID], kinds: Collection[str], limit: int = 50) -> list[Claimed]:
    """Claim what lies about: lapsed runs of these kinds (but none held here), and queued answers of idle chats."""
    found: list[Claimed] = []
    lying = Run.objects.filter(lapsed(), kind__in=kinds).exclude(pk__in=held).order_by("created_at")
    for run_id, owner in lying.values_list("pk", "owner")[:limit]:
        attempt = take_over(run_id)
        if attempt is not None:
            takeovers.add(cause="handed_over" if owner is None else "lapsed")
            found.append((run_id, attempt))
    return found + _find_queued(limit)


def _find_queued(limit: int) -> list[Claimed]:
    busy = Run.objects.answers().filter(status__in=LIVE).values("chat")
    idle = Run.objects.answers().filter(status=RunStatus.QUEUED).exclude(chat__in=busy)
    chats = list(idle.order_by().values_list("chat", flat=True).distinct()[:limit])
    return [claimed for chat_id in chats if (claimed := _claim_locked(chat_id)) is not None]


def _claim_locked(chat_id: UUID) -> Claimed | None:
    try:
        with transaction.atomic():
            Chat.objects.select_for_update().filter(pk=chat_id).first()
            return claim_next(chat_id)
    except IntegrityError:  # somebody made another one live in between
        return None
