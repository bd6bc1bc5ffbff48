"""Attachments in messages: whose they may be, and that a message has them. Sync, within the message's transaction.

What is said of one in a message's row is a copy: who reads a message needs no other table, and a chat's export names
what it had.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.errors import NotFound, refuse
from accounts.models import User
from chat.models import Attachment, AttachmentState, AttachmentType, AttachmentUse, Chat, Message

Files = list[dict[str, Any]]
COPIED = ("name", "media_type", "bytes", "width", "height", "seconds")
NONE_SUCH = "There is no such attachment, or you may not see it."


def ids_in(files: Iterable[dict[str, Any]]) -> list[UUID]:
    """Of the attachments among a message's files, each once."""
    return list(dict.fromkeys(id for each in files if (id := id_of(each)) is not None))


def id_of(file: dict[str, Any]) -> UUID | None:
    """Of the attachment that one of a message's files is; None of one that is whole in the message.

    What came in a chat's file from elsewhere may say anything there.
    """
    try:
        return UUID(str(file.get("id", "")))
    except ValueError:
        return None


def claimed(user: User, chat: Chat, files: Sequence[dict[str, Any]], field: str = "attachments") -> Files:
    """The files as the message's row says them; the attachments among them are locked to the end of the transaction.

    They must be the user's own and of the chat's organization, or in a message of the same chat. Raises NotFound for
    all others, Invalid for another type than theirs; then nothing is written.
    """
    return claimed_all(user, chat, [files], field)[0]


def claimed_all(
    user: User, chat: Chat, of_each: Sequence[Sequence[dict[str, Any]]], field: str = "attachments"
) -> list[Files]:
    """The same of the files of several messages of one transaction: all are locked at once, in one order."""
    ids = ids_in(each for files in of_each for each in files)
    if not ids:
        return [list(files) for files in of_each]
    rows = {row.pk: row for row in _locked(ids)}
    here = _in_chat(chat, ids)

    def said(each: dict[str, Any], at: str) -> dict[str, Any]:
        return _said(each, _allowed(user, chat, rows, here, each, at), at) if id_of(each) else each

    return [[said(each, f"{field}.{number}") for number, each in enumerate(files)] for files in of_each]


def use(messages: Iterable[Message]) -> None:
    """Say that these messages, which are stored, have the attachments among their files."""
    uses = [
        AttachmentUse(attachment_id=id, message=message) for message in messages for id in ids_in(message.attachments)
    ]
    if not uses:
        return
    AttachmentUse.objects.bulk_create(uses, ignore_conflicts=True)
    first = Attachment.objects.filter(pk__in={each.attachment_id for each in uses}, used_at=None)
    first.update(used_at=timezone.now())


def use_anew(message: Message) -> None:
    """The same of a message whose files have changed: what is no longer among them, it has no more."""
    ids = ids_in(message.attachments)
    AttachmentUse.objects.filter(message=message).exclude(attachment__in=ids).delete()
    use([message])


def use_copies(copies: Sequence[Message]) -> None:
    """The same of copies of messages whose reader was allowed to copy them: those that are there still."""
    ids = {id for each in copies for id in ids_in(each.attachments)}
    there = {row.pk for row in _locked(ids)} if ids else set()
    uses = [
        AttachmentUse(attachment_id=id, message=each)
        for each in copies
        for id in ids_in(each.attachments)
        if id in there
    ]
    AttachmentUse.objects.bulk_create(uses)


def _locked(ids: Iterable[UUID]) -> list[Attachment]:
    """In the order of their ids, so that nobody waits for whom they hold up."""
    ready = Attachment.objects.there().filter(pk__in=list(ids), state=AttachmentState.READY)
    return list(ready.select_for_update().order_by("pk"))


def _in_chat(chat: Chat, ids: Sequence[UUID]) -> set[UUID]:
    uses = AttachmentUse.objects.filter(message__chat=chat, attachment__in=ids)
    return set(uses.values_list("attachment", flat=True))


def _allowed(
    user: User, chat: Chat, rows: dict[UUID, Attachment], here: set[UUID], file: dict[str, Any], field: str
) -> Attachment:
    row = rows.get(UUID(file["id"]))
    is_theirs = row is not None and row.user_id == user.pk and row.organization_id == chat.organization_id
    if row is None or not (is_theirs or row.pk in here):
        raise NotFound(fields={f"{field}.id": [NONE_SUCH]})
    return row


def _said(file: dict[str, Any], row: Attachment, field: str) -> dict[str, Any]:
    """Some clients have one word for all that is uploaded: a file may be an image or a sound."""
    if file["type"] not in (row.type, AttachmentType.FILE):
        raise refuse(f"{field}.type", f"Expected {row.type}: that is what it is.")
    return said_of(row)


def said_of(row: Attachment) -> dict[str, Any]:
    """What a message's row says of it."""
    said = {"type": str(row.type), "id": str(row.pk)}
    return said | {name: value for name in COPIED if (value := getattr(row, name)) is not None}
