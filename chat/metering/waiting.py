"""What is held in this process's memory for people until somebody takes it in: counted in bytes.

Turns that wait on a socket, and bodies that are still on their way. So many things of so many bytes each are no bound;
this is one, for a person and for the process, whichever door they came to. docs/limits.md.
"""

from collections import Counter
from uuid import UUID

from django.conf import settings

from accounts.errors import TooMany

RETRY_S = 5  # Retry-After: some of it is taken in by then


class Waiting:
    """The account. Only the event loop books in it."""

    def __init__(self) -> None:
        self.of: Counter[UUID] = Counter()
        self.total = 0

    def take(self, user_id: UUID, size: int) -> "Held":
        """So many bytes more for this person, until they are given back. Raises TooMany; nothing is counted then."""
        if self.of[user_id] + size > settings.WAITING_MAX_BYTES_PER_USER:
            raise self._refusal(f"{settings.WAITING_MAX_BYTES_PER_USER} bytes of yours wait here at most")
        if self.total + size > settings.WAITING_MAX_BYTES:
            raise self._refusal("Too much waits here")
        if size:
            self.of[user_id] += size
            self.total += size
        return Held(self, user_id, size)

    def give_back(self, user_id: UUID, size: int) -> None:
        """They are taken in, or dropped."""
        self.total -= size
        self.of[user_id] -= size
        if not self.of[user_id]:
            del self.of[user_id]

    def _refusal(self, told: str) -> TooMany:
        if_later = "Send less at a time, or this again when something has been answered."
        return TooMany(f"{told}. {if_later}", code="too_much_waiting", retry_after_s=RETRY_S)


class Held:
    """Bytes that are counted."""

    def __init__(self, account: Waiting, user_id: UUID, size: int) -> None:
        self._account = account
        self._user_id = user_id
        self.size = size

    def give_back(self) -> None:
        """It is over. Again changes nothing."""
        size, self.size = self.size, 0
        if size:
            self._account.give_back(self._user_id, size)


waiting = Waiting()
