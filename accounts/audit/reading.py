"""Entries for who may read them: rows by what is asked for, and the lines of the export. Sync."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.audit.canonical import HASHED, shape_of
from accounts.audit.models import INSTALLATION, AuditChain, AuditEntry
from accounts.audit.verifying import Chain

COLUMNS = (*HASHED, "hash", "seq", "chain")
FILTERS = {"action": "action", "actor": "actor", "object_id": "object_id", "from": "at__gte", "to": "at__lt"}
PIECE = 1_000  # entries that are read at once


def entries_of(organization: UUID | None, asked: Mapping[str, Any] | None = None) -> QuerySet[AuditEntry]:
    """Those of an organization, or (None) of the installation, which are what is asked for by FILTERS."""
    wanted = {FILTERS[name]: value for name, value in (asked or {}).items() if name in FILTERS}
    return AuditEntry.objects.filter(organization=organization, **wanted)


def piece(rows: QuerySet[AuditEntry], after: int) -> list[dict[str, Any]]:
    """The next entries that are sealed, behind this number, as the export has them. One query."""
    found = rows.filter(seq__gt=after).order_by("seq").values(*COLUMNS)[:PIECE]
    return [exported(row) for row in found]


def pieces(rows: QuerySet[AuditEntry]) -> Iterator[dict[str, Any]]:
    """All that are sealed, in the order of their chain, read piece by piece."""
    after = 0
    while found := piece(rows, after):
        yield from found
        after = found[-1]["seq"]


def exported(row: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as the export has it: what is hashed, and the three that hold the chain."""
    return {**shape_of(row), **{name: row[name] for name in ("hash", "seq", "chain")}}


def line_of(entry: Mapping[str, Any]) -> str:
    """The same as a line of JSON."""
    return json.dumps(entry, separators=(",", ":"), ensure_ascii=False)


def stored_faults(id: UUID, anchors: Mapping[int, str]) -> tuple[Chain, Iterator[str]]:
    """A stored chain as it will be read, and what is wrong with it, as it is found."""
    head = AuditChain.objects.get(pk=id)
    rows = entries_of(None if id == INSTALLATION else id).filter(seq__lte=head.seq)
    chain = Chain(head.pruned_seq, head.pruned_chain, anchors)

    def faults() -> Iterator[str]:
        for entry in pieces(rows):
            yield from chain.take(entry)
        yield from chain.end(head.seq, head.chain)

    return chain, faults()
