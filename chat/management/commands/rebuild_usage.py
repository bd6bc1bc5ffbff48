"""`manage.py rebuild_usage`: the usage by day, worked out anew."""

from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from chat.metering import usage_days


class Command(BaseCommand):
    help = (
        "Works the usage by day out anew from the runs and usage records that are stored. Tokens and costs of what is "
        "deleted stay; its runs are not stored any more and leave these days' counts: so name only days that are wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="first", required=True, help="The first day, such as 2026-11-01.")
        parser.add_argument("--to", dest="last", default="", help="The last day. Default: the last that has begun.")

    def handle(self, *args: Any, **options: Any) -> None:
        first = _day("--from", options["first"])
        last = _day("--to", options["last"]) if options["last"] else _newest()
        if first > last:
            raise CommandError("--from is after --to. Expected the first day, and the last.")
        count = usage_days.rebuild(first, last)
        self.stdout.write(f"Usage from {first} to {last}: {count} rows.")


def _day(name: str, text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{name} {text!r} is not a day. Expected one like 2026-11-01.") from None
    if day > _newest():
        raise CommandError(f"{name} {text} is yet to come. Expected a day that has begun.")
    return day


def _newest() -> date:
    """The newest that may have begun somewhere: days are those of the organizations' zones."""
    return timezone.localdate() + timedelta(days=1)
