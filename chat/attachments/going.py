"""Attachments that go: first the row says GOING, which takes it out of every answer, then the bytes go, then the row.

Whoever dies between has left a row that is GOING, and the chore goes on with it. Sync.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from chat.attachments import storing
from chat.models import Attachment, AttachmentState, AttachmentUse

STORING_S = 3_600  # what is STORING for longer was left behind by a process that died
STEP = 100  # rows or names in one step of the chore
log = logging.getLogger(__name__)


def remove(id: UUID) -> bool:
    """Remove it if it is GOING: its bytes, and then its row; whether it was. Raises StorageAway."""
    leaving = Attachment.objects.filter(pk=id, state=AttachmentState.GOING)
    if not leaving.exists():
        return False
    storing.remove(id)
    leaving.delete()
    return True


def try_to_remove(id: UUID) -> None:
    """Give up what was never READY. What fails is left to the chore."""
    Attachment.objects.filter(pk=id, state=AttachmentState.STORING).update(state=AttachmentState.GOING)
    try:
        remove(id)
    except storing.StorageAway:
        log.warning("attachment %s is left for the chore `attachments`", id)


@transaction.atomic
def let_go(id: UUID, *, is_unused_for_s: float = 0.0) -> bool:
    """Mark it as GOING where no message has it; whether it is. Whoever gives it to a message locks it first.

    `is_unused_for_s`: what was in none yet only so many seconds after it came, as its person may be about to send it.
    """
    row = Attachment.objects.select_for_update().filter(pk=id, state=AttachmentState.READY).first()
    if row is None or AttachmentUse.objects.filter(attachment=row).exists():
        return False
    age = timezone.now() - row.created_at
    if row.used_at is None and age < timedelta(seconds=is_unused_for_s):
        return False
    return bool(Attachment.objects.filter(pk=id).update(state=AttachmentState.GOING, updated_at=timezone.now()))


def leave(ids: Iterable[UUID]) -> None:
    """Remove those of them that no message has any more. For what has lost a message: after the commit."""
    for id in ids:
        if let_go(id):
            remove(id)


def mark_unused_of(user: UUID) -> list[UUID]:
    """Mark what this person has brought and no message has; the ids. Within the transaction that deletes them."""
    ids = list(_unused().filter(user=user, state=AttachmentState.READY).values_list("pk", flat=True))
    Attachment.objects.filter(pk__in=ids).update(state=AttachmentState.GOING, updated_at=timezone.now())
    return ids


class Attachments:
    """The chore: what is unused for ATTACHMENT_UNUSED_S, what was left half-stored or half-removed, and bytes that no
    row knows. One round, a step at a time."""

    def __init__(self) -> None:
        self.counts = {"unused": 0, "half-stored": 0, "removed": 0, "without a row": 0}
        self._after: UUID | None = None
        self._names: list[UUID] | None = None

    def step(self) -> bool:
        """Do some. False: there is nothing left."""
        if ids := self._next(self._due()):
            self._mark(ids)
            return True
        if self._names is None:
            self._names = sorted(set(storing.ids()))  # before the rows are read: a row is older than its bytes
        some, self._names = self._names[:STEP], self._names[STEP:]
        self._remove_unknown(some)
        return bool(self._names)

    def _due(self) -> QuerySet[Attachment]:
        now = timezone.now()
        old = Q(created_at__lt=now - timedelta(seconds=settings.ATTACHMENT_UNUSED_S), state=AttachmentState.READY)
        unused = _unused().filter(old | Q(state=AttachmentState.READY, used_at__isnull=False))
        stale = Q(created_at__lt=now - timedelta(seconds=STORING_S), state=AttachmentState.STORING)
        return Attachment.objects.filter(stale | Q(state=AttachmentState.GOING) | Q(pk__in=unused.values("pk")))

    def _next(self, rows: QuerySet[Attachment]) -> list[tuple[UUID, str]]:
        """The next of them, in the order of their ids: what cannot be removed now comes again in the next round."""
        rows = rows.filter(pk__gt=self._after) if self._after else rows
        found = list(rows.order_by("pk").values_list("pk", "state")[:STEP])
        self._after = found[-1][0] if found else self._after
        return found

    def _mark(self, found: list[tuple[UUID, str]]) -> None:
        for id, state in found:
            if state == AttachmentState.STORING:
                stale = Attachment.objects.filter(pk=id, state=AttachmentState.STORING)
                self.counts["half-stored"] += stale.update(state=AttachmentState.GOING)
            elif state == AttachmentState.READY:
                self.counts["unused"] += let_go(id, is_unused_for_s=settings.ATTACHMENT_UNUSED_S)
            self.counts["removed"] += remove(id)

    def _remove_unknown(self, ids: list[UUID]) -> None:
        known = set(Attachment.objects.filter(pk__in=ids).values_list("pk", flat=True))
        for id in ids:
            if id not in known:
                storing.remove(id)
                self.counts["without a row"] += 1


def _unused() -> QuerySet[Attachment]:
    return Attachment.objects.filter(~Exists(AttachmentUse.objects.filter(attachment=OuterRef("pk"))))
