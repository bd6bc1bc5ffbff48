"""Messages without an answer: adding, editing and deleting them. Runs are started in chat.services.runs."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.db.compiled import Compiled
from accounts.errors import Conflict, NotAllowed, NotFound
from accounts.models import IdempotencyKey, User
from accounts.permissions import require
from chat.access import permissions_on
from chat.attachments import using
from chat.bus import notices
from chat.eventlog.erase import erase
from chat.feedback import anchoring
from chat.feedback.models import Annotation, Reaction
from chat.models import (
    ANSWER,
    OPEN,
    Chat,
    ChatStatus,
    Feedback,
    Message,
    MessageRole,
    MessageState,
    MessageStatus,
    Run,
    ToolCall,
)
from chat.models.chats import ChatQuerySet
from chat.runner import kept
from chat.runner.capacity import BRIEF
from chat.sent import keeping
from chat.services import commanding, compactions, rules
from chat.services.attachments import MARKS, check_attachments
from chat.services.removing import keep_if_held


class Leaf:
    """Says "under the newest message", which None cannot: that is a new root."""


LEAF = Leaf()


@transaction.atomic
def create_message(
    *, user: User, chat: Chat, content: str, attachments: Sequence[Any] = (), parent: UUID | Leaf | None = LEAF
) -> Message:
    """Store a message of the user's; no run answers it. `parent`: a message of this chat, None for a new root."""
    require(permissions_on(user, chat), "write")
    files = check_attachments(attachments)
    text = rules.check_said(content, files)
    locked = lock_chat(chat)
    if locked.status == ChatStatus.ARCHIVED:
        raise Conflict("The chat is archived. Make it active to write in it.", code="chat_archived")
    files = using.claimed(user, locked, files)
    message = add_message(
        locked, _parent(locked, parent), role=MessageRole.USER, author=user, content=text, attachments=files
    )
    notices.tell(chat.pk, new=[message.pk])
    return message


@transaction.atomic
def edit_message(*, user: User, message: Message, content: str, attachments: Sequence[Any] | None = None) -> Message:
    """Change the text of the user's own message in place. What it was answered stays; 409 while a run answers it."""
    require(permissions_on(user, message.chat), "write")
    if message.author_id != user.pk or message.role != MessageRole.USER:
        raise NotAllowed("Only your own messages can be edited.")
    lock_chat(message.chat)
    message.refresh_from_db()
    _refuse_while_open(Run.objects.filter(input=message))
    _refuse_tombstone(message)
    keep_if_held(message)
    if attachments is not None:
        files = using.claimed(user, message.chat, check_attachments(attachments))
        message.attachments = _marked(files, message.attachments)
    said = rules.check_said(content, message.attachments)
    if said != message.content:
        commanding.forget(message)
    message.content = said
    message.kind = commanding.kind_of(message, message.content)
    message.save(update_fields=["content", "attachments", "kind", "updated_at"])
    compactions.forget(message.chat, message.position)
    keeping.forget(message.chat)
    using.use_anew(message)
    anchoring.refit(message)
    notices.tell(message.chat_id, changed=[message.pk])
    return message


@transaction.atomic
def delete_message(*, user: User, message: Message) -> Message:
    """Erase what the message said, wherever it is stored, and leave a tombstone in the tree.

    The chat's owner may delete any message, others their own and the answers to their own. 409 while its run is open.
    """
    _require_deletable(user, message)
    lock_chat(message.chat)
    message.refresh_from_db()
    audit.record(
        "message.deleted", actor=user, organization_id=message.chat.organization_id, object_type="message",
        object_id=message.pk, detail={"chat": message.chat_id},
    )  # fmt: skip
    return erase_message(message, by=user)


def erase_message(message: Message, *, by: User | None) -> Message:
    """The same for whoever may; the caller has locked the chat. Raises Conflict while a run of it is open."""
    work = Q(parent__message=message) & ~Q(kind__in=(ANSWER, *BRIEF))  # that the answer has begun
    runs = Run.objects.filter(Q(message=message) | Q(input=message) | work)
    _refuse_while_open(runs)
    keep_if_held(message, runs)
    _erase_log(runs.filter(Q(message=message) | work))
    runs.update(request={}, error_message="")
    kept.forget(Run.objects.answers().filter(chat=message.chat))
    _forget(message.chat, by)
    compactions.forget(message.chat, message.position)
    keeping.forget(message.chat)
    _erase_answers(message)
    return _bury(message)


def lock_chat(chat: Chat, asked_by: User | None = None) -> Chat:
    """The chat as it is now, locked to the end of the transaction. Raises NotFound if it is gone.

    `asked_by`: who begins a run in it.
    """
    locked = _locked.first(chat.pk) if asked_by is None else _locked_for.first(chat.pk, asked_by.pk)
    if locked is None:
        raise NotFound
    return locked


def _to_lock(id: UUID) -> ChatQuerySet:
    """With what a run that begins here asks next, so that it costs no statement of its own."""
    chats = Chat.objects.with_fallbacks().with_plan().with_knowledge().with_mcp_tools()
    return chats.select_for_update().filter(pk=id, deleted_at=None)


_locked: Compiled[Chat] = Compiled(_to_lock, UUID)
_locked_for: Compiled[Chat] = Compiled(lambda id, person: _to_lock(id).briefed_for(person), UUID, UUID)


def add_message(chat: Chat, parent: Message | None, **fields: Any) -> Message:
    """The next message of a chat that is locked: it takes the next position and becomes the leaf."""
    message = Message.objects.create(chat=chat, parent=parent, position=chat.position + 1, **fields)
    using.use([message])
    chat.position, chat.leaf, chat.last_activity_at = message.position, message, timezone.now()
    chat.save(update_fields=["position", "leaf", "last_activity_at", "updated_at"])
    return message


def _parent(chat: Chat, parent: UUID | Leaf | None) -> Message | None:
    if isinstance(parent, Leaf):
        return chat.leaf
    if parent is None:
        return None
    found = Message.objects.filter(chat=chat, pk=parent).first()
    if found is None:
        raise NotFound(fields={"parent": ["There is no such message in this chat."]})
    return found


def _marked(files: list[dict[str, Any]], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The attachments; those that were there already keep what was said of them."""
    known = {_what(each): {name: each[name] for name in MARKS if name in each} for each in before}
    return [{**each, **known.get(_what(each), {})} for each in files]


def _what(file: dict[str, Any]) -> str:
    """By which a file is known again; texts are told as they are, and nothing is said of them."""
    return str(file.get("id") or file.get("url") or "")


def _require_deletable(user: User, message: Message) -> None:
    require(permissions_on(user, message.chat), "write")
    is_own = message.author_id == user.pk or Run.objects.filter(message=message, user=user).exists()
    if not is_own and message.chat.user_id != user.pk:
        raise NotAllowed("Only its author or the chat's owner may delete a message.")


def _refuse_while_open(runs: QuerySet[Run]) -> None:
    found = runs.filter(status__in=OPEN).first()
    if found:
        raise Conflict(f"Run {found.pk} is not over. Wait for it or cancel it first.", code="run_open")


def _refuse_tombstone(message: Message) -> None:
    if message.status == MessageStatus.DELETED:
        raise Conflict("The message was deleted.", code="message_deleted")


def _erase_log(runs: QuerySet[Run]) -> None:
    """What the runs' events and tool calls held; that they were, and what they used, stays."""
    for run in runs:
        erase(run)
    ToolCall.objects.filter(run__in=runs).update(arguments={}, result="")


def _forget(chat: Chat, user: User | None) -> None:
    """What was made of the chat's messages goes too: its summary, and what titles and summaries were told and said."""
    made = Run.objects.filter(chat=chat, kind__in=BRIEF)
    made.filter(status__in=OPEN, cancel_requested_at=None).update(
        cancel_requested_at=timezone.now(), cancel_requested_by=user
    )
    for run in made.exclude(status__in=OPEN):
        erase(run)
    if chat.summary:
        Chat.objects.filter(pk=chat.pk).update(summary="", summary_position=0)


def _erase_answers(message: Message) -> None:
    """The answers kept for Idempotency-Keys repeat messages whole."""
    id = str(message.pk)
    told = Q(answer__id=id) | Q(answer__input__id=id) | Q(answer__message__id=id)
    for key in IdempotencyKey.objects.filter(told, created_at__gte=message.created_at - timedelta(minutes=1)):
        key.answer = _blanked(key.answer, id)
        key.save(update_fields=["answer"])


def _blanked(answer: dict[str, Any], id: str) -> dict[str, Any]:
    if answer.get("id") == id:
        return {**answer, "content": "", "parts": [], "attachments": [], "status": MessageStatus.DELETED}
    return {name: _blanked(value, id) if isinstance(value, dict) else value for name, value in answer.items()}


def _bury(message: Message) -> Message:
    """The tombstone: it keeps its place, author and time."""
    commanding.forget(message)
    message.content, message.parts, message.attachments, message.error = "", [], [], None
    message.status = MessageStatus.DELETED
    message.save(update_fields=["content", "parts", "attachments", "error", "status", "updated_at"])
    using.use_anew(message)
    MessageState.objects.filter(message=message).delete()
    for said in (Feedback, Reaction, Annotation):
        said._default_manager.filter(message=message).delete()
    notices.tell(message.chat_id, changed=[message.pk])
    return message
