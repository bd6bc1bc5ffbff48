"""Giving entries their place in a chain, afterwards and by one process at a time. Sync.

Chained in the writer's own transaction, all who write in one organization would wait for each other. And an id says
nothing of the order of commits: so it is "what has no number yet" that is sealed, never "what is above the last".
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from django.db import connection, transaction

from accounts.audit.canonical import link_of
from accounts.audit.models import INSTALLATION, AuditChain, AuditEntry

BATCH = 1_000  # entries in a transaction

Unsealed = tuple[UUID, UUID | None, str]  # id, organization, hash
# Who is told that an organization's chain is longer, by the rooms above, in the transaction: its last number and link.
SEALED: list[Callable[[UUID, int, str], None]] = []


def has_unsealed() -> bool:
    """Whether there is anything to do. One query, of an index that holds no more than that."""
    return AuditEntry.objects.filter(seq=None).exists()


def unsealed() -> int:
    """How many entries have no place yet."""
    return AuditEntry.objects.filter(seq=None).count()


@transaction.atomic
def seal() -> int:
    """Seal the next entries, those that were made first; how many. Whoever dies in it has sealed none of them."""
    _alone()
    rows = AuditEntry.objects.filter(seq=None).order_by("pk").values_list("pk", "organization", "hash")[:BATCH]
    by_chain: dict[UUID, list[Unsealed]] = defaultdict(list)
    for row in rows:
        by_chain[row[1] or INSTALLATION].append(row)
    for id, entries in by_chain.items():
        _extend(id, entries)
    return sum(map(len, by_chain.values()))


def _alone() -> None:
    """Hold the installation's chain to the end of the transaction: whoever has it, sealed all that it has seen."""
    AuditChain.objects.get_or_create(pk=INSTALLATION)
    AuditChain.objects.select_for_update().get(pk=INSTALLATION)


def _extend(id: UUID, entries: Sequence[Unsealed]) -> None:
    head, _ = AuditChain.objects.get_or_create(pk=id)
    places = []
    for entry, _organization, hash in entries:
        head.seq += 1
        head.chain = link_of(head.chain, head.seq, hash)
        places.append((head.seq, head.chain, entry))
    _store(places)
    head.save(update_fields=["seq", "chain"])
    for tell in SEALED if id != INSTALLATION else ():
        tell(id, head.seq, head.chain)


def _store(places: Iterable[tuple[int, str, UUID]]) -> None:
    field = AuditEntry._meta.pk
    params = [(seq, chain, field.get_db_prep_value(id, connection)) for seq, chain, id in places]
    with connection.cursor() as cursor:
        cursor.executemany("UPDATE accounts_auditentry SET seq = %s, chain = %s WHERE id = %s AND seq IS NULL", params)
