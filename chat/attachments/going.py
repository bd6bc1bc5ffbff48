"""Attachments that go: first the row says GOING, which takes it out of every answer, then the bytes go, then the row.

Whoever dies between has left a row that is GOING, and the chore goes on with it. Sync.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from chat.attachments import storing
from chat.models import Attachment, AttachmentState, AttachmentUse, KeptFile

STORING_S = 3_600  # what is STORING for longer was left behind by a process that died
STEP = 20  # rows or names in one step of the chore, which is to take far less than its lease
FAULTS = 3  # files that cannot be removed, in one round of the chore: it goes past them
AT_ONCE = 500  # ids in one statement
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
    if row is None or not _unused().filter(pk=id).exists():
        return False
    age = timezone.now() - row.created_at
    if row.used_at is None and age < timedelta(seconds=is_unused_for_s):
        return False
    return bool(Attachment.objects.filter(pk=id).update(state=AttachmentState.GOING, updated_at=timezone.now()))


def let_go_old(ids: Sequence[UUID]) -> int:
    """Remove those that are READY, though messages have them: these go on to say what they were called. How many."""
    rows = Attachment.objects.filter(pk__in=ids, state=AttachmentState.READY)
    count = rows.update(state=AttachmentState.GOING, updated_at=timezone.now())
    remove_all(ids)
    return count


def leave(ids: Iterable[UUID]) -> None:
    """Remove those of them that no message has any more. For what has lost a message: after the commit.

    All are out of every answer then; where the storage is away, the chore removes their bytes.
    """
    remove_all([id for some in _parts(ids) for id in _mark_unused(some)])


@transaction.atomic
def _mark_unused(ids: list[UUID]) -> list[UUID]:
    """Mark those of them that no message has; the ids. Whoever gives one to a message locks it first, in this order."""
    ready = Attachment.objects.filter(pk__in=ids, state=AttachmentState.READY)
    locked = [row.pk for row in ready.select_for_update().order_by("pk").only("pk")]
    # A statement of its own: it sees the uses that were stored while we waited for the locks.
    unused = list(_unused().filter(pk__in=locked).values_list("pk", flat=True))
    Attachment.objects.filter(pk__in=unused).update(state=AttachmentState.GOING, updated_at=timezone.now())
    return unused


def remove_all(ids: Iterable[UUID]) -> None:
    """Remove those of them that are GOING, up to the first that the storage does not remove: the chore does the rest.

    Whoever asked for it waits, and a storage that is away makes each file wait for as long.
    """
    for id in ids:
        try:
            remove(id)
        except storing.StorageAway:
            log.warning("attachment %s and those after it are left for the chore `attachments`", id)
            return


def remove_bytes(ids: Iterable[UUID]) -> None:
    """The same of the bytes of those whose rows are gone."""
    try:
        for some in _parts(ids):
            for id in _without_row(some):
                storing.remove(id)
    except storing.StorageAway:
        log.warning("bytes of files that went are left for the chore `attachments`")


def _parts(ids: Iterable[UUID]) -> Iterator[list[UUID]]:
    """Each once, as many together as one statement names."""
    whole = sorted(set(ids))
    return (whole[start : start + AT_ONCE] for start in range(0, len(whole), AT_ONCE))


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
        self._faults = 0
        self._names: list[UUID] | None = None

    def step(self) -> bool:
        """Do some. False: there is nothing left."""
        if found := self._next(self._due()):
            for id, state in found:
                self._after = id
                if not self._went(partial(self._let_go, id, state)):
                    break  # it may have taken long: what is left is for the next step
            return True
        if self._names is None:
            self._names = sorted(set(storing.ids()))  # before the rows are read: a row is older than its bytes
        unknown = _without_row(self._names[:STEP])
        for id in unknown:
            if not self._went(partial(self._remove_unknown, id)):
                self._names = self._names[self._names.index(id) + 1 :]
                return bool(self._names)
        self._names = self._names[STEP:]
        return bool(self._names)

    def _went(self, do: Callable[[], None]) -> bool:
        """Whether it was done. What cannot be removed comes again in the next round. Raises StorageAway at too many."""
        try:
            do()
        except storing.StorageAway:
            self._faults += 1
            if self._faults > FAULTS:
                raise
            self.counts["not removed"] = self._faults
            return False
        return True

    def _due(self) -> QuerySet[Attachment]:
        now = timezone.now()
        old = Q(created_at__lt=now - timedelta(seconds=settings.ATTACHMENT_UNUSED_S), state=AttachmentState.READY)
        unused = _unused().filter(old | Q(state=AttachmentState.READY, used_at__isnull=False))
        stale = Q(created_at__lt=now - timedelta(seconds=STORING_S), state=AttachmentState.STORING)
        return Attachment.objects.filter(stale | Q(state=AttachmentState.GOING) | Q(pk__in=unused.values("pk")))

    def _next(self, rows: QuerySet[Attachment]) -> list[tuple[UUID, str]]:
        """The next of them, in the order of their ids: what cannot be removed now comes again in the next round."""
        rows = rows.filter(pk__gt=self._after) if self._after else rows
        return list(rows.order_by("pk").values_list("pk", "state")[:STEP])

    def _let_go(self, id: UUID, state: str) -> None:
        if state == AttachmentState.STORING:
            stale = Attachment.objects.filter(pk=id, state=AttachmentState.STORING)
            self.counts["half-stored"] += stale.update(state=AttachmentState.GOING)
        elif state == AttachmentState.READY:
            self.counts["unused"] += let_go(id, is_unused_for_s=settings.ATTACHMENT_UNUSED_S)
        self.counts["removed"] += remove(id)

    def _remove_unknown(self, id: UUID) -> None:
        storing.remove(id)
        self.counts["without a row"] += 1


def _without_row(ids: list[UUID]) -> list[UUID]:
    """Those of them that no row knows, in their order."""
    known = set(Attachment.objects.filter(pk__in=ids).values_list("pk", flat=True))
    return [id for id in ids if id not in known]


def _unused() -> QuerySet[Attachment]:
    """What no message has, and no hold keeps for one that was deleted or edited."""
    having = (rows.objects.filter(attachment=OuterRef("pk")) for rows in (AttachmentUse, KeptFile))
    return Attachment.objects.filter(*(~Exists(rows) for rows in having))
