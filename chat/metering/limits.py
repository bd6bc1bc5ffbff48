"""How much one person, organization or chat may have open at once, over all processes. docs/limits.md lists it.

Streams and sockets are counted in this process's memory and, where there is Redis, as places that all processes share
(chat.metering.places). Runs are counted in their rows, so that no count can leak.
"""

import asyncio
import functools
from collections import Counter
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from accounts.db.compiled import Compiled
from accounts.errors import TooMany
from chat.metering import places
from chat.models import OPEN, Run

BEGINS_S = 10.0  # what was taken and never begun is given back: its client left before the first byte
RETRY_S = 5  # Retry-After: some stream, socket or run may have ended by then


class Limit:
    """So many things open at once for each person. `setting` names how many; 0 is no limit."""

    def __init__(self, name: str, setting: str, message: str) -> None:
        self.name = name
        self.setting = setting
        self.message = message
        self.here: Counter[UUID] = Counter()

    @property
    def most(self) -> int:
        """How many one person may have."""
        return int(getattr(settings, self.setting))

    def check(self, user_id: UUID) -> None:
        """Raise TooMany for a person who has that many already. Sync; takes nothing."""
        if self.most and (self.here[user_id] >= self.most or self._is_full(user_id)):
            raise self._refusal()

    async def take(self, user_id: UUID, *, may_refuse: bool = True) -> "Hold":
        """One more for this person; the answer is sent inside `with` it. Raises TooMany as `check` does."""
        if may_refuse and self.most and self.here[user_id] >= self.most:
            raise self._refusal()
        hold = Hold(self, user_id)
        if self.most and settings.REDIS_URL:
            loop = asyncio.get_running_loop()
            place = await loop.run_in_executor(places.threads(), places.take, self._places(user_id))
            if place is None and may_refuse:
                hold.give_back()
                raise self._refusal()
            hold.occupy(place or "")
        return hold

    def _is_full(self, user_id: UUID) -> bool:
        return bool(settings.REDIS_URL) and places.is_full(self._places(user_id))

    def _places(self, user_id: UUID) -> list[str]:
        return [f"open:{self.name}:{user_id}:{number}" for number in range(self.most)]

    def _refusal(self) -> TooMany:
        told = self.message.format(most=self.most)
        return TooMany(told, code=f"too_many_{self.name}", retry_after_s=RETRY_S)


class Hold:
    """One open thing: counted from its making to the end of its `with`, or for BEGINS_S where that never begins."""

    def __init__(self, limit: Limit, user_id: UUID) -> None:
        self.limit = limit
        self.user_id = user_id
        self.place = ""
        self.is_held = False
        self._hold()
        self._lapse = asyncio.get_running_loop().call_later(BEGINS_S, self.give_back)

    def begin(self) -> "Hold":
        """It is open now, until it is given back."""
        self._lapse.cancel()
        self._hold()
        return self

    def __enter__(self) -> "Hold":
        return self.begin()

    def __exit__(self, *error: object) -> None:
        self.give_back()

    def occupy(self, place: str) -> None:
        """It has this place in the cache, to be renewed; empty: none."""
        self.place = place
        if place:
            places.renewer.add(place)

    def give_back(self) -> None:
        """It is over. Again changes nothing."""
        self._lapse.cancel()
        if not self.is_held:
            return
        self.is_held = False
        self.limit.here[self.user_id] -= 1
        if not self.limit.here[self.user_id]:
            del self.limit.here[self.user_id]
        if self.place:
            places.renewer.remove(self.place)

    def _hold(self) -> None:
        if not self.is_held:
            self.is_held = True
            self.limit.here[self.user_id] += 1


streams = Limit("streams", "CHAT_STREAMS_PER_USER", "You have {most} streams open. Close one, or try again later.")
sockets = Limit("sockets", "CHAT_SOCKETS_PER_USER", "You have {most} sockets open. Close one, or try again later.")
exports = Limit("exports", "CHAT_EXPORTS_PER_USER", "{most} exports of yours are being written. Try again later.")


def check_runs(organization_id: UUID, most: int) -> None:
    """Raise TooMany where the organization has as many runs open as it may; 0: no limit. Sync, one query."""
    if not most:
        return
    if _open_run(most).first(organization_id) is not None:
        told = f"Your organization has {most} runs open. Try again when some have ended."
        raise TooMany(told, code="too_many_runs", retry_after_s=RETRY_S)


@functools.cache
def _open_run(number: int) -> Compiled[Run]:
    """The organization's open run of that number, if it has so many."""

    def find(organization: UUID) -> "QuerySet[Run]":
        are_open = Run.objects.answers().filter(chat__organization_id=organization, status__in=OPEN).order_by()
        return are_open.only("pk")[number - 1 : number]

    return Compiled(find, UUID)


def check_queue(waiting: int) -> None:
    """Raise TooMany where as many runs wait in a chat as may."""
    if waiting >= settings.CHAT_MAX_QUEUED:
        told = f"{settings.CHAT_MAX_QUEUED} messages wait in this chat already."
        raise TooMany(told, code="queue_full", retry_after_s=RETRY_S)
