"""What people do: rate, react, annotate. Each once in effect, told on the bell, and never of what was deleted. Sync.

Feedback takes the right to read, since it is between its person and whoever runs this; what others in the chat see
with a name or as an emoji takes the right to write. The callers have asked for both.
"""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.errors import Conflict, Invalid, NotAllowed, NotFound, refuse
from accounts.models import User
from chat.access import require_owner
from chat.bus import notices
from chat.feedback.models import EMOJI, Annotation, Reaction
from chat.models import Feedback, Message, MessageRole, MessageStatus
from chat.models.feedback import REASONS
from chat.services.removing import keep_if_held
from chat.webhooks import telling

PASSAGE = "Expected what the message's content says from `start` to `end`, in code points."
ANNOTATIONS = "The message has %d annotations, which is the most."
PLAIN = {each.replace("\ufe0f", ""): each for each in EMOJI}  # clients leave out that it is to be drawn as a picture


class Given(NamedTuple):
    """A rating that somebody gave: of which answer, and when, in seconds since 1970."""

    message: UUID
    rating: str
    at: float


WHEN_GIVEN: list[Callable[[Given], None]] = []  # what hears of a rating that is stored; it does its work later


@transaction.atomic
def give(*, user: User, message: Message, rating: str, reasons: Iterable[str] = (), comment: str = "") -> Feedback:
    """Say what an answer is worth, in place of what the same person has said of it. 409 where it is no answer yet."""
    row = _answer(message)
    given = set(reasons)
    told = {"rating": rating, "reasons": " ".join(each for each in REASONS if each in given), "comment": comment}
    return _put(user, row, **told)


@transaction.atomic
def comment(*, user: User, message: Message, text: str) -> Feedback:
    """The same in words alone: a rating that is there stays."""
    return _put(user, _answer(message), comment=text)


@transaction.atomic
def take_back(*, user: User, message: Message) -> None:
    """Say nothing of it any more."""
    row = _locked(message)
    _keep_comment(user, row)
    if Feedback.objects.filter(user=user, message=row).delete()[0]:
        _tell(row)


@transaction.atomic
def react(*, user: User, message: Message, emoji: str) -> None:
    """Put an emoji on a message."""
    row = _locked(message)
    if Reaction.objects.get_or_create(message=row, user=user, emoji=known(emoji))[1]:
        _tell(row)


@transaction.atomic
def unreact(*, user: User, message: Message, emoji: str) -> None:
    """Take it off again."""
    row = _locked(message)
    if Reaction.objects.filter(message=row, user=user, emoji=known(emoji)).delete()[0]:
        _tell(row)


def known(emoji: str) -> str:
    """The emoji as it is kept. Raises Invalid for one that is not offered."""
    found = PLAIN.get(emoji.replace("\ufe0f", ""))
    if found is None:
        raise refuse("emoji", f"Expected one of {' '.join(EMOJI)}.")
    return found


@transaction.atomic
def annotate(*, user: User, message: Message, start: int, end: int, quote: str, body: str) -> Annotation:
    """Note something on a passage. `start`, `end`: code points of the message's content, which say the quote."""
    row = _locked(message)
    if row.status == MessageStatus.IN_PROGRESS:
        raise Conflict("The answer is still being written. Wait for its end.", code="run_open")
    if not start < end or row.content[start:end] != quote:
        raise Invalid(f"quote: {PASSAGE}", fields={each: [PASSAGE] for each in ("start", "end", "quote")})
    if Annotation.objects.filter(message=row).count() >= settings.CHAT_ANNOTATIONS_MAX:
        raise Conflict(ANNOTATIONS % settings.CHAT_ANNOTATIONS_MAX, code="too_many_annotations")
    made = Annotation.objects.create(message=row, user=user, start=start, end=end, quote=quote, body=body)
    _tell(row)
    return made


@transaction.atomic
def change(*, user: User, annotation: Annotation, body: str) -> Annotation:
    """Say it in other words; whose it is."""
    if annotation.user_id != user.pk:
        raise NotAllowed("Only its author may change an annotation.")
    row = _locked(annotation.message)
    keep_if_held(row)
    annotation.body = body
    annotation.save(update_fields=["body", "updated_at"])
    _tell(row)
    return annotation


@transaction.atomic
def remove(*, user: User, annotation: Annotation) -> None:
    """Delete it; whose it is, or whose chat."""
    if annotation.user_id != user.pk:
        require_owner(user, annotation.message.chat)
    row = _locked(annotation.message)
    keep_if_held(row)
    annotation.delete()
    _tell(row)


def get_annotation(user: User, message: Message, id: UUID) -> Annotation:
    """The one of this message with that id. Raises NotFound."""
    rows = Annotation.objects.live().filter(message=message).select_related("user", "message__chat")
    found = rows.filter(pk=id).first()
    if found is None:
        raise NotFound
    return found


def _put(user: User, row: Message, **told: str) -> Feedback:
    before = Feedback.objects.filter(message=row, user=user).values_list("rating", flat=True).first()
    _keep_comment(user, row)
    given, _ = Feedback.objects.update_or_create(message=row, user=user, defaults=told)
    telling.feedback_given(row, user.pk, rating=given.rating or None)
    if given.rating and given.rating != before:
        transaction.on_commit(partial(_is_given, Given(row.pk, given.rating, time.time())))
    _tell(row)
    return given


def _is_given(given: Given) -> None:
    for hear in WHEN_GIVEN:
        hear(given)


def _keep_comment(user: User, row: Message) -> None:
    """A hold keeps what was said before."""
    if Feedback.objects.filter(message=row, user=user).exclude(comment="").exists():
        keep_if_held(row)


def _answer(message: Message) -> Message:
    row = _locked(message)
    if row.role != MessageRole.ASSISTANT:
        raise Conflict("Feedback is on answers. React to this message, or annotate it.", code="not_an_answer")
    if row.status == MessageStatus.IN_PROGRESS:
        raise Conflict("The answer is still being written. Wait for its end.", code="run_open")
    return row


def _locked(message: Message) -> Message:
    """The message as it is now, for the transaction: so nobody says something of what is being deleted."""
    row = Message.objects.select_for_update(no_key=True).filter(pk=message.pk).first()
    if row is None:
        raise NotFound
    if row.status == MessageStatus.DELETED:
        raise Conflict("The message was deleted.", code="message_deleted")
    return row


def _tell(row: Message) -> None:
    notices.tell(row.chat_id, said_of=[row.pk])
