"""`manage.py check_log`: reads every run's log and says what does not hold."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.models import Run
from chat.ops.log_check import Audit, audits

MOST = 1_000_000_000  # runs


class Command(BaseCommand):
    help = (
        "Reads the logs of all runs and says which do not hold: numbers missing or twice, not exactly one end, rows "
        "that differ from their events, leases of ended runs. Changes nothing; ends with 1 where something is wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=_count, default=0, help="only so many of the newest runs (default: all)")
        parser.add_argument("--json", action="store_true", help="every run as one JSON object a line, without texts")

    def handle(self, *args: Any, limit: int, json: bool, **options: Any) -> None:
        ids = Run.objects.order_by("-created_at").values_list("pk", flat=True)
        found = list(audits(ids[:limit] if limit else ids))
        wrong = [each for each in found if each.faults]
        if json:
            self._lines(found)
        else:
            for each in wrong:
                self.stdout.write(f"run {each.run} ({each.status}): {'; '.join(each.faults)}")
            self.stdout.write(f"{len(found)} runs, {len(wrong)} with something wrong.")
        if wrong:
            raise CommandError("There are logs that do not hold what is promised.")

    def _lines(self, found: list[Audit]) -> None:
        for each in found:
            self.stdout.write(json.dumps(asdict(each)))


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text) <= MOST:
        raise ArgumentTypeError(f"expected a number from 0 to {MOST}")
    return int(text)
