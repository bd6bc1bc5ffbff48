"""Letting old entries go: the chain's row keeps where the last of them stood, and there the chain begins from then on.

The database deletes nothing that is not behind that place (accounts.audit.triggers). Sync.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.audit.models import INSTALLATION, AuditChain, AuditEntry

BATCH = 1_000
# Of what is told here somebody keeps a copy elsewhere: without one, whoever owns the database can write a chain anew.
heads = logging.getLogger("accounts.audit.heads")


def prune() -> Iterator[int]:
    """Let go what is older than AUDIT_KEEP_DAYS (0: nothing is), some at a time; how many that was."""
    if settings.AUDIT_KEEP_DAYS:
        until = timezone.now() - timedelta(days=settings.AUDIT_KEEP_DAYS)
        for id in AuditChain.objects.filter(seq__gt=F("pruned_seq")).values_list("pk", flat=True).order_by("pk"):
            while count := _prune(id, until):
                yield count


@transaction.atomic
def _prune(id: UUID, until: datetime) -> int:
    """Some of a chain's oldest entries, up to the first that is kept."""
    chain = AuditChain.objects.select_for_update().get(pk=id)
    rows = AuditEntry.objects.filter(organization=None if id == INSTALLATION else id, seq__gt=chain.pruned_seq)
    gone: list[tuple[int, str]] = []
    for entry in rows.order_by("seq")[:BATCH]:
        if entry.at >= until:
            break
        assert entry.seq is not None and entry.chain is not None, "it is sealed"
        gone.append((entry.seq, entry.chain))
    if not gone:
        return 0
    chain.pruned_seq, chain.pruned_chain = gone[-1]
    chain.save(update_fields=["pruned_seq", "pruned_chain"])
    rows.filter(seq__lte=gone[-1][0])._raw_delete(rows.db)  # nothing hangs on them
    return len(gone)


def tell_heads() -> int:
    """Log the end of each chain that has grown since; how many."""
    grown = list(AuditChain.objects.filter(seq__gt=F("told_seq")).order_by("pk"))
    for each in grown:
        whose = "the installation" if each.pk == INSTALLATION else f"organization {each.pk}"
        heads.info("Audit chain of %s: anchor %s:%s", whose, each.seq, each.chain)
        AuditChain.objects.filter(pk=each.pk).update(told_seq=each.seq)
    return len(grown)
