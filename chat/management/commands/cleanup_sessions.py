"""`manage.py cleanup_sessions`: removes what has expired, at once."""

import time
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from chat.ops.cleanup import CleanUp, due

PAUSE_S = 0.02  # between two batches: others want to write too


class Command(BaseCommand):
    help = (
        "Removes expired sessions, chats, guests, tickets, tokens and idempotency keys, and makes old logs small. "
        "Safe beside a running server, and at any moment to stop. The server does the same every CLEANUP_EVERY_S."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count what is due")
        parser.add_argument(
            "--batch", type=_count, default=settings.CLEANUP_BATCH,
            help=f"rows that one transaction removes ({settings.CLEANUP_BATCH})",
        )  # fmt: skip

    def handle(self, *args: Any, dry_run: bool, batch: int, **options: Any) -> None:
        if dry_run:
            self._tell(due(), "Due for clean-up, nothing was changed:")
            return
        begin = time.monotonic()
        clean_up = CleanUp(batch)
        while clean_up.step():
            time.sleep(PAUSE_S)
        self._tell(clean_up.counts, f"Cleaned up in {time.monotonic() - begin:.1f} s:")

    def _tell(self, counts: dict[str, int], title: str) -> None:
        self.stdout.write("\n".join([title, *(f"{count:>8}  {name}" for name, count in counts.items())]))


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise ArgumentTypeError("expected a number from 1 to 10000")
    return int(text)
