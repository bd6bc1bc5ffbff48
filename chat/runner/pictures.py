"""Pictures that a provider could not read: marked, so that they break no later message of their chat. Sync."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from chat.bus import notices
from chat.models import Message
from chat.models.facts import RunFacts


def origin(message_id: UUID, number: int) -> str:
    """How an attachment is named to a provider's errors: its message and its place there."""
    return f"{message_id}/{number}"


def mark_unreadable(run: RunFacts, origins: Iterable[str]) -> None:
    """Mark these attachments of the run's chat. Within the transaction that ends it: the chat is locked."""
    if run.chat_id is None:
        return
    numbers: dict[UUID, set[int]] = defaultdict(set)
    for each in origins:
        id, _, number = each.partition("/")
        numbers[UUID(id)].add(int(number))
    for message in Message.objects.filter(chat=run.chat_id, pk__in=numbers).order_by("pk"):
        _mark(message, numbers[message.pk])
        notices.tell(run.chat_id, changed=[message.pk])


def _mark(message: Message, numbers: set[int]) -> None:
    message.attachments = [
        {**file, "unreadable": True} if number in numbers and file.get("type") == "image" else file
        for number, file in enumerate(message.attachments)
    ]
    message.save(update_fields=["attachments", "updated_at"])
