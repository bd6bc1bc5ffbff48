"""Removing what somebody has deleted: rows go, or where a hold is on them they are put away until it is released. Sync.

What is put away is out of every answer as what is gone is: nobody can tell the two apart.
"""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import ApiKey, IdentityProvider, Invitation, Membership, Organization, Project, User
from chat.models import (
    OPEN,
    AttachmentUse,
    Chat,
    ChatAlias,
    ChatSession,
    Hold,
    HoldScope,
    Kept,
    KeptFile,
    Message,
    Run,
    Schedule,
    held,
)
from chat.runner import kept

KEPT_FIELDS = ("role", "content", "parts", "attachments", "error", "model")


def remove_chat(chat: Chat) -> bool:
    """Delete the chat with all that is in it; whether it is gone. The caller has locked it.

    False where a hold keeps it: it is put away.
    """
    if Chat.objects.filter(held(), pk=chat.pk).exists():
        put_away_chats(Chat.objects.filter(pk=chat.pk))
        return False
    chat.delete()
    return True


def put_away_chats(chats: QuerySet[Chat]) -> None:
    """Take them out of every answer at once, with what clients and clocks know them by."""
    there = chats.filter(deleted_at=None).order_by()
    ids, now = there.values("pk"), timezone.now()
    ChatAlias.objects.filter(chat__in=ids).delete()
    ChatSession.objects.filter(chat__in=ids).delete()
    Schedule.objects.filter(chat__in=ids).update(is_on=False, next_at=None)
    Run.objects.filter(chat__in=ids, status__in=OPEN, cancel_requested_at=None).update(cancel_requested_at=now)
    kept.forget(Run.objects.answers().filter(chat__in=ids))
    there.update(deleted_at=now)


@transaction.atomic
def put_away(row: Organization | Project) -> bool:
    """Whether a hold keeps something of it, and so it is put away and not deleted. For who is about to delete it."""
    inside = Chat.objects.filter(**{row._meta.model_name or "": row})
    if not (_is_held(row) or inside.filter(held()).exists()):
        return False
    put_away_chats(inside)
    if isinstance(row, Organization):
        _close(row)
    type(row).objects.filter(pk=row.pk, deleted_at=None).update(deleted_at=timezone.now())
    return True


def _is_held(row: Organization | Project) -> bool:
    on: dict[str, Any] = {HoldScope.ORGANIZATION: row.pk}
    if isinstance(row, Project):
        on = {HoldScope.PROJECT: row.pk, HoldScope.ORGANIZATION: row.organization_id}
    live = Hold.objects.live()
    return any(live.filter(scope=scope, subject=id).exists() for scope, id in on.items())


def _close(organization: Organization) -> None:
    """Nobody is a member any more, nor becomes one."""
    IdentityProvider.objects.filter(organization=organization).update(is_active=False)
    for way_in in (Invitation, ApiKey, Membership):
        way_in.objects.filter(organization=organization).delete()


def is_to_keep(row: Organization | Project | User) -> bool:
    """Whether what was put away of it has to stay for now."""
    if isinstance(row, User):
        is_held = Hold.objects.live().filter(scope=HoldScope.USER, subject=row.pk).exists()
        return is_held or Chat.objects.filter(user=row).exists()
    return _is_held(row) or Chat.objects.filter(**{row._meta.model_name or "": row}).exists()


def keep_if_held(message: Message) -> None:
    """Keep a copy of a message that is about to be erased or changed, with its files, where a hold is on it."""
    on = held("chat", people=("author", "run__user"))
    if not Message.objects.filter(on, pk=message.pk).exists():
        return
    run: Run | None = getattr(message, "run", None)
    person: UUID | None = message.author_id or (run.user_id if run else None)
    data = {name: getattr(message, name) for name in KEPT_FIELDS}
    kept = Kept.objects.create(message=message, person=person, data=data)
    files = AttachmentUse.objects.filter(message=message).values_list("attachment", flat=True)
    KeptFile.objects.bulk_create(KeptFile(kept=kept, attachment_id=id) for id in files)


def keep_person_if_held(person: User) -> None:
    """Keep who they are, where a hold is on them or on a chat of theirs: their row is about to say nothing."""
    theirs = Chat.objects.filter(user=person)
    if Hold.objects.live().filter(scope=HoldScope.USER, subject=person.pk).exists() or theirs.filter(held()).exists():
        Kept.objects.create(person=person.pk, data={"email": person.email, "name": person.name})
