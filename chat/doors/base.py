"""What a dialect is: one wire format. It reads a request and writes events; it does no I/O and knows no clock."""

import heapq
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.errors import Invalid
from agents import events as ev
from agents.events import AnyEvent


@dataclass(frozen=True)
class RunInfo:
    """What an encoder may know of its run besides its events."""

    run: str  # ids; those of a run that answers nothing are empty but for its own and its chat's
    chat: str
    message: str  # the answer's
    input: str  # the id of the message that is answered
    created_at: float  # seconds since 1970
    request: dict[str, Any] = field(default_factory=dict)  # what the door stored of the request


UNKNOWN_TOLD, UNKNOWN_CHARS = 20, 100  # of a body's unknown fields: how many are named, and how much of each name


def known_only(body: dict[str, Any], fields: Sequence[str]) -> None:
    """Raise Invalid, naming them as far as an answer has room, if the body has other fields than these."""
    if unknown := heapq.nsmallest(UNKNOWN_TOLD, set(body) - set(fields)):
        expected = f"Unknown field. Expected: {', '.join(fields)}."
        named = [name[:UNKNOWN_CHARS] for name in unknown]
        raise Invalid(f"{named[0]}: {expected}", fields=dict.fromkeys(named, (expected,)))


class Encoder(ABC):
    """Writes one run's events as frames. A frame is bytes that are sent whole.

    A dialect names in its `match` every event, also those it has no word for, and ends with `assert_never`: so mypy
    finds each door that has not decided what to say of a new one. Where a branch takes the agent's own alone, the class
    is named again among those without a word, for a subagent's.
    """

    is_over = False  # it has said its end, though the run may go on: nothing more is for this reader
    is_shared = False  # its frames are the same for all readers of a run

    def open(self) -> list[bytes]:
        """Frames before the first event of a connection."""
        return []

    @abstractmethod
    def encode(self, attempt: int, seq: int, event: AnyEvent) -> list[bytes]:
        """The event's frames, the n-th of which a cursor names `.n`; none where the dialect has no word for it."""

    def reset(self) -> list[bytes]:
        """What is said to a reader whose cursor is unknown, before the whole log follows."""
        return []

    def let_go(self) -> list[bytes]:
        """Frames for a reader who must come back: this process is going, or their access has ended."""
        return []


class OpenTurn:
    """Whether a reader may have been shown something of the turn under way, which its reset would take back.

    A process that goes before the first word of a turn leaves nothing to take back: the reader reads on.
    """

    def __init__(self, *shows: type) -> None:
        """`shows`: the deltas that the dialect has a word for."""
        self.is_shown = True  # of who comes back in the middle of a turn it is not known what they were shown
        self._shows = shows or (ev.TextDelta,)

    def see(self, event: AnyEvent, *, is_new: bool = True) -> None:
        """`is_new`: the event is behind all that the reader was shown before."""
        if event.agent:
            return
        if isinstance(event, ev.TurnStarted):
            self.is_shown = not is_new
        elif isinstance(event, self._shows):
            self.is_shown = True


class Preparing(Encoder):
    """One that sees a batch before it encodes it, and may take a thread for that."""

    @abstractmethod
    async def prepare(self, events: Sequence[Any], *, is_reset: bool = False) -> None:
        """Do beforehand what encoding these needs."""


class Silent(Encoder):
    """Says nothing: for who only waits for the end."""

    def encode(self, attempt: int, seq: int, event: AnyEvent) -> list[bytes]:
        """Nothing."""
        return []
