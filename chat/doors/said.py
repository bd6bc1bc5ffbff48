"""What was said, as doors show it: the branch of a chat that ends in its newest message, or a person's own. Sync."""

from collections.abc import Iterator
from itertools import islice
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest

from accounts.errors import Invalid, refuse
from accounts.http.queries import whole_number
from accounts.models import User
from chat.eventlog.drafts import attach_drafts
from chat.metering.answers import fitting, weights
from chat.models import Chat, Message, MessageRole, MessageStatus

SHOWN = (MessageRole.USER, MessageRole.ASSISTANT, MessageRole.SYSTEM)  # a tool's row is part of the answer after it
PAGE_MAX = 1000


def branch(chat: Chat, *, limit: int, before: UUID | None = None) -> tuple[list[Message], UUID | None]:
    """The branch's newest messages before that one, oldest first, and the `before` of the next page if there is more.

    So a question and its answer stand together, whatever was regenerated beside them. Raises Invalid for a `before`
    that is no message of the chat.
    """
    start = chat.leaf_id if before is None else _parent(chat, before)
    found = list(islice(_up(chat, start), limit + 1))
    shown = fitting(found[:limit])
    return _rows(shown), shown[-1] if len(shown) < len(found) else None


def count(chat: Chat) -> int:
    """How many messages the whole branch has."""
    return sum(1 for _ in _up(chat, chat.leaf_id))


def own(user: User, *, limit: int, before: UUID | None = None) -> tuple[list[Message], UUID | None]:
    """What the user wrote in all their chats, each with its answers: the newest before that one, oldest first.

    `before` is the id of a question of theirs; given back as in `branch`. Raises Invalid.
    """
    questions = Message.objects.visible_to(user).filter(author=user, role=MessageRole.USER, chat__expires_at=None)
    if before is not None:
        found = questions.filter(pk=before).first()
        if found is None:
            raise unknown_cursor()
        at = found.created_at
        questions = questions.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=before))
    live = questions.exclude(status=MessageStatus.DELETED)
    newest = list(live.order_by("-created_at", "-pk").values_list("pk", flat=True)[: limit + 1])
    return _groups(newest, limit)


def limit_of(request: HttpRequest, default: int) -> int:
    """How many messages the request asks for in `limit`. Raises Invalid."""
    limit = whole_number(request.GET.get("limit", str(default)), 1, PAGE_MAX)
    if limit is None:
        raise refuse("limit", f"Expected a whole number from 1 to {PAGE_MAX}.")
    return limit


def before_of(request: HttpRequest) -> UUID | None:
    """The place that the request's `cursor` names. Raises Invalid."""
    text = request.GET.get("cursor", "")
    try:
        return UUID(text) if text else None
    except ValueError:
        raise unknown_cursor() from None


def _up(chat: Chat, start: UUID | None) -> Iterator[UUID]:
    """From this message to the root: those that are shown."""
    rows = Message.objects.filter(chat=chat).values_list("pk", "parent_id", "role", "status")
    parents = {pk: (parent, role in SHOWN and status != MessageStatus.DELETED) for pk, parent, role, status in rows}
    while start is not None:
        parent, is_shown = parents[start]
        if is_shown:
            yield start
        start = parent


def _parent(chat: Chat, before: UUID) -> UUID | None:
    found = Message.objects.filter(chat=chat, pk=before).values_list("parent_id", flat=True)
    if not found:
        raise unknown_cursor()
    return found[0]


def _groups(newest: list[UUID], limit: int) -> tuple[list[Message], UUID | None]:
    """The questions, newest first, with their answers: as many whole groups as fit, at least one; oldest first."""
    answers: dict[UUID, list[UUID]] = {each: [] for each in newest}
    found = Message.objects.filter(run__input__in=newest).exclude(status=MessageStatus.DELETED).order_by("position")
    for pk, question in found.values_list("pk", "run__input"):
        answers[question].append(pk)
    sizes = weights([*newest, *(each for several in answers.values() for each in several)])
    room = settings.ANSWER_MAX_BYTES
    shown: list[UUID] = []
    last: UUID | None = None
    for question in newest:
        group = [question, *answers[question]]
        room -= sum(sizes.get(each, 0) for each in group)
        if last is not None and (len(shown) + len(group) > limit or room < 0):
            return _in_order(shown), last
        shown, last = [*group, *shown], question
    return _in_order(shown), None


def _in_order(ids: list[UUID]) -> list[Message]:
    order = {id: number for number, id in enumerate(ids)}
    return sorted(_rows(ids), key=lambda each: order[each.pk])


def _rows(ids: list[UUID]) -> list[Message]:
    rows = list(Message.objects.filter(pk__in=ids).select_related("chat", "run").order_by("position"))
    attach_drafts(rows)
    return rows


def unknown_cursor() -> Invalid:
    """What is said of a `cursor` that we have not given."""
    told = "Send the `next` of an earlier answer as it is."
    return Invalid("The cursor is not valid.", fields={"cursor": [told]})
