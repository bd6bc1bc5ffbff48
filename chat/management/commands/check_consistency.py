"""`manage.py check_consistency`: whether what is stored agrees with itself, and mends what can be."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chat.ops.consistency import Consistency, Fault, keep

MOST = 1_000_000_000  # runs
TOLD_EVERY = 50  # steps


class Command(BaseCommand):
    help = (
        "Reads the logs of some runs that have ended, and says what does not hold: numbers missing or twice, not "
        "exactly one end, rows that differ from their events, messages and leases of ended runs that are still open, "
        "days of usage that differ from their records. Without --repair it changes nothing. Ends with 1 where "
        "something is wrong, and with 2 where it was asked wrongly."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--sample", type=_count, default=settings.CONSISTENCY_SAMPLE, metavar="N",
            help="read the logs of so many runs; 0: of all (default: CONSISTENCY_SAMPLE)",
        )  # fmt: skip
        parser.add_argument(
            "--repair", action="store_true",
            help="end such messages, release such leases, and work such days out anew, as rebuild_usage does; "
            "a log is never changed",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="each fault, and then the counts, as JSON lines")

    def handle(self, *args: Any, sample: int, repair: bool, json: bool, **options: Any) -> None:
        self._as_json = json
        checking = Consistency(sample, repairs=repair, tell=self._fault)
        steps = 0
        while checking.step():
            steps += 1
            if not json and steps % TOLD_EVERY == 0:
                self.stdout.write(_said(checking.counts) + " ...")
        keep(checking.counts)
        self._end(checking.counts)

    def _fault(self, fault: Fault) -> None:
        told = {name: value for name, value in vars(fault).items() if name != "mend"}
        mends = fault.mend is not None
        if self._as_json:
            self.stdout.write(json.dumps(told | {"can_be_repaired": mends}))
        else:
            self.stdout.write(f"{fault.kind}: {fault.of}: {fault.said}{' (--repair)' if mends else ''}")

    def _end(self, counts: dict[str, int]) -> None:
        self.stdout.write(json.dumps(counts) if self._as_json else _said(counts) + ".")
        left = counts["faults"] - counts["repaired"]
        if left:
            raise CommandError(f"{left} things do not hold.")


def _said(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text) <= MOST:
        raise ArgumentTypeError(f"expected a number from 0 to {MOST}")
    return int(text)
