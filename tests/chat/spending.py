"""Runs that end having used what a test says."""

import time
from typing import Any

from msgspec import UNSET

from agents import events as ev
from agents.usage import Usage
from chat.eventlog import Logged, stored
from chat.eventlog.projection import Fold, TurnUsage
from chat.models import Run
from chat.models.facts import facts_of
from chat.runner.ending import Ending, store_ending


def turn(
    model: str, *counts: int, status: Any = "reported", agent: str = "", written: int = 0, from_cache: bool = False
) -> TurnUsage:
    """A turn of the model that used input, cached, output and reasoning tokens."""
    input, cached, output, reasoning = (*counts, 0, 0, 0, 0)[:4]
    usage = Usage(input, cached, output, reasoning, status, written or UNSET, from_cache or UNSET)
    return TurnUsage(agent, 1, 1, model, usage)


def end(run: Run, *turns: TurnUsage, failed: bool = False, at: float | None = None) -> None:
    """End a running run as its process would, with these turns."""
    at = at or time.time()
    fold = Fold(usages=list(turns))
    if failed:
        fold.terminal = ev.RunFailed(at=at, code="internal", message="x", retryable=False, usage=fold.usage)
    else:
        fold.terminal = ev.RunCompleted(at=at, reason="stop", usage=fold.usage)
    last = Logged(1, stored(run.pk)[-1].seq + 1, fold.terminal)
    store_ending(Ending(facts_of(run), 1, fold, [last], claims_next=False))
