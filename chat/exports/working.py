"""The chore that writes exports: one at a time in the whole installation, piece by piece; and that clears away.

The chore's lease says who is at it. A process that dies leaves a row that is `running`; whoever is next begins it anew,
so often and no more. Two at one export, where a lease has lapsed, write to files of their own, and the later attempt
is the one that counts.
"""

import logging
import re
import time
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone, translation

from accounts.db import AWAY
from accounts.errors import NotFound, RequestError
from accounts.http.rest import read
from accounts.sign_in.noting import home_of
from chat.exports import files
from chat.exports.kinds import KINDS
from chat.exports.models import UNDER_WAY, Export, ExportStatus
from chat.exports.writing import Writing
from chat.webhooks import outbox

ATTEMPTS = 3
STEP_S = 1.0  # then its row tells how far it is
CODE_CHARS = 40
ID = re.compile(r"[0-9a-f-]{36}(?=$|\.)")
log = logging.getLogger(__name__)


def has_work() -> bool:
    """Whether one waits or was left, has had its time, or a file lies here that nothing is known of."""
    is_due = Q(expires_at__lte=timezone.now()) | Q(status__in=UNDER_WAY)
    return Export.objects.filter(is_due).exists() or bool(_strays())


class Working:
    """One round: until none is left."""

    def __init__(self) -> None:
        self.counts = {"exports written": 0, "exports failed": 0, "exports removed": clear()}
        self._at: _Attempt | None = None

    def step(self) -> bool:
        """Write for a second. False: there is none left."""
        if self._at is None:
            self._at = _next()
            return self._at is not None
        ended = self._at.step()
        if ended:
            self.counts[f"exports {ended}"] += ended in ("written", "failed")
            self._at = None
        return True


def clear() -> int:
    """Remove what has had its time; says how much."""
    count, _ = Export.objects.filter(expires_at__lte=timezone.now()).delete()
    for name in _strays():
        files.remove(name)
    return count


def _strays() -> set[str]:
    """Files of exports that are not here any more, of chats that are deleted, and what attempts have left."""
    there = files.there()
    if not there:
        return set()
    known: set[str] = set()
    for row in _of(there).only("pk", "attempt"):
        known |= files.names_of(row.pk, row.attempt)
    return there - known


def _of(names: set[str]) -> QuerySet[Export]:
    ids = {found[0] for name in names if (found := ID.match(name))}
    return Export.objects.filter(pk__in=ids).exclude(chat__deleted_at__isnull=False)


# --- One attempt ------------------------------------------------------------------------------------------------------


def _next() -> "_Attempt | None":
    """The oldest that is not over, as ours from now on; one that nobody could write is given up."""
    for row in Export.objects.under_way().select_related("user").order_by("created_at"):
        attempt = _Attempt(row)
        if row.attempt >= ATTEMPTS:
            attempt.fail("failed")
        elif attempt.claim():
            return attempt
    return None


class _Attempt:
    """One process's try to write one export."""

    def __init__(self, row: Export) -> None:
        self.row = row
        self.language = row.user.language or settings.LANGUAGE_CODE
        self.writing: Writing | None = None
        self._pieces: Iterator[int] = iter(())

    def claim(self) -> bool:
        """Begin it, unless somebody else has, or it is gone."""
        before = self._ours()
        self._leave()  # what another has left
        self.row.attempt += 1
        return bool(before.update(status=ExportStatus.RUNNING, attempt=self.row.attempt, done=0, total=None))

    def step(self) -> str:
        """Write for a second; says how it ended, or nothing while it goes on. Raises where the database is away."""
        try:
            with translation.override(self.language):
                return self._step()
        except AWAY:
            raise
        except RequestError as error:
            return self.fail(error.code)
        except Exception:
            log.exception("an export of %s could not be written", self.row.what)
            return self.fail("failed")

    def _step(self) -> str:
        if self.writing is None:
            self._begin()
        end = time.monotonic() + STEP_S
        for done in self._pieces:
            self.row.done = done
            if time.monotonic() > end:
                return self._tell()
        return self._finish()

    def _begin(self) -> None:
        """With the rights that they have now."""
        row = self.row
        if not row.user.is_active:
            raise NotFound
        kind = KINDS[row.what]
        asked = read(kind.shape, row.asked)
        place = kind.place(row.user, asked, row.format)
        self.writing = Writing(row.user, asked, row.format, place, files.path_of(row.pk, row.attempt))
        self._pieces = kind.write(self.writing)

    def _tell(self) -> str:
        """How far it is; one that is not ours any more, or gone, is left."""
        assert self.writing is not None
        if self._ours().update(done=self.row.done, total=self.writing.total):
            return ""
        self._leave()
        return "left"

    def _finish(self) -> str:
        if self._store_end():
            return "written"
        self._leave()
        return "left"

    @transaction.atomic
    def _store_end(self) -> bool:
        """Its file is there: the row and webhooks say so. Not where it is not ours any more."""
        assert self.writing is not None
        row, now, size = self.row, timezone.now(), self.writing.path.stat().st_size
        ended = {"status": ExportStatus.DONE, "ended_at": now, "expires_at": now + _kept()}
        if not self._ours().update(bytes=size, done=row.done, total=self.writing.total, **ended):
            return False
        if place := row.organization_id or home_of(row.user_id):
            outbox.tell("export.done", place, {"export": row.pk})
        return True

    def fail(self, code: str) -> str:
        """It will not be written: its row says why."""
        self._leave()
        now = timezone.now()
        self._ours().update(status=ExportStatus.FAILED, error=code[:CODE_CHARS], ended_at=now, expires_at=now + _kept())
        return "failed"

    def _leave(self) -> None:
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()  # its children end with it
        for name in files.names_of(self.row.pk, self.row.attempt):
            files.remove(name)

    def _ours(self) -> QuerySet[Export]:
        return Export.objects.under_way().filter(pk=self.row.pk, attempt=self.row.attempt)


def _kept() -> timedelta:
    return timedelta(seconds=settings.EXPORT_KEEP_S)
