"""Which of a person's chats say something, by their titles and messages: a plain look at the newest of them. Sync."""

from collections.abc import Sequence

from django.db.models import Q

from accounts.folding import folded
from accounts.models import User
from chat.models import Chat, Message, MessageKind, MessageRole
from chat.models.chats import ChatQuerySet

CHATS = 200  # of the person's own that are looked through, the newest
MESSAGES = 5_000  # of these, the newest of all together
MOST = 10  # that are found
SPOKEN = (MessageRole.USER, MessageRole.ASSISTANT)
NEWEST = ("-last_activity_at", "-pk")


def find(user: User, text: str, *, besides: Chat) -> list[Chat]:
    """The person's own chats that say this, at most MOST, the newest first: of the organization of `besides`, and not
    that one.
    """
    own = _own(user, besides).order_by(*NEWEST)
    newest = list(own.values_list("pk", flat=True)[:CHATS])
    said = Message.objects.filter(chat__in=newest, role__in=SPOKEN).exclude(kind=MessageKind.COMMAND)
    recent = said.order_by("-created_at", "-pk").values("pk")[:MESSAGES]
    says = Message.objects.filter(pk__in=recent, content__icontains=text).values("chat")
    is_found = Q(title_folded__contains=folded(text)) | Q(pk__in=says)
    return list(Chat.objects.filter(is_found, pk__in=newest).order_by(*NEWEST)[:MOST])


def as_they_are(user: User, found: Sequence[Chat], *, besides: Chat) -> list[Chat]:
    """Those of them that are still the person's to see, as they are now."""
    return list(_own(user, besides).filter(pk__in=[each.pk for each in found]).order_by(*NEWEST))


def _own(user: User, besides: Chat) -> ChatQuerySet:
    """An answer stays in its chat: what is of another organization would stay behind in this one."""
    there = Chat.objects.visible_to(user).listed().filter(user=user, organization=besides.organization_id)
    return there.exclude(pk=besides.pk)
