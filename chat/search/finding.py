"""Which messages and chats a person finds: of those they see, and of no other. Sync."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import and_
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts import plans
from accounts.folding import has
from accounts.models import Organization, User
from chat.access import chats_of
from chat.models import Chat, ToolCall
from chat.models.chats import ChatQuerySet
from chat.search.indexing import place_of
from chat.search.models import SearchEntry, first_number
from chat.search.query import Query, parts

FEATURE = "search"
MOST_PLACES = 20  # of a person with more organizations the index is asked without them: they are few
FEW_CHATS, FEW_MESSAGES = 200, 200  # that are named to the database one by one


@dataclass(frozen=True)
class Filters:
    """What else the messages have to be; None: whatever."""

    project: UUID | None = None
    chat: UUID | None = None
    author: UUID | None = None
    role: str | None = None
    model: str | None = None
    tool: str | None = None
    after: datetime | None = None
    before: datetime | None = None


def places(user: User) -> list[UUID]:
    """The organizations where the user may search. Raises NotAllowed where none of theirs has that in its plan."""
    theirs = list(Organization.objects.visible_to(user).values_list("pk", "plan"))
    open_to = [id for id, plan in theirs if plans.named(plan).has(FEATURE)]
    if theirs and not open_to:
        plans.require_feature(theirs[0][0], FEATURE)
    return open_to


def messages(user: User, query: Query, where: Iterable[UUID], filters: Filters) -> QuerySet[SearchEntry]:
    """What messages with all the words are found by; in these organizations.

    The database knows neither how many chats a person sees nor how many messages have a word, and walks through all
    where few of them are wanted. So it is told the few.
    """
    some = list(where)
    asked = query.within([place_of(each) for each in some] if len(some) <= MOST_PLACES else [])
    chats = Chat.objects.visible_to(user).listed().filter(_in(filters), organization__in=some)
    found = SearchEntry.objects.filter(_said(filters), terms__matches=asked).defer("terms")
    seen = _few(chats, FEW_CHATS)
    if seen is not None:
        return found.filter(chat__in=seen)
    rare = _few(SearchEntry.objects.filter(terms__matches=asked.anywhere), FEW_MESSAGES)
    return found.filter(chat__in=chats, **({} if rare is None else {"pk__in": rare}))


def chats(user: User, text: str, where: Iterable[UUID], project: UUID | None) -> ChatQuerySet:
    """Chats whose title has each of the words somewhere."""
    found = chats_of(user).listed().filter(titled(text), organization__in=list(where))
    return found.filter(project=project) if project else found


def titled(text: str) -> Q:
    """Chats whose title has each of the words somewhere."""
    return reduce(and_, (has("title", each) for each in parts(text)), Q())


def _few(rows: QuerySet[Any], most: int) -> list[Any] | None:
    """The keys of the rows; None where they are more than that."""
    keys = list(rows.order_by().values_list("pk", flat=True)[: most + 1])
    return keys if len(keys) <= most else None


def _in(filters: Filters) -> Q:
    """The chats that are asked for."""
    named = {"pk": filters.chat, "project": filters.project}
    return Q(**{name: value for name, value in named.items() if value is not None})


def _said(filters: Filters) -> Q:
    """The rows of messages that are all this. A row's number tells when its message was made."""
    columns = {"author": filters.author, "role": filters.role, "model": filters.model}
    said = Q(**{f"message__{name}": value for name, value in columns.items() if value is not None})
    if filters.tool is not None:
        said &= Q(Exists(ToolCall.objects.filter(run__message=OuterRef("message"), name=filters.tool)))
    if filters.after is not None:
        said &= Q(pk__gte=first_number(filters.after))
    if filters.before is not None:
        said &= Q(pk__lt=first_number(filters.before))
    return said
