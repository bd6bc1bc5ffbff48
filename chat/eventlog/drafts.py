"""What an answer that is still being written holds so far: its row is empty until the run ends."""

from collections.abc import Sequence

import msgspec

from chat.eventlog import projection, rows
from chat.models import Message, MessageStatus


def attach_drafts(messages: Sequence[Message]) -> None:
    """Fill those in progress, in memory, with what their runs' stored events fold to: one query for all of them."""
    writing = {each.run.pk: each for each in messages if each.status == MessageStatus.IN_PROGRESS and _has_run(each)}
    logs = rows.grown(dict.fromkeys(writing, 1)) if writing else {}
    for run_id, entries in logs.items():
        folded = projection.fold(each.event for each in entries)
        message = writing[run_id]
        message.content, message.parts = folded.content, folded.parts
        message.attachments = folded.attachments
        message.usage = msgspec.to_builtins(folded.usage)
    for message in messages:
        message.is_drafted = True  # type: ignore[attr-defined]


def _has_run(message: Message) -> bool:
    return getattr(message, "run", None) is not None
