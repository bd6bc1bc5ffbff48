"""Whose turn it is: a lease in the chore's row. Sync; every change is one conditional UPDATE."""

from datetime import timedelta
from typing import Any

from django.db.models import Q

from chat.bus.bell import PROCESS
from chat.models import Chore
from chat.ops.chores.table import Duty
from chat.runner.lease import clock

LEASE = timedelta(seconds=60)  # renewed before each batch, which takes far less


def claim(duty: Duty) -> bool:
    """Make the chore ours, if it is due and nobody is at it. Of many who ask at once, one gets it."""
    return _take(duty, Q(due_at__lte=clock())) or (_make(duty) and claim(duty))


def claim_early(duty: Duty) -> bool:
    """Make the chore ours, due or not, if nobody is at it."""
    return _take(duty, Q()) or (_make(duty) and claim_early(duty))


def renew(duty: Duty) -> bool:
    """Hold it for longer. False where it is somebody else's by now."""
    return bool(_ours(duty).update(**_hold()))


def finish(duty: Duty, told: dict[str, int], error: str = "") -> None:
    """Let it go until it is due again, with what it did and what went wrong."""
    ended = {"owner": None, "held_until": None, "ended_at": clock(), "told": told, "error": error}
    _ours(duty).update(due_at=clock() + timedelta(seconds=duty.every_s), **ended)


def _take(duty: Duty, is_time: Q) -> bool:
    is_free = Q(held_until__isnull=True) | Q(held_until__lt=clock())
    return bool(Chore.objects.filter(is_time, is_free, name=duty.name).update(**_hold()))


def _make(duty: Duty) -> bool:
    """Make its row, due at once; False where it is there already."""
    if Chore.objects.filter(name=duty.name).exists():
        return False
    Chore.objects.bulk_create([Chore(name=duty.name, due_at=clock())], ignore_conflicts=True)
    return True


def _ours(duty: Duty) -> Any:
    return Chore.objects.filter(name=duty.name, owner=PROCESS)


def _hold() -> dict[str, Any]:
    return {"owner": PROCESS, "held_until": clock() + LEASE}
