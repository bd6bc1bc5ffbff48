"""`manage.py verify_audit`: whether the audit log's chains hold, those in the database or those of an export."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from accounts.audit.models import INSTALLATION, AuditChain
from accounts.audit.reading import COLUMNS, stored_faults
from accounts.audit.verifying import Chain

SHOWN_MAX = 1_000  # of what is wrong with a chain
SHAPE = set(COLUMNS)


class Command(BaseCommand):
    help = (
        "Reads the audit log's chains and names each entry that was changed, is missing, or is not where it belongs. "
        "With --file, those of an export in JSON Lines, which needs no database. Changes nothing; ends with 1 where "
        "something is wrong."
    )
    requires_system_checks: list[str] = []  # as Django declares it; a file needs no installation

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--file", type=Path, metavar="FILE", help="an export of one organization, whole or a part")
        parser.add_argument(
            "--organization",
            type=UUID,
            metavar="ID",
            help="only its chain; in place of an id, zeros: the installation's",
        )
        parser.add_argument(
            "--anchor", type=_anchor, action="append", default=[], metavar="SEQ:HASH",
            help="a place of the chain that was kept elsewhere, as the log tells it daily; may be given several times",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="what was read and found as one JSON object a chain")

    def handle(
        self, *args: Any, file: Path | None, organization: UUID | None, anchor: list[tuple[int, str]],
        json: bool, **options: Any,
    ) -> None:  # fmt: skip
        anchors = dict(anchor)
        if anchors and file is None and organization is None:
            raise CommandError("--anchor is a place of one chain: name it by --organization, or give a --file.")
        told = _of_file(file, anchors) if file else _of_chains(organization, anchors)
        hold = [self._tell(*each, as_json=json) for each in told]  # each is told, whatever the others are
        if not all(hold):
            raise CommandError("The audit log does not hold.")

    def _tell(self, name: str, chain: Chain, faults: Iterator[str], *, as_json: bool) -> bool:
        """Say what is wrong with a chain, as it is found; whether nothing is."""
        found: list[str] = []
        for fault in faults:
            found.append(fault)
            if not as_json:
                self.stdout.write(f"{name}: {fault}")
            if len(found) == SHOWN_MAX:
                break
        ends = {"seq": chain.seq, "chain": chain.link}
        if as_json:
            self.stdout.write(json.dumps({"chain": name, "entries": chain.count, **ends, "faults": found}))
        else:
            wrong = f"{len(found)} wrong" if found else "it holds"
            self.stdout.write(f"{name}: {chain.count} entries up to {chain.seq}:{chain.link}, {wrong}.")
        return not found


def _of_chains(organization: UUID | None, anchors: dict[int, str]) -> Iterator[tuple[str, Chain, Iterator[str]]]:
    rows = AuditChain.objects.all() if organization is None else AuditChain.objects.filter(pk=organization)
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    if organization is not None and not ids:
        raise CommandError(f"There is no chain of {organization}.")
    for id in ids:
        chain, faults = stored_faults(id, anchors)
        yield "installation" if id == INSTALLATION else str(id), chain, faults


def _of_file(file: Path, anchors: dict[int, str]) -> Iterator[tuple[str, Chain, Iterator[str]]]:
    chain = Chain(anchors=anchors, begins_anywhere=True)
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            yield file.name, chain, _faults(chain, lines)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error


def _faults(chain: Chain, lines: Iterable[str]) -> Iterator[str]:
    whose: set[Any] = set()
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        if not isinstance(entry, dict) or set(entry) != SHAPE or type(entry["seq"]) is not int:
            yield f"line {number} is no entry of an export"
            continue
        if not whose:
            whose = {entry["organization"]}
        if entry["organization"] not in whose:
            yield f"line {number} is of another chain"
            continue
        yield from chain.take(entry)
    yield from chain.end()


def _anchor(text: str) -> tuple[int, str]:
    seq, _, link = text.partition(":")
    if not seq.isdecimal() or len(link) != 64:
        raise ArgumentTypeError("expected a number, a colon and 64 hexadecimal digits")
    return int(seq), link.lower()
