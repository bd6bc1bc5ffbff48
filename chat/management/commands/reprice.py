"""`manage.py reprice`: what was used since a day, by the prices as they are accepted now."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agents.costs import text_of
from chat.management.rows import load_rows
from chat.metering.costs import currency
from chat.metering.repricing import correct, corrections


class Command(BaseCommand):
    help = (
        "Works out what was used since a day by the accepted prices that hold for then, and writes a correction beside "
        "each record that cost another amount, or an unknown one. A record itself is never changed. Exits with 1 where "
        "--dry-run finds something."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="first", required=True, help="The first day, such as 2026-11-01.")
        parser.add_argument("--dry-run", action="store_true", help="Tell what would be written, and write nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        first = _day(options["first"])
        load_rows(self.stderr)
        count, sums = 0, dict[str, int]()
        for found in corrections(first):
            each = found if options["dry_run"] else correct(found.record)
            if each is None:
                continue
            count += 1
            sums[each.record.model] = sums.get(each.record.model, 0) + each.difference
        for model, nanos in sorted(sums.items()):
            self.stdout.write(f"{model}: {text_of(nanos)} {currency()}")
        word = "would be corrected" if options["dry_run"] else "corrected"
        self.stdout.write(f"{count} records since {first} {word}: {text_of(sum(sums.values()))} {currency()}.")
        if count and options["dry_run"]:
            raise SystemExit(1)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--from {text!r} is not a day. Expected one like 2026-11-01.") from None
