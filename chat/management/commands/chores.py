"""`manage.py chores`: what is done now and then, when it was and when it is due; or does it now."""

import json
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from chat.models import Chore, Process
from chat.ops.chores import lease
from chat.ops.chores.doing import PAUSE_S, batches
from chat.ops.chores.table import CHORES, Duty

NAMES = {duty.name: duty for duty in CHORES}
COLUMNS = ("name", "due", "last", "by", "told")


class Command(BaseCommand):
    help = (
        "Lists the chores: when each is due, when it was last, who is at it, and what it told. With --run, does what "
        "is due now, or the one that is named, due or not. Safe beside running servers; ends with 1 where one failed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--run", nargs="?", const="", metavar="NAME", choices=["", *NAMES],
            help=f"do all that are due, or one of: {', '.join(NAMES)}",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="the list as one JSON object a line")

    def handle(self, *args: Any, run: str | None, json: bool, **options: Any) -> None:
        if run is None:
            return self._lines() if json else self._list()
        done = [self._named(NAMES[run])] if run else list(self._all())
        if not done:
            self.stdout.write("Nothing is due.")
        if not all(done):
            raise CommandError("Not all is done; the lines above and the log say why.")

    def _all(self) -> Iterator[bool]:
        """Those that are due: of each, whether it went well."""
        for duty in CHORES:
            if duty.every_s and lease.claim(duty):
                yield self._do(duty)

    def _named(self, duty: Duty) -> bool:
        if lease.claim_early(duty):
            return self._do(duty)
        self.stdout.write(f"{duty.name}: {_by(Chore.objects.get(name=duty.name))} is at it. Try again later.")
        return False

    def _do(self, duty: Duty) -> bool:
        """Whether it went well."""
        self.stdout.write(f"{duty.name} ...")
        self.stdout.flush()
        for _ in batches(duty):
            time.sleep(PAUSE_S)
        row = Chore.objects.get(name=duty.name)
        is_ours = row.owner is None
        self.stdout.write(f"{duty.name}: {_told(row) if is_ours else f'{_by(row)} has taken it over.'}")
        return is_ours and not row.error

    def _list(self) -> None:
        rows = [COLUMNS, *(tuple(each.values()) for each in _states())]
        widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
        for row in rows:
            cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())

    def _lines(self) -> None:
        for each in _states():
            self.stdout.write(json.dumps(each))


def _states() -> Iterator[dict[str, str]]:
    """A line for each chore, in words."""
    rows = {row.name: row for row in Chore.objects.all()}
    for duty in CHORES:
        row = rows.get(duty.name) or Chore(name=duty.name, due_at=timezone.now())
        due = timezone.localtime(row.due_at).strftime("%Y-%m-%d %H:%M:%S") if duty.every_s else "off"
        last = timezone.localtime(row.ended_at).strftime("%Y-%m-%d %H:%M:%S") if row.ended_at else "never"
        yield dict(zip(COLUMNS, (duty.name, due, last, _by(row), _told(row)), strict=True))


def _by(row: Chore) -> str:
    """Who is at it; nobody: a dash. A process that crashed keeps its place until its lease lapses."""
    if row.owner is None:
        return "-"
    process = Process.objects.filter(pk=row.owner).first()
    return str(process) if process else f"process {row.owner}"


def _told(row: Chore) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in row.told.items()) or "nothing to do"
    if row.error:
        return f"failed: {row.error}" + (f" (before: {counts})" if row.told else "")
    return counts if row.ended_at else "-"
