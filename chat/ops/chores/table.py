"""Which chores there are: a line each."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from django.conf import settings

from accounts.audit.sealing import has_unsealed
from chat.attachments.going import Attachments
from chat.attachments.texts import give_up_left
from chat.ops import consistency
from chat.ops.auditing import Sealing, Telling
from chat.ops.cleanup import EXPIRED, LOGS, CleanUp
from chat.ops.erasure import Erasure
from chat.ops.folding import Folding
from chat.ops.retention import retention
from chat.ops.schedules import Schedules
from chat.ops.summaries import Summaries
from chat.ops.usage import UsageBefore
from chat.search.indexing import Indexing, has_due
from tools.handed_down import HandedDown


class Steps(Protocol):
    """A chore under way."""

    counts: dict[str, int]  # what it did so far, by kind

    def step(self) -> bool:
        """Do one batch, which takes far less than lease.LEASE. False: there is nothing left. Sync."""


@dataclass(frozen=True)
class Duty:
    """One chore. Its batches may run beside live traffic, twice at once, and be stopped at any moment."""

    name: str  # of its row, at most 40 characters
    every: str  # the setting with the seconds from the end of one to the next; 0: never by itself
    begin: Callable[[], Steps]
    looks: int = 10  # a process looks so many times in an interval whether it is due
    has_work: Callable[[], bool] = lambda: True  # asked first where it is due all the time: it costs less than a claim

    @property
    def every_s(self) -> float:
        """Seconds from the end of one to the next; 0: never by itself."""
        return float(getattr(settings, self.every))


# Exports are written by a room above, chat.exports, which hands this down.
write_exports: HandedDown[[], Steps] = HandedDown("write exports")
has_exports: HandedDown[[], bool] = HandedDown("write exports")


def _attachments() -> Steps:
    """The chore `attachments`, once recordings are told of that nobody writes down any more."""
    give_up_left()
    return Attachments()


CHORES = (
    Duty("clean-up", "CLEANUP_EVERY_S", partial(CleanUp, kinds=EXPIRED)),
    Duty("compaction", "COMPACTION_EVERY_S", partial(CleanUp, kinds=LOGS)),
    Duty("attachments", "ATTACHMENTS_EVERY_S", _attachments),
    Duty("retention", "RETENTION_EVERY_S", retention),
    Duty("erasure", "ERASURE_EVERY_S", Erasure),
    Duty("summaries", "MEMORY_EVERY_S", Summaries),
    Duty("schedules", "SCHEDULES_EVERY_S", Schedules),
    Duty("folding", "FOLDING_EVERY_S", Folding),
    Duty("search", "SEARCH_EVERY_S", Indexing, looks=1, has_work=has_due),
    Duty("usage", "USAGE_EVERY_S", UsageBefore),
    Duty("sealing", "AUDIT_SEAL_EVERY_S", Sealing, looks=1, has_work=has_unsealed),
    Duty("exports", "EXPORTS_EVERY_S", write_exports, looks=1, has_work=has_exports),
    Duty("audit", "AUDIT_TELL_EVERY_S", Telling),
    Duty(consistency.NAME, "CONSISTENCY_EVERY_S", consistency.chore),
)
