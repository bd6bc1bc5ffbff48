"""What guests have here: chats, each found by its id alone, for a while. Sync."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.errors import NotFound, TooMany
from accounts.models import User
from chat.models import OPEN, Chat, MessageRole, Run, chat_is_held
from chat.services import people
from chat.services.removing import lock

SWEEP_AT_ONCE = 20


def guest_of(session: UUID) -> User:
    """The guest whose chat this is. Raises NotFound for a chat that is not a guest's, or has expired."""
    found = Chat.objects.filter(
        pk=session, deleted_at=None, user__is_guest=True, user__is_active=True, expires_at__gt=timezone.now()
    )
    chat = found.select_related("user").first()
    if chat is None:
        raise NotFound
    return chat.user


def keep_on(chat: Chat) -> None:
    """A guest says one more thing: the chat stays as long again. Raises TooMany after AGENT_GUEST_MESSAGES."""
    if chat.messages.filter(role=MessageRole.USER).count() >= settings.AGENT_GUEST_MESSAGES:
        raise TooMany("A guest may say no more in this session. Sign in, or begin another.", code="guest_limit")
    chat.expires_at = timezone.now() + timedelta(seconds=settings.AGENT_GUEST_LIFETIME_S)
    chat.save(update_fields=["expires_at"])


def sweep_guests(at_most: int = SWEEP_AT_ONCE) -> int:
    """Remove guests, oldest first, who have nothing left that has not expired, with all they said; how many."""
    return remove_guests(list(gone_guests().values_list("pk", flat=True)[:at_most]))


def gone_guests() -> QuerySet[User]:
    """Guests, oldest first, who have nothing left that has not expired, and nothing that a hold keeps."""
    now = timezone.now()
    theirs = Chat.objects.filter(user=OuterRef("pk"), expires_at__gt=now)
    working = Run.objects.filter(user=OuterRef("pk"), status__in=OPEN)
    old = User.objects.filter(is_guest=True, created_at__lt=now - timedelta(seconds=settings.AGENT_GUEST_LIFETIME_S))
    kept = Chat.objects.filter(chat_is_held(), user=OuterRef("pk"))
    return old.exclude(Exists(theirs)).exclude(Exists(working)).exclude(Exists(kept)).order_by("created_at")


def remove_guests(ids: Sequence[UUID]) -> int:
    """Remove those of them who are gone, with all they said; how many. One transaction for each."""
    return sum(_remove_guest(id) for id in ids)


@transaction.atomic
def _remove_guest(id: UUID) -> bool:
    """Whoever starts a run locks its chat first: either we see the run, or they find no chat."""
    lock(Chat.objects.filter(user=id))
    guest = gone_guests().filter(pk=id).first()
    if guest is None:
        return False
    people.remove(guest)
    return True
