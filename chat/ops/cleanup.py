"""Clean-up: removing what has expired and making old logs small, batch by batch beside live traffic. Sync.

Every batch is a short transaction of its own that looks again before it removes, so it may run anywhere, at any time,
twice at once, and be stopped at any moment. A chat with an open run is never touched, nor the log of such a run.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from accounts import cleanup
from accounts.cleanup import Kind
from chat.eventlog import compact
from chat.feedback.models import Annotation, Reaction, left_behind
from chat.models import (
    OPEN,
    Chat,
    ChatSession,
    Compaction,
    Message,
    MessageRole,
    MessageState,
    MessageStatus,
    Run,
    held,
)
from chat.sent import keeping
from chat.sent.models import SentRequest
from chat.services.guests import gone_guests, remove_guests
from chat.services.removing import remove_chat
from chat.webhooks import leaving as webhooks

# A session that has expired is told so for a while before it is unknown.
SESSION_KEPT = timedelta(days=1)
LONG_RUN_S = 3600.0
# Messages that say something else than they did, or nothing. One with attachments also changes when these do.
CHANGED = Q(status=MessageStatus.DELETED) | Q(role=MessageRole.USER, attachments=[])


class CleanUp:
    """One clean-up, a step at a time: `while clean_up.step(): ...`"""

    def __init__(self, at_most: int | None = None, kinds: Sequence[Kind] | None = None) -> None:
        """`at_most`: rows in a batch, else CLEANUP_BATCH. `kinds`: else all."""
        kinds = every() if kinds is None else kinds
        self.at_most = at_most or settings.CLEANUP_BATCH
        self.counts = {kind.name: 0 for kind in kinds}
        self._left = list(kinds)

    def step(self) -> bool:
        """Remove one batch of the next kind that has something to remove. False: there is nothing left."""
        while self._left:
            kind = self._left[0]
            if removed := kind.batch(self.at_most):
                self.counts[kind.name] += removed
                return True
            self._left.pop(0)
        return False


def due() -> dict[str, int]:
    """How many of each kind a clean-up would find now; it may free more, such as the guest of a chat."""
    return {kind.name: kind.due().count() for kind in every()}


def _sessions() -> QuerySet[Any]:
    return ChatSession.objects.filter(expires_at__lt=timezone.now() - SESSION_KEPT).order_by("expires_at")


def _chats() -> QuerySet[Any]:
    """Chats past their end: of guests, and of requests that asked for nothing to be stored."""
    working = Run.objects.filter(chat=OuterRef("pk"), status__in=OPEN)
    over = Chat.objects.filter(~Exists(working), deleted_at=None, expires_at__lt=timezone.now())
    return over.order_by("expires_at")


def remove_due_chats(due: Callable[[], QuerySet[Any]], ids: Sequence[UUID]) -> int:
    """Remove those of them that are still due, each in a transaction of its own; how many."""
    return sum(_remove_chat(due, id) for id in ids)


@transaction.atomic
def _remove_chat(due: Callable[[], QuerySet[Any]], id: UUID) -> bool:
    """Whoever starts a run locks the chat first: either we see the run, or they find no chat."""
    chat = Chat.objects.select_for_update().filter(pk=id).first()
    if chat is None or not due().filter(pk=id).exists():
        return False
    remove_chat(chat)
    return True


def _left_states() -> QuerySet[Any]:
    """Of messages that a process of an older version deleted."""
    return MessageState.objects.filter(~Exists(Message.objects.filter(pk=OuterRef("pk")))).order_by("pk")


def _left_compactions() -> QuerySet[Any]:
    """The same of summaries that tell of messages which are gone, or were deleted or edited since.

    A message with attachments also changes when something is said of these; so its edits are not among them.
    """
    last = Message.objects.filter(pk=OuterRef(OuterRef("upto_id"))).values("position")
    told = Message.objects.filter(chat=OuterRef("chat_id"), position__lte=Subquery(last))
    changed = told.filter(CHANGED, updated_at__gt=OuterRef("created_at"))
    gone = ~Exists(Message.objects.filter(pk=OuterRef("upto_id")))
    return Compaction.objects.filter(gone | Exists(changed)).order_by("pk")


def _left_requests() -> QuerySet[Any]:
    """What was stored of a chat's requests after one of its messages was deleted or edited: its run was under way."""
    since = timezone.now() - 2 * timedelta(seconds=max(LONG_RUN_S, settings.CLEANUP_EVERY_S))
    changed = Message.objects.filter(
        CHANGED,
        chat__runs=OuterRef("run"),  # no join outside: it would begin with the runs, of which there are most
        updated_at__gt=OuterRef("sent_at"),  # by other clocks: what was just made is no change
        created_at__lt=F("updated_at") - timedelta(seconds=1),
    )
    return SentRequest.objects.filter(Exists(changed), sent_at__gt=since).order_by("sent_at")


def _whole_logs() -> QuerySet[Any]:
    """0 seconds: they stay."""
    until = timezone.now() - timedelta(seconds=settings.CHAT_DELTA_RETENTION_S)
    return compact.due_for_merging(until) if settings.CHAT_DELTA_RETENTION_S else Run.objects.none()


def _old_logs() -> QuerySet[Any]:
    until = timezone.now() - timedelta(seconds=settings.CHAT_LOG_RETENTION_S)
    due = compact.due_for_cutting(until).filter(~held("chat", people=("user",)))
    return due if settings.CHAT_LOG_RETENTION_S else Run.objects.none()


def each(change: Callable[[UUID], bool]) -> Callable[[Sequence[UUID]], int]:
    """One transaction for each run: a log can be long."""
    return lambda ids: sum(change(id) for id in ids)


# What apps of ours leave behind, they add.
EXPIRED = [
    Kind("sessions", _sessions),
    Kind("expired chats", _chats, partial(remove_due_chats, _chats)),
    Kind("guests", gone_guests, remove_guests),
    Kind("states of messages that are gone", _left_states),
    Kind("compactions of messages that are gone", _left_compactions),
    *keeping.KINDS,
    Kind("what was sent of messages that are gone", _left_requests),
    *webhooks.KINDS,
    Kind("reactions to messages that are gone", lambda: left_behind(Reaction.objects.all())),
    Kind("annotations of messages that are gone", lambda: left_behind(Annotation.objects.all())),
    *cleanup.KINDS,
]
LOGS = (
    Kind("logs cut to the answer", _old_logs, each(compact.cut_to_answer)),
    Kind("logs with deltas merged", _whole_logs, each(compact.merge_deltas)),
)


def every() -> Sequence[Kind]:
    """All kinds, in order."""
    return (*EXPIRED, *LOGS)
