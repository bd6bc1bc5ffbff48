"""Several messages added to a chat at once, without an answer: what doors whose clients keep a conversation need."""

from collections.abc import Sequence

from django.db import transaction

from accounts.errors import Conflict
from accounts.models import User
from accounts.permissions import require
from chat import audience
from chat.access import permissions_on
from chat.attachments import using
from chat.models import OPEN, Chat, ChatStatus, Message, Run
from chat.run_request import Item
from chat.services import rules
from chat.services.attachments import check_attachments
from chat.services.messages import add_message, lock_chat


@transaction.atomic
def add_items(*, user: User, chat: Chat, items: Sequence[Item]) -> list[Message]:
    """Store the items behind the chat's newest message.

    Conflict while a run of the chat is open, or it is archived, or one is more confidential than its readers may read.
    """
    require(permissions_on(user, chat), "write")
    locked = lock_chat(chat)
    if locked.status == ChatStatus.ARCHIVED:
        raise Conflict("The chat is archived. Make it active to write in it.", code="chat_archived")
    if run := Run.objects.answers().filter(chat=chat, status__in=OPEN).first():
        raise Conflict(f"Run {run.pk} is not over.", code="run_live", fields={"run": [str(run.pk)]})
    items = list(items)
    audience.take_in(locked, [each.level for each in items])
    claimed = using.claimed_all(user, locked, [check_attachments(each.attachments) for each in items])
    return [_add(user, locked, each, files) for each, files in zip(items, claimed, strict=True)]


def _add(user: User, chat: Chat, item: Item, files: using.Files) -> Message:
    may_be_empty = item.role != "user" and item.content == ""
    return add_message(
        chat,
        chat.leaf,
        role=item.role,
        author=user if item.role == "user" else None,
        content="" if may_be_empty else rules.check_said(item.content, files),
        attachments=files,
        parts=list(item.parts),
    )
