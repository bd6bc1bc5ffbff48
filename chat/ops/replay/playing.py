"""Playing one case: a hidden chat that expires, a run in it that a process which serves executes, and its end. Sync."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from chat.eventlog import stored
from chat.eventlog.projection import fold
from chat.models import OPEN, REPLAY, Chat, Process, Run, RunStatus, ToolCall
from chat.runner.beginning import UP_S, WorkOrder
from chat.runner.lease import clock
from chat.services.chats import create_chat
from chat.services.runs import cancel_run
from chat.services.work import start_work

HIDDEN_FOR = timedelta(days=1)
LOOK_S = 0.25
PATIENCE_S = 20.0  # that a run waits to be taken where nobody seems to be there


class NobodyServes(Exception):
    """No process is up that would execute the run."""


@dataclass(frozen=True)
class Played:
    """A run of a replay that is over."""

    run: Run
    text: str
    calls: tuple[ToolCall, ...]

    @property
    def is_done(self) -> bool:
        """Whether it has come to its end."""
        return self.run.status == RunStatus.SUCCEEDED


@transaction.atomic
def hidden_chat(source: Run, model: str) -> Chat:
    """A chat of whom the source was for, in the same place, as confidential as that. Raises RequestError."""
    like = source.asked_in
    choices: dict[str, Any] = {} if source.temperature is None else {"temperature": source.temperature}
    chat = create_chat(
        user=source.user,
        organization=like.organization_id,
        project=like.project_id,
        origin=REPLAY,
        takes_default=False,
        is_copy=True,
        title="Replay",
        model=model,
        fallbacks=[],
        **choices,
    )
    chat.is_listed, chat.expires_at, chat.level = False, timezone.now() + HIDDEN_FOR, like.level
    chat.save(update_fields=["is_listed", "expires_at", "level"])
    return chat


def play(chat: Chat, model: str, asked: dict[str, object], sleep: Callable[[float], None] = time.sleep) -> Played:
    """Begin a run of a replay in its chat, and wait for its end. Raises RequestError, NobodyServes."""
    order = WorkOrder(user_id=chat.user_id, chat=chat, model=model, door=REPLAY, asked=asked)
    run = start_work(user=chat.user, kind=REPLAY, order=order)
    begun = time.monotonic()
    while run.status in OPEN:
        if run.status == RunStatus.QUEUED and time.monotonic() - begun > PATIENCE_S and not _is_anybody_up():
            cancel_run(user=chat.user, run=run)
            raise NobodyServes
        sleep(LOOK_S)
        run.refresh_from_db()
    return Played(run, fold([each.event for each in stored(run.pk)]).content, tuple(_calls(run)))


def _calls(run: Run) -> list[ToolCall]:
    return list(ToolCall.objects.filter(run=run).order_by("pk"))


def _is_anybody_up() -> bool:
    return Process.objects.filter(takes_runs=True, seen_at__gte=clock() - timedelta(seconds=UP_S)).exists()
