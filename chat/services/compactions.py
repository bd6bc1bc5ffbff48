"""The compactions of a chat: reading them, and letting go of what tells of messages that are no more. Sync."""

from django.db.models import QuerySet

from chat.models import Chat, Compaction


def compactions_of(chat: Chat) -> QuerySet[Compaction]:
    """Those of a chat that its caller was let into."""
    return Compaction.objects.filter(chat=chat)


def forget(chat: Chat, position: int) -> None:
    """Those that may tell of the message at this position go: it was changed or deleted. In its transaction."""
    Compaction.objects.filter(chat=chat, upto__position__gte=position).delete()
