"""`manage.py fill`: fills the database with chats as a year leaves them, to measure with."""

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from chat.ops.filling import Made, Order, fill
from chat.ops.filling.sizes import bytes_of_tables

MOST = {"messages": 100_000_000, "chats": 10_000_000, "people": 100_000, "organizations": 10_000, "days": 3_650}
LARGEST = 8  # tables that are told of
WIDTH = 30


class Command(BaseCommand):
    help = (
        "Fills the database with organizations, people and chats of its own making, to measure with: messages with "
        "their runs, logs, usage, audit entries, what they are found by, and deliveries of webhooks, spread over a "
        "year. What is there stays as it is. Nothing removes it again: use a database of its own."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--messages", type=_count("messages"), default=100_000, help="questions and answers in all (100000)")
        add("--chats", type=_count("chats"), default=0, help="in which they are said (one for each 50 messages)")
        add("--people", type=_count("people"), default=50, help="who have these chats (50)")
        add("--organizations", type=_count("organizations"), default=5, help="in which the people are (5)")
        add("--days", type=_count("days"), default=365, help="over which all of it is spread, up to now (365)")
        add("--seed", type=int, default=1, help="of all dice: the same seed says the same (1)")
        add("--member", default="", metavar="EMAIL", help="somebody who is there: an admin of the first organization")
        add("--yes", action="store_true", help="also where PARLEY_ENV is production")

    def handle(self, *args: Any, yes: bool, member: str, **options: Any) -> None:
        if not settings.IS_DEVELOPMENT and not yes:
            raise CommandError("PARLEY_ENV is production: nothing removes these rows again. --yes fills it anyway.")
        chosen = {name: options[name] for name in (*MOST, "seed")}
        order = Order(**chosen, member=_member(member))
        if order.people < order.organizations:
            raise CommandError("--people: expected at least one for each of the --organizations.")
        self._tell(fill(order, self._bar(2 * order.turns)))

    def _bar(self, total: int) -> Callable[[int], None]:
        """A bar on a terminal, else a line at each tenth."""
        began, last = time.monotonic(), 0

        def show(done: int) -> None:
            nonlocal last
            line = f"{done:,}/{total:,} messages, {time.monotonic() - began:.0f} s"
            if sys.stderr.isatty():
                full = WIDTH * done // total
                bar = f"\r  [{'#' * full}{'.' * (WIDTH - full)}] {line} "
                self.stderr.write(bar, ending="\n" if done >= total else "")
            elif 10 * done // total > last:
                last = 10 * done // total
                self.stderr.write(f"  {line}")

        return show

    def _tell(self, made: Made) -> None:
        for table, count in sorted(made.rows.items(), key=lambda pair: -pair[1]):
            self.stdout.write(f"{count:>12,} {table}")
        self.stdout.write(f"{sum(made.rows.values()):,} rows, {made.text_bytes / 1e6:,.0f} MB of text, "
                          f"in {made.took_s:,.0f} s.")  # fmt: skip
        sizes = bytes_of_tables()
        self.stdout.write(f"The database takes {sum(sizes.values()) / 1e6:,.0f} MB, indexes included; most of it:")
        for table, size in list(sizes.items())[:LARGEST]:
            self.stdout.write(f"{size / 1e6:>9,.0f} MB {table}")


def _member(email: str) -> User | None:
    if not email:
        return None
    found = User.objects.filter(email=email.lower()).first()
    if found is None:
        raise CommandError(f"--member: there is nobody with the address {email}.")
    return found


def _count(name: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= MOST[name]:
            raise ArgumentTypeError(f"expected a number from 1 to {MOST[name]}")
        return int(text)

    return parse
