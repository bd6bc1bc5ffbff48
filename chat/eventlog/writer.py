"""Appending to a run's log, for the one process that holds its lease."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings

from agents.events import DELTAS, AnyEvent, ReplyCompleted, TurnCompleted
from agents.events import are_deltas as only_deltas
from chat.eventlog.committer import committer
from chat.eventlog.feed import hub
from chat.eventlog.rows import Logged


class Fenced(Exception):
    """Another process has taken the run, or it has ended: nothing more may be written."""


class Refused(Exception):
    """The database will not take these events; what was stored before stays."""


def _is_urgent(event: AnyEvent) -> bool:
    """Whether it is stored at once: not deltas, nor what the next event or the run's end follows at once anyway."""
    match event:
        case ReplyCompleted(calls=calls):
            return bool(calls)
        case TurnCompleted():
            return False
        case _:
            return not isinstance(event, DELTAS)


class Writer:
    """Numbers a run's events, shows them to readers as soon as may be, and has them stored.

    Deltas are shown at once unless something before them still waits to be stored; everything else is shown when it is.
    The first words after anything else are stored at once where another process reads them: they are waited for.
    """

    def __init__(self, run_id: UUID, attempt: int, next_seq: int, first: Sequence[Logged] = ()) -> None:
        """`first`: the whole log before `next_seq`, where it is known: then readers need no database to begin."""
        self.run_id = run_id
        self.attempt = attempt
        self.next_seq = next_seq
        self.pending: list[Logged] = []  # not stored, not being stored
        self.unshown: list[Logged] = []  # behind something that is not stored
        self.stored_seq = next_seq - 1
        self.broken: Fenced | Refused | None = None
        self._most_unstored = int(settings.CHAT_UNSTORED_MAX_EVENTS)
        self._most_pending = self._most_unstored // 2  # so that the provider need not wait while they are stored
        self._were_deltas = False  # what was appended last: then the next delta is nobody's first
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self.feed = hub.feed(run_id)
        self.feed.restart(next_seq - len(first), is_local=True)
        if first:
            self.feed.show(list(first))

    def append(self, events: list[AnyEvent]) -> None:
        """Take events that have happened. Costs no round trip; `stored` waits for one."""
        if self.broken is not None:
            return  # whoever waits for `stored` is told
        entries = [Logged(self.attempt, seq, event) for seq, event in enumerate(events, self.next_seq)]
        self.next_seq += len(entries)
        self.pending += entries
        are_deltas = only_deltas(events)
        if self.unshown or not are_deltas:
            self.unshown += entries
            self._show()
        else:
            self.feed.show(entries, are_deltas=True)
        is_urgent = self._are_first_words() if are_deltas else any(map(_is_urgent, events))
        committer.wake(self, is_urgent or len(self.pending) > self._most_pending)
        self._were_deltas = are_deltas

    def _are_first_words(self) -> bool:
        """Whether these deltas are what somebody elsewhere waits for: the rest of them comes in time."""
        return not self._were_deltas and bool(hub.read_elsewhere([self.run_id]))

    @property
    def is_full(self) -> bool:
        """So much waits to be stored that the provider should not be read before some is."""
        return self.next_seq - 1 - self.stored_seq > self._most_unstored

    async def stored(self) -> None:
        """Return once everything appended so far is stored. Raises Fenced or Refused."""
        await self._stored_until(self.next_seq - 1)

    async def rest(self) -> list[Logged]:
        """Take what nobody has begun to store, to be stored with the end; what came before it is stored by then.

        Raises Fenced or Refused.
        """
        rest = self.take()
        await self._stored_until(self.next_seq - 1 - len(rest))
        return rest

    async def _stored_until(self, seq: int) -> None:
        if self.broken is not None:
            raise self.broken
        if self.stored_seq < seq:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append((seq, waiter))
            await waiter

    def take(self) -> list[Logged]:
        """What is to be stored now: for the committer."""
        entries, self.pending = self.pending, []
        return entries

    def on_stored(self, seq: int) -> None:
        """Everything up to `seq` is stored: for the committer."""
        self.stored_seq = seq
        if self.unshown:
            self._show()
        if not self._waiters:
            return
        ready = [waiter for until, waiter in self._waiters if until <= seq]
        self._waiters = [each for each in self._waiters if each[0] > seq]
        for waiter in ready:
            if not waiter.done():
                waiter.set_result(None)

    def on_fenced(self) -> None:
        """Somebody else has the run, or nobody: for the committer."""
        self._break(Fenced())

    def on_refused(self) -> None:
        """The events can never be stored: for the committer."""
        self._break(Refused())

    def _break(self, error: Fenced | Refused) -> None:
        self.broken = error
        waiters, self._waiters = self._waiters, []
        for _, waiter in waiters:
            if not waiter.done():
                waiter.set_exception(error)
        self.close()

    def close(self) -> None:
        """Stop writing: the run has ended, or goes on elsewhere."""
        committer.drop(self)
        self.pending = []
        if self.feed.is_local:
            self.feed.restart(self.stored_seq + 1, is_local=False)
            hub.forget(self.feed)

    def end(self, entries: list[Logged]) -> None:
        """Show the entries that ended the run; they are stored, and so is all before them."""
        self.stored_seq = entries[-1].seq
        self._show()
        self.feed.show(entries)
        self.feed.is_local = False
        committer.drop(self)
        hub.forget(self.feed)

    def _show(self) -> None:
        count = 0
        for entry in self.unshown:
            if entry.seq > self.stored_seq and not isinstance(entry.event, DELTAS):
                break
            count += 1
        if count:
            self.feed.show(self.unshown[:count])
            del self.unshown[:count]
