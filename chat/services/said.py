"""What somebody who is gone has said in other people's chats: ERASE_SHARED says what becomes of it. Sync."""

from collections.abc import Collection
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.errors import Conflict
from chat.models import Chat, Message, MessageStatus
from chat.services.messages import erase_message


def said_elsewhere(person: UUID) -> QuerySet[Message]:
    """Their messages in other people's chats, and the answers that they asked for there; not those that are erased."""
    theirs = Message.objects.filter(Q(author=person) | Q(run__user=person)).exclude(chat__user=person)
    return theirs.exclude(status=MessageStatus.DELETED)


def erase_next(person: UUID, but: Collection[UUID]) -> tuple[UUID, bool] | None:
    """Make the next of them a tombstone: which, and whether it is one now. None: there is none left, or they stay.

    `but`: those that are left for later. One whose answer is being written is, and one that somebody has locked.
    """
    if settings.ERASE_SHARED == "anonymise":
        return None
    id = said_elsewhere(person).exclude(pk__in=but).order_by("chat", "position").values_list("pk", flat=True).first()
    return None if id is None else (id, _erased(id))


@transaction.atomic
def _erased(id: UUID) -> bool:
    message = Message.objects.select_related("chat").filter(pk=id).first()
    if message is None:
        return True
    Chat.objects.select_for_update().filter(pk=message.chat_id).first()
    message.refresh_from_db()
    try:
        with transaction.atomic():
            erase_message(message, by=None)
    except Conflict:
        return False
    return True
