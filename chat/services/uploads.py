"""Files that people attach, before they send them: uploading, finding and removing. Sync."""

import logging
from typing import IO
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts.errors import Conflict, NotAllowed, NotFound
from accounts.models import User
from accounts.organizations.choice import usual_organization
from chat.access import get_chat
from chat.attachments import going
from chat.attachments.storing import StorageAway
from chat.attachments.taking import take
from chat.models import Attachment, AttachmentState, AttachmentUse

log = logging.getLogger(__name__)


def upload(
    *, user: User, name: str, body: bytes | IO[bytes], chat: UUID | None = None, organization: UUID | None = None
) -> Attachment:
    """Store a file of the user's: for this chat, in this organization, or where their chats go that name none.

    Raises what chat.attachments.taking.take does.
    """
    if organization is None:
        organization = get_chat(user, chat, "write").organization_id if chat else usual_organization(user).pk
    return take(user, organization, name, body, chat)


def find(user: User, id: UUID) -> Attachment:
    """The attachment: their own, or of a message that they see. Raises NotFound."""
    found = Attachment.objects.visible_to(user).filter(pk=id).first()
    if found is None:
        raise NotFound
    return found


def unused(user: User) -> QuerySet[Attachment]:
    """What they have uploaded and not sent."""
    return Attachment.objects.visible_to(user).filter(user=user.pk, used_at=None)


def own(user: User) -> QuerySet[Attachment]:
    """What they have uploaded, sent or not."""
    return Attachment.objects.visible_to(user).filter(user=user.pk)


def delete(*, user: User, id: UUID) -> None:
    """Remove a file of the user's that is in no message. Raises Conflict where it is in one, NotAllowed, NotFound."""
    _mark(user, id)
    try:
        going.remove(id)
    except StorageAway:  # it is out of every answer, and the chore removes its bytes
        log.warning("the bytes of attachment %s are left for the chore `attachments`", id)


@transaction.atomic
def _mark(user: User, id: UUID) -> None:
    found = find(user, id)
    if found.user_id != user.pk:
        raise NotAllowed("Only who has uploaded a file may remove it.")
    row = Attachment.objects.select_for_update().filter(pk=id, state=AttachmentState.READY).first()
    if row is None:
        raise NotFound
    if AttachmentUse.objects.filter(attachment=row).exists():
        told = "The file is in a message. Delete the message, or take the file out of it: it goes with the last one."
        raise Conflict(told, code="attachment_used")
    row.state = AttachmentState.GOING
    row.save(update_fields=["state", "updated_at"])
