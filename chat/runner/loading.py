"""Rows to work: everything a run needs, read at once when it begins. Sync.

Who stores an answer knows most of it already and hands that over (`begin`); whoever takes a run over reads it (`load`).
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from accounts.db import AWAY
from accounts.permissions import Permissions
from agents.errors import NoRights, WorkFailed
from agents.events import AnyEvent
from chat.access import require_run
from chat.attachments.reading import Later, NotHere, Reading
from chat.attachments.storing import StorageAway
from chat.eventlog import Fenced, Logged, stored
from chat.eventlog.projection import Fold
from chat.models import ANSWER, Run, RunStatus
from chat.models.facts import RunFacts, facts_of
from chat.runner.kinds import DRIVERS, Work, answer
from chat.runner.kinds.base import Broken

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """A run, ready to be driven."""

    run: RunFacts
    work: Work
    fold: Fold  # of what is stored
    next_seq: int
    is_begun: bool  # this attempt's run.started is stored
    first: list[Logged] = field(default_factory=list)  # the whole log, where it was just stored


Begun = Callable[[], Loaded]  # sync: it reads what a run needs, in the thread of its execution
FILES_AWAY = "The files of the conversation cannot be read at the moment. Try again later."
WITH = ("chat__project", "chat__organization", "project", "organization", "user", "input", "cancel_requested_by")


def load(run_id: UUID, attempt: int, reading: Reading | None = None) -> Loaded | None:
    """The run as this attempt finds it; None if it is not this attempt's any more.

    `reading`: what its attached files are read with. Raises Later where that is `NotHere` and there are some.
    """
    runs = Run.objects.select_related(*WITH)
    run = runs.filter(pk=run_id, attempt=attempt, status=RunStatus.RUNNING).first()
    if run is None:
        return None
    entries = stored(run_id)
    return _loaded(run, _work(run, [each.event for each in entries], reading), entries)


def _work(run: Run, events: list[AnyEvent], reading: Reading | None) -> Work:
    """Its work; what cannot be read again, or is not allowed any more, fails at once, so that the run has an end."""
    kind = DRIVERS[run.kind]
    try:
        permissions = require_run(run, kind.needs)
        if run.kind == ANSWER:
            return answer.load(run, events, permissions, reading)
        return kind.load(run, events, permissions)
    except (*AWAY, Later, Fenced):
        raise
    except (NoRights, WorkFailed) as error:
        return Broken(error)
    except Exception as error:
        return _broken(run, error)


def _broken(run: Run, error: Exception) -> Broken:
    """Work that fails. A storage that is away may be back soon: whoever asked may ask again."""
    if isinstance(error, StorageAway):
        return Broken(WorkFailed("storage", FILES_AWAY, retryable=True))
    log.error("run %s cannot be loaded", run.pk, exc_info=error)
    return Broken(error)


def begin(run: Run, first: Sequence[AnyEvent], permissions: Permissions) -> "Loaded | Begun":
    """The answer as it was just stored here, claimed, with these events; `permissions`: its user's in its chat.

    One query, or none for the first message of a chat. Where attached files are to be read, a function that gives it:
    that is for its execution, as the storage may be slow and the caller's answer does not wait for it.
    """
    try:
        return _begun(run, first, answer.begun(run, first, permissions, NotHere()))
    except Later:
        return partial(_read_begun, run, first, permissions)


def _read_begun(run: Run, first: Sequence[AnyEvent], permissions: Permissions) -> Loaded:
    try:
        return _begun(run, first, answer.begun(run, first, permissions))
    except (*AWAY, Fenced):
        raise
    except Exception as error:
        return _begun(run, first, _broken(run, error))


def _begun(run: Run, first: Sequence[AnyEvent], work: Work) -> Loaded:
    entries = [Logged(run.attempt, seq, event) for seq, event in enumerate(first, 1)]
    return _loaded(run, work, entries, first=entries)


def _loaded(run: Run, work: Work, entries: list[Logged], first: Sequence[Logged] = ()) -> Loaded:
    fold = Fold(input_tokens=work.input_tokens)
    for entry in entries:
        fold.apply(entry.event)
    work.goes_on_from(fold)
    return Loaded(facts_of(run), work, fold, _next_seq(entries), fold.attempt == run.attempt, list(first))


def _next_seq(entries: list[Logged]) -> int:
    return entries[-1].seq + 1 if entries else 1
