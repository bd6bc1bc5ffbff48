"""Does every run's log hold what is promised of it? Reads only; beside live traffic it takes open runs as they are."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from uuid import UUID

import msgspec

from agents import events as ev
from chat.eventlog import Logged, stored
from chat.eventlog.projection import Fold, fold
from chat.eventlog.rows import first_of
from chat.models import LogState, MessageStatus, Run, RunStatus

ENDS: dict[type, RunStatus] = {
    ev.RunCompleted: RunStatus.SUCCEEDED,
    ev.RunFailed: RunStatus.FAILED,
    ev.RunCancelled: RunStatus.CANCELLED,
}


@dataclass(frozen=True)
class Audit:
    """One run, and what is wrong with it; nothing is, where every count is 0 and every flag false."""

    run: str
    kind: str
    chat: str
    status: str
    attempt: int
    crashes: int
    started: list[tuple[int, float]]  # (attempt, time) of each process that took it
    ended_at: float | None
    error: str = ""
    gaps: int = 0  # numbers missing in the log
    doubles: int = 0  # numbers given twice
    ends: int = 1  # terminal events
    after_end: int = 0  # events behind the first terminal one
    fold_differs: list[str] = field(default_factory=list)  # fields of the rows that the events say otherwise
    holds_lease: bool = False  # although it has ended
    is_open: bool = False

    @property
    def faults(self) -> list[str]:
        """What is wrong, in words."""
        found = {
            f"{self.gaps} numbers missing": self.gaps,
            f"{self.doubles} numbers twice": self.doubles,
            f"{self.ends} ends": self.ends != (0 if self.is_open else 1),
            f"{self.after_end} events behind the end": self.after_end,
            f"the rows differ in {', '.join(self.fold_differs)}": self.fold_differs,
            "an ended run with a lease": self.holds_lease,
        }
        return [text for text, is_so in found.items() if is_so]


def audits(runs: Iterable[UUID]) -> Iterator[Audit]:
    """Look at these runs, one by one."""
    for run_id in runs:
        run = Run.objects.select_related("message").filter(pk=run_id).first()
        if run is not None:
            yield audit(run)


def audit(run: Run) -> Audit:
    """Look at one run."""
    entries = stored(run.pk)
    ends = [index for index, entry in enumerate(entries) if isinstance(entry.event, ev.TERMINALS)]
    gaps, doubles = _numbering(entries)
    return Audit(
        run=str(run.pk),
        kind=run.kind,
        chat=str(run.chat_id or ""),
        status=run.status,
        attempt=run.attempt,
        crashes=run.crashes,
        started=[(each.event.attempt, each.event.at) for each in entries if isinstance(each.event, ev.RunStarted)],
        ended_at=entries[ends[0]].event.at if ends else None,
        error=run.error_code,
        gaps=0 if run.log_state == LogState.ANSWER else gaps,  # of such a log the rest is gone on purpose
        doubles=doubles,
        ends=len(ends),
        after_end=len(entries) - 1 - ends[0] if ends else 0,
        fold_differs=[] if run.is_open else _differences(run, fold(each.event for each in entries)),
        holds_lease=not run.is_open and run.owner is not None,
        is_open=run.is_open,
    )


def _numbering(entries: list[Logged]) -> tuple[int, int]:
    """Numbers missing and numbers given twice; the first must be 1."""
    if not entries:
        return 1, 0
    steps = [first_of(entries[0])] + [first_of(after) - before.seq for before, after in pairwise(entries)]
    return sum(max(0, step - 1) for step in steps), sum(step < 1 for step in steps)


def _as_stored(told: list[dict[str, Any]], stored: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parts as the version that stored them tells them: an older one did not say of a call which turn it is of."""
    if any("turn" in part for part in stored):
        return told
    return [{name: value for name, value in part.items() if name != "turn"} for part in told]


def _differences(run: Run, folded: Fold) -> list[str]:
    """What the rows say otherwise than the events. A deleted message has no log to compare."""
    if run.message is not None and run.message.status == MessageStatus.DELETED:
        return []
    told: dict[str, Any] = {
        "status": ENDS.get(type(folded.terminal)),
        "turns": folded.turns,
        "error_code": getattr(folded.terminal, "code", ""),
        "content": folded.content,
        "parts": msgspec.to_builtins(folded.parts),
    }
    stored_as = {"status": RunStatus(run.status), "turns": run.turns, "error_code": run.error_code}
    if run.message is not None:
        stored_as["content"] = run.message.content
    if run.message is not None and run.log_state != LogState.ANSWER:
        stored_as["parts"] = run.message.parts
        told["parts"] = _as_stored(told["parts"], run.message.parts)
    return [name for name, value in stored_as.items() if told[name] != value]
