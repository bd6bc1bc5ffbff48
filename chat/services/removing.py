"""Removing what somebody has deleted: rows go, or where a hold is on them they are put away until it is released. Sync.

What is put away is out of every answer as what is gone is: nobody can tell the two apart.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import ApiKey, IdentityProvider, Invitation, Membership, Organization, Project, User
from agents.events import dump
from chat.eventlog.rows import stored
from chat.feedback.models import Annotation
from chat.models import (
    OPEN,
    AttachmentUse,
    Chat,
    ChatAlias,
    ChatSession,
    Feedback,
    Hold,
    HoldScope,
    Kept,
    KeptFile,
    Message,
    Run,
    Schedule,
    ToolCall,
    chat_is_held,
    held,
)
from chat.runner import kept

KEPT_FIELDS = ("role", "content", "parts", "attachments", "error", "model")


def remove_chat(chat: Chat) -> bool:
    """Delete the chat with all that is in it; whether it is gone. The caller has locked it.

    False where a hold keeps it: it is put away.
    """
    if Chat.objects.filter(chat_is_held(), pk=chat.pk).exists():
        put_away_chats(Chat.objects.filter(pk=chat.pk))
        return False
    chat.delete()
    return True


def put_away_chats(chats: QuerySet[Chat]) -> None:
    """Take them out of every answer at once, with what clients and clocks know them by."""
    there = chats.filter(deleted_at=None).order_by()
    lock(there)
    ids, now = there.values("pk"), timezone.now()
    ChatAlias.objects.filter(chat__in=ids).delete()
    ChatSession.objects.filter(chat__in=ids).delete()
    Schedule.objects.filter(chat__in=ids).update(is_on=False, next_at=None)
    Run.objects.filter(chat__in=ids, status__in=OPEN, cancel_requested_at=None).update(cancel_requested_at=now)
    kept.forget(Run.objects.answers().filter(chat__in=ids))
    there.update(deleted_at=now)


def lock(chats: QuerySet[Chat]) -> None:
    """Hold them to the end of the transaction: before their runs, and in one order, as everybody does."""
    list(chats.select_for_update().order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def erase_one(chats: QuerySet[Chat]) -> bool:
    """Delete one of these that nothing keeps; whether there was one."""
    chat = chats.filter(~chat_is_held()).select_for_update().order_by("pk").first()
    if chat is not None:
        chat.delete()
    return chat is not None


@transaction.atomic
def put_away(row: Organization | Project) -> bool:
    """Whether a hold keeps something of it, and so it is put away and not deleted. For who is about to delete it."""
    inside = Chat.objects.filter(**{row._meta.model_name or "": row})
    if not (_is_held(row) or inside.filter(chat_is_held()).exists()):
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


def keep_if_held(message: Message, runs: Iterable[Run] = ()) -> None:
    """Keep a copy of a message that is about to be erased or changed, with its files, where a hold is on it.

    `runs`: those that are erased with it; of one that answers it, its log stays.
    """
    on = held("chat", people=("author", "run__user"))
    if not Message.objects.filter(on, pk=message.pk).exists():
        return
    run: Run | None = getattr(message, "run", None)
    person: UUID | None = message.author_id or (run.user_id if run else None)
    data = {name: getattr(message, name) for name in KEPT_FIELDS}
    if told := [_told(each, with_log=each.input_id != message.pk) for each in runs]:
        data["runs"] = told
    if comments := list(Feedback.objects.filter(message=message).exclude(comment="").values_list("comment", flat=True)):
        data["feedback"] = comments
    if notes := list(Annotation.objects.filter(message=message).values("user", "quote", "body")):
        data["annotations"] = [{**each, "user": str(each["user"])} for each in notes]
    kept = Kept.objects.create(message=message, person=person, data=data)
    files = AttachmentUse.objects.filter(message=message).values_list("attachment", flat=True)
    KeptFile.objects.bulk_create(KeptFile(kept=kept, attachment_id=id) for id in files)


def _told(run: Run, *, with_log: bool) -> dict[str, Any]:
    """What stands of the run in its row, and in its log and tool calls."""
    row = {"id": str(run.pk), "request": run.request, "error_message": run.error_message}
    if not with_log:
        return row
    calls = ToolCall.objects.filter(run=run).order_by("pk").values("call", "name", "arguments", "result")
    return {**row, "calls": list(calls), "events": dump([each.event for each in stored(run.pk)])}


def keep_person_if_held(person: User) -> None:
    """Keep who they are, where a hold is on them or on what they said: their row is about to say nothing."""
    kept = (
        Hold.objects.live().filter(scope=HoldScope.USER, subject=person.pk),
        Chat.objects.filter(chat_is_held(), user=person),
        Message.objects.filter(held("chat"), author=person),
        Message.objects.filter(held("chat"), run__user=person),
    )
    if any(rows.exists() for rows in kept):
        Kept.objects.create(person=person.pk, data={"email": person.email, "name": person.name})


def free_texts() -> QuerySet[Kept]:
    """Of messages what no hold keeps any more; of people who are gone, once nothing that they said is kept."""
    is_free = ~Q(held("message__chat", people=("person",)))
    there = User.objects.filter(pk=OuterRef("person"))
    said = Kept.objects.filter(person=OuterRef("person"), message__isnull=False)
    of_people = Q(message=None) & ~Exists(there) & ~Exists(said)
    return Kept.objects.filter(Q(message__isnull=False) & is_free | of_people).order_by("pk")
