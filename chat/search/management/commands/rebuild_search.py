"""Make all that messages are found by anew."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandParser
from django.db.models import Q

from chat.models import Message, MessageStatus
from chat.search import index, indexing
from chat.search.models import SearchEntry

TOLD_EVERY = 5_000  # messages


class Command(BaseCommand):
    """The index first, from the rows that are there; then each row, the newest first. All of it is found meanwhile."""

    help = "Makes what messages are found by anew: the database's index, then the terms of each message."

    def add_arguments(self, parser: CommandParser) -> None:
        """How much, and in which form."""
        parser.add_argument("--dry-run", action="store_true", help="only count, change nothing")
        parser.add_argument("--json", action="store_true", help="the counts as JSON, without progress")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, or count."""
        if not options["dry_run"]:
            index.remake()
            self._index_all(is_told=not options["json"])
        told = {"messages": _messages().count(), "rows": SearchEntry.objects.count(), "dry_run": options["dry_run"]}
        words = f"{told['messages']:,} messages, {told['rows']:,} of them are found by what they say."
        self.stdout.write(json.dumps(told) if options["json"] else words)

    def _index_all(self, *, is_told: bool) -> None:
        done = 0
        for some in _batches():
            before, done = done, done + len(some)
            indexing.index_some(Message.objects.filter(pk__in=some))
            if is_told and done // TOLD_EVERY > before // TOLD_EVERY:
                self.stdout.write(f"{done:,} messages ...")


def _messages() -> Any:
    return Message.objects.exclude(status=MessageStatus.IN_PROGRESS)


def _batches() -> Iterator[list[UUID]]:
    """The ids of all messages, the newest first; those that come meanwhile are the chore's."""
    rows = _messages().order_by("-created_at", "-pk").values_list("created_at", "pk")
    some = list(rows[: indexing.BATCH])
    while some:
        yield [id for _, id in some]
        at, id = some[-1]
        behind = Q(created_at__lt=at) | Q(created_at=at, pk__lt=id)
        some = list(rows.filter(behind, created_at__lte=at)[: indexing.BATCH])
