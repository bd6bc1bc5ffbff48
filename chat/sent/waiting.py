"""What was sent and is not stored yet, by attempt of a run: the next commit of its events takes it along, or its end.

So nothing is stored for it alone, and what a crash loses is asked anew anyway. On the event loop.
"""

from collections.abc import Callable, Iterable
from functools import partial
from uuid import UUID

import msgspec
from django.conf import settings

from agents.loop.sent import Sent
from chat.models import Run


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """One request that waits."""

    run_id: UUID
    attempt: int
    sent: Sent


Attempt = tuple[UUID, int]  # of a run
_waiting: dict[Attempt, list[Waiting]] = {}


def listener(run: Run) -> Callable[[Sent], None] | None:
    """Who is told what is sent for this attempt of the run; None where nothing of it is to be kept."""
    if not settings.CHAT_SENT_RETENTION_S or run.request.get("store") is False:
        return None
    return partial(_wait, (run.pk, run.attempt))


def _wait(attempt: Attempt, sent: Sent) -> None:
    _waiting.setdefault(attempt, []).append(Waiting(*attempt, sent))


def take(attempts: Iterable[Attempt]) -> list[Waiting]:
    """What waits for these. It waits no more."""
    return [each for attempt in attempts for each in _waiting.pop(attempt, ())]
