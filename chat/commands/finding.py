"""Which of a person's chats say something, by their titles and by what chat.search finds in them. Sync."""

from collections.abc import Sequence

from django.conf import settings
from django.db.models import Q

from accounts.db.bounded import within
from accounts.models import User
from chat.models import Chat
from chat.models.chats import ChatQuerySet
from chat.search.finding import titled
from chat.search.indexing import place_of
from chat.search.models import SearchEntry
from chat.search.query import read

MESSAGES = 1_000  # that are found, the newest: their chats are told
MOST = 10  # chats
NEWEST = ("-last_activity_at", "-pk")


def find(user: User, text: str, *, besides: Chat) -> list[Chat]:
    """The person's own chats that say this, at most MOST, the newest first: of the organization of `besides`, and not
    that one.

    Raises Invalid where nothing can be found by it, TookTooLong. Not for within a transaction.
    """
    own = _own(user, besides)
    asked = read(text).within([place_of(besides.organization_id)])
    said = SearchEntry.objects.filter(terms__matches=asked, chat__in=own).order_by("-pk")
    with within(settings.SEARCH_TIMEOUT_S):
        says = set(said.values_list("chat", flat=True)[:MESSAGES])
        return list(own.filter(titled(text) | Q(pk__in=says)).order_by(*NEWEST)[:MOST])


def as_they_are(user: User, found: Sequence[Chat], *, besides: Chat) -> list[Chat]:
    """Those of them that are still the person's to see, as they are now."""
    return list(_own(user, besides).filter(pk__in=[each.pk for each in found]).order_by(*NEWEST))


def _own(user: User, besides: Chat) -> ChatQuerySet:
    """An answer stays in its chat: what is of another organization would stay behind in this one."""
    there = Chat.objects.visible_to(user).listed().filter(user=user, organization=besides.organization_id)
    return there.exclude(pk=besides.pk)
