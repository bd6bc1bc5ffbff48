"""Clean-up by itself: every CLEANUP_EVERY_S, in one process at a time, under a lease in a row of the database."""

import asyncio
import logging
import random
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from accounts.db import db
from chat.bus.bell import PROCESS
from chat.models import Chore
from chat.ops.cleanup import CleanUp
from chat.runner.lease import db_now

CLEAN_UP = "clean-up"
LEASE = timedelta(seconds=60)  # renewed before each batch, which takes far less
PAUSE_S = 0.05  # between two batches: others want to write too
LOOKS = 10  # a process looks so many times in CLEANUP_EVERY_S whether it is due
log = logging.getLogger(__name__)


async def run() -> None:
    """Clean up whenever it is due and nobody else does, for ever; at once over where CLEANUP_EVERY_S is 0."""
    every_s = settings.CLEANUP_EVERY_S
    while every_s:
        await asyncio.sleep(every_s / LOOKS * random.uniform(0.5, 1.0))  # not all processes in step
        try:
            if await db(claim):
                await _clean_up()
        except DatabaseFault as error:
            log.warning("clean-up waits, the database does not answer: %s", type(error).__name__)
        except Exception:
            log.exception("clean-up failed; it is tried again when it is due again")


async def _clean_up() -> None:
    clean_up = CleanUp()
    is_more = await db(clean_up.step)
    while is_more:
        await asyncio.sleep(PAUSE_S)
        is_more = await db(renew) and await db(clean_up.step)
    counts = {name: count for name, count in clean_up.counts.items() if count}
    await db(finish, counts)
    if counts:
        log.info("clean-up: %s", ", ".join(f"{count} {name}" for name, count in counts.items()))


def claim() -> bool:
    """Make the clean-up ours, if it is due and nobody is at it. Of many who ask at once, one gets it."""
    now = _now()
    free = Q(due_at__lte=now) & (Q(held_until__isnull=True) | Q(held_until__lt=now))
    if Chore.objects.filter(free, name=CLEAN_UP).update(**_hold()):
        return True
    if Chore.objects.filter(name=CLEAN_UP).exists():
        return False
    Chore.objects.bulk_create([Chore(name=CLEAN_UP, due_at=now)], ignore_conflicts=True)
    return bool(Chore.objects.filter(free, name=CLEAN_UP).update(**_hold()))


def renew() -> bool:
    """Hold it for longer. False where it is somebody else's by now."""
    return bool(_ours().update(**_hold()))


def finish(counts: dict[str, int]) -> None:
    """Let it go until it is due again."""
    every = timedelta(seconds=settings.CLEANUP_EVERY_S)
    _ours().update(owner=None, held_until=None, due_at=_now() + every, ended_at=_now(), told=counts)


def _ours() -> Any:
    return Chore.objects.filter(name=CLEAN_UP, owner=PROCESS)


def _hold() -> dict[str, Any]:
    return {"owner": PROCESS, "held_until": _now() + LEASE}


def _now() -> Any:
    """The database's clock; with SQLite that is this machine's."""
    return db_now() if connection.vendor == "postgresql" else timezone.now()
