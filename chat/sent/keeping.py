"""Rows of what was sent: stored with a run's events, and removed. Sync."""

import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from accounts.cleanup import Kind
from accounts.db.parts import DailyParts
from accounts.db.writes import Insert
from chat.models import Chat
from chat.sent.cutting import cut
from chat.sent.models import SentRequest
from chat.sent.waiting import Waiting

LEVEL = 1  # of compression: 6 makes a tenth less of it for three times the work
# Half of zlib's usual window. Its memory is small enough to be used again; the usual one's comes anew from the system
# each time, which takes longer than to compress a short request.
WINDOW_BITS, MEMORY = 14, 7


def rows(waiting: Iterable[Waiting]) -> list[SentRequest]:
    """The rows of what waited. Call it before the transaction that stores them: it takes a while for long ones."""
    return [_row(each) for each in waiting]


def store(requests: Sequence[SentRequest]) -> None:
    """One statement, or none."""
    if requests:
        _add(requests)


def _row(waiting: Waiting) -> SentRequest:
    sent = waiting.sent
    kept = cut(sent.body, sent.private, settings.CHAT_SENT_MAX_BYTES)
    return SentRequest(
        run_id=waiting.run_id,
        attempt=waiting.attempt,
        agent=sent.agent[:300],
        turn=sent.turn,
        model=sent.model[:100],
        server=sent.server[:200],
        size=len(sent.body),
        is_cut=kept is not sent.body,
        data=_compressed(kept),
        sent_at=datetime.fromtimestamp(sent.at, UTC),
    )


def _compressed(data: bytes) -> bytes:
    made = zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW_BITS, MEMORY)
    return made.compress(data) + made.flush()


_add = Insert(SentRequest)
PARTS = DailyParts(SentRequest._meta.db_table)


def due() -> QuerySet[Any]:
    """What is old enough to go; everything, where nothing is kept any more."""
    return SentRequest.objects.filter(sent_at__lt=PARTS.until(_kept())).order_by("sent_at")


class Days(Kind):
    """Whole days of it, where the database keeps it in parts. Their rows are not counted."""

    def batch(self, at_most: int) -> int:
        """Drop all that are old enough, and make those that come; how many were dropped."""
        return PARTS.keep(_kept())


def _kept() -> timedelta:
    return timedelta(seconds=settings.CHAT_SENT_RETENTION_S)


# What is in no day's part, goes row by row.
KINDS = (Days("days of what was sent to models", SentRequest.objects.none), Kind("what was sent to models", due))


def forget(chat: Chat) -> None:
    """Nothing is kept of what was sent in the chat: a message was deleted or changed that all of it may quote."""
    SentRequest.objects.filter(run__chat=chat).delete()


def forget_person(person: UUID) -> None:
    """Nothing is kept of what was sent for this person, in anybody's chats."""
    of(person).delete()


def of(person: UUID) -> QuerySet[SentRequest]:
    """What was sent for this person, and in their chats."""
    return SentRequest.objects.filter(Q(run__user=person) | Q(run__chat__user=person))


def forget_run(run_id: UUID) -> None:
    """Nothing is kept of what was sent for the run."""
    SentRequest.objects.filter(run=run_id).delete()
