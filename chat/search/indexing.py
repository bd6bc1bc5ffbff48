"""Keeping the rows: each message that is over and says something has one. Sync.

By a chore, within seconds: never in the end of a run, which people wait for. What is edited or erased loses its row in
the same transaction, and is indexed anew if it says something still. While processes of an older version are up nothing
is indexed: an edit of theirs would leave behind what the message said before.
"""

import random
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Min, QuerySet
from django.db.models.functions import Left
from django.db.models.signals import post_save
from django.utils import timezone

from chat.models import Message, MessageKind, MessageStatus
from chat.runner import older
from chat.search import index
from chat.search.models import OF_A_SECOND, SearchEntry, number_of
from chat.search.terms import indexed

BATCH = 100  # messages in a transaction
FOUND = "messages indexed"


class Said(NamedTuple):
    """A message as it was read."""

    id: uuid.UUID
    chat: uuid.UUID
    organization: uuid.UUID
    created_at: datetime
    updated_at: datetime
    status: str
    kind: str
    text: str


class Indexing:
    """The chore: the newest that are not indexed, a batch a step, until there are none."""

    def __init__(self) -> None:
        self.counts = {FOUND: 0}

    def step(self) -> bool:
        """Index some. False: there is none left that somebody else does not hold."""
        count = index_some(due().order_by("-created_at"))
        self.counts[FOUND] += count
        return count > 0


def due() -> QuerySet[Message]:
    """Messages that are over and not indexed as they are now."""
    return Message.objects.filter(is_indexed=False).exclude(status=MessageStatus.IN_PROGRESS)


def has_due() -> bool:
    """Whether there is anything to do. A query, of an index that holds no more than that."""
    return not older.are_up() and due().exists()


def lag_s() -> float:
    """For how many seconds the oldest of them has been waiting; 0 where there is none.

    Of the first in time: after an upgrade there may be millions, and a scrape is not to read them all.
    """
    first = due().order_by("created_at").values("updated_at")[:BATCH]
    since = first.aggregate(since=Min("updated_at"))["since"]
    return max(0.0, (timezone.now() - since).total_seconds()) if since else 0.0


def index_some(messages: QuerySet[Message]) -> int:
    """Index the first of these, whatever was there; how many. What changes meanwhile is left to the next time."""
    rows = [Said(*row) for row in messages.values_list(*_fields())[:BATCH]]
    made = {row.id: entry for row in rows if (entry := entry_of(row))}
    with transaction.atomic():
        same = _locked(rows)
        SearchEntry.objects.filter(message__in=same).delete()
        _store([made[id] for id in same if id in made])
        Message.objects.filter(pk__in=same).update(is_indexed=True)
    return len(same)


def forget(message: uuid.UUID) -> None:
    """The message says something else, or nothing: it is found by nothing until it is indexed anew."""
    SearchEntry.objects.filter(message=message).delete()
    Message.objects.filter(pk=message).update(is_indexed=False)


def watch() -> None:
    """From now on that happens in the transaction that changes it. Once in a process."""
    post_save.connect(_saved, sender=Message)


def place_of(organization: uuid.UUID) -> str:
    """The term that all messages of an organization have: so the index leads to those of one's own."""
    return f"o{organization.hex}"


def _saved(instance: Message, created: bool, update_fields: Collection[str] | None, **more: Any) -> None:
    if not created and (update_fields is None or "content" in update_fields):
        forget(instance.pk)


def _fields() -> Iterator[Any]:
    yield from ("pk", "chat_id", "chat__organization_id", "created_at", "updated_at", "status", "kind")
    yield Left("content", settings.SEARCH_MAX_CHARS)


def entry_of(row: Said) -> SearchEntry | None:
    """What the message is found by; None where it is not: a command and its answer are no part of what was said."""
    terms: Any = indexed(row.text)  # which the field takes, and no text
    if not terms or row.kind == MessageKind.COMMAND or row.status == MessageStatus.DELETED:
        return None
    terms.insert(0, place_of(row.organization))
    number = number_of(row.id, row.created_at)
    return SearchEntry(id=number, message_id=row.id, chat_id=row.chat, terms=terms, is_long=index.is_long(terms))


def _locked(rows: Iterable[Said]) -> list[uuid.UUID]:
    """Those of them that are still as they were read, held to the end of the transaction. Nobody is waited for."""
    read = {row.id: row.updated_at for row in rows}
    locked = Message.objects.select_for_update(skip_locked=True).filter(pk__in=read)
    return [id for id, updated_at in locked.order_by().values_list("pk", "updated_at") if read[id] == updated_at]


def _store(entries: list[SearchEntry]) -> None:
    give_numbers(entries)
    SearchEntry.objects.bulk_create(entries)


def give_numbers(entries: Sequence[SearchEntry]) -> None:
    """Each has its number; where that is taken, another of the second: the order is good enough."""
    taken = set(SearchEntry.objects.filter(pk__in=[each.pk for each in entries]).values_list("pk", flat=True))
    for each in entries:
        while each.pk in taken:
            each.pk += random.randrange(OF_A_SECOND)
        taken.add(each.pk)
