"""The message whose answer began work and does not wait for it: it shows how that stands. Sync, within a transaction.

Locks are taken in the order chat, organization, run, message, budget, by whoever needs several.
"""

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone

from chat.bus import notices
from chat.models import Message, Run


def hold(parent_id: UUID) -> list[Message]:
    """The message of the run that begins work, locked; none where it has none."""
    return list(Message.objects.select_for_update().filter(run=parent_id).only("pk", "chat"))


def begun(run: Run, messages: Sequence[Message]) -> None:
    """The work is stored: these messages name it, and who watches their chats is told."""
    for message in messages:
        Message.objects.filter(pk=message.pk).update(job=run, updated_at=timezone.now())
        notices.tell(message.chat_id, changed=[message.pk], run=run.pk, is_new_run=True)


def changed(run_id: UUID) -> None:
    """The work has begun to run, is further, or has ended."""
    for message_id, chat_id in _shows(run_id):
        Message.objects.filter(pk=message_id).update(updated_at=timezone.now())
        notices.tell(chat_id, changed=[message_id], run=run_id)


def _shows(run_id: UUID) -> list[tuple[UUID, UUID]]:
    """The messages that show it, each with its chat: also where their answer has begun other work since."""
    found = Message.objects.filter(job=run_id).values_list("pk", "chat_id")
    return list(found) or list(Message.objects.filter(run__begun=run_id).values_list("pk", "chat_id"))
