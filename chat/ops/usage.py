"""Days that processes of older versions have counted, moved to where they are read. Sync."""

from django.conf import settings

from chat.metering import usage_days


class UsageBefore:
    """One round: a batch of rows a step, until there are none."""

    def __init__(self) -> None:
        self.counts = {"days of usage moved": 0}

    def step(self) -> bool:
        """Move some. False: there is none left."""
        moved = usage_days.move(settings.CLEANUP_BATCH)
        self.counts["days of usage moved"] += moved
        return bool(moved)
