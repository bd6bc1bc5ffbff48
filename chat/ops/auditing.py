"""The audit log's two chores: sealing what was written, and once a day telling the chains' ends and letting old entries
go. Sync.
"""

from accounts.audit import pruning, sealing


class Sealing:
    """One round: all that has no place in its chain yet, batch by batch."""

    def __init__(self) -> None:
        self.counts = {"audit entries sealed": 0}

    def step(self) -> bool:
        """Seal some. False: there is none left."""
        count = sealing.seal()
        self.counts["audit entries sealed"] += count
        return count == sealing.BATCH


class Telling:
    """One round: first the ends are told, so that nothing goes that was never told of."""

    def __init__(self) -> None:
        self.counts = {"audit chains told": pruning.tell_heads(), "audit entries let go": 0}
        self._batches = pruning.prune()

    def step(self) -> bool:
        """Let some go. False: there is none left."""
        count = next(self._batches, 0)
        self.counts["audit entries let go"] += count
        return count > 0
