"""Schedules that are due, some of them a step. Sync."""

from django.utils import timezone

from chat.services import scheduled

LOOKED_AT = 1_000  # in one round; the others are due still in the next
AT_ONCE = 10  # in a step


class Schedules:
    """One round."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(scheduled.KINDS, 0)
        self._now = timezone.now()
        self._left = scheduled.due_ids(self._now, LOOKED_AT)

    def step(self) -> bool:
        """Do some of them. False: there is none left."""
        some, self._left = self._left[:AT_ONCE], self._left[AT_ONCE:]
        for id in some:
            for kind, count in scheduled.take_turn(id, self._now).items():
                self.counts[kind] += count
        return bool(self._left)
