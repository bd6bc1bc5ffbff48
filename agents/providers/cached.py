"""A provider whose answers are kept for a while, so that who asks the same again is told the same again.

Nobody can tell the two apart but by ids, times and what they used: the pieces are told as they came, in order, only
quicker. Whose answer is told to whom is decided by whoever makes the key; here it is only asked for.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Protocol, cast

import msgspec

from agents.providers.base import CallPiece, Finish, Piece, Provider, ProviderRequest, Question, UsageReport
from agents.usage import FROM_CACHE

PAUSE_S = 0.01  # between two pieces of a kept answer: a reader sees it written,
LASTS_S = 2.0  # and waits no longer than that for all of it
Ask = Callable[[], Question]

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[list[Piece]]).decode


class Kept(msgspec.Struct, frozen=True):
    """An answer that was kept."""

    batches: list[list[Piece]]  # what each network read brought

    @property
    def tokens(self) -> int:
        """What it used when it was given, as far as its provider said."""
        reports = [each for batch in self.batches for each in batch if isinstance(each, UsageReport)]
        return reports[-1].usage.total_tokens if reports else 0


class Place(Protocol):
    """Where one question's answer would be."""

    async def find(self) -> Kept | None:
        """The answer, if there is one that may be told. It never raises: what cannot be read is none."""

    async def keep(self, answer: bytes) -> None:
        """Put it there. It never raises."""


class Answers(Protocol):
    """The answers that were kept for one person, in one place, with the rights of now."""

    max_bytes: int  # of one: a longer one is not kept

    def place(self, ask: Ask) -> Place:
        """The place of this question's answer; `ask` makes the question, which is work for a thread."""


class CachedProvider:
    """Asks a provider what it was not asked before."""

    def __init__(self, provider: Provider, answers: Answers) -> None:
        self._provider = provider
        self._answers = answers
        self.name = provider.name

    @property
    def maker(self) -> str:
        """As of the provider."""
        return self._provider.maker

    async def stream(self, request: ProviderRequest) -> AsyncGenerator[list[Piece], None]:
        """The kept answer, behind a report that says so; else the provider's, which is kept if it is whole."""
        ask: Callable[[ProviderRequest], Question] | None = getattr(self._provider, "question", None)
        place = self._answers.place(lambda: ask(request)) if ask is not None else None
        kept = await place.find() if place is not None else None
        batches = told(kept) if kept is not None else self._provider.stream(request)
        taken = Taken(self._answers.max_bytes) if place is not None and kept is None else None
        async with aclosing(cast(AsyncGenerator[list[Piece], None], batches)) as answer:
            async for pieces in answer:
                if taken is not None:
                    taken.add(pieces)
                yield pieces
        if place is not None and taken is not None and (whole := taken.whole()):
            await place.keep(whole)

    async def close(self) -> None:
        """Let go of what the provider holds."""
        await self._provider.close()


class Taken:
    """What has come of an answer that may be kept."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = self._left = max_bytes
        self._batches: list[list[Piece]] = []
        self._ends: list[str] = []

    def add(self, pieces: list[Piece]) -> None:
        """Take these too, unless it is too long by now, or calls a tool."""
        if self._left < 0:
            return
        self._batches.append(list(pieces))
        for piece in pieces:
            self._left -= len(getattr(piece, "text", ""))
            if isinstance(piece, CallPiece):
                self._left = -1
            elif isinstance(piece, Finish):
                self._ends.append(piece.reason)

    def whole(self) -> bytes:
        """The answer as it is kept; empty where it is none to keep: cut, refused, too long, a tool's call."""
        if self._left < 0 or self._ends != ["stop"]:
            return b""
        found = bytes(_encode(self._batches))
        return found if len(found) <= self._max_bytes else b""


def read(answer: bytes) -> Kept:
    """What `Taken.whole` gave. Raises msgspec.DecodeError for anything else."""
    return Kept(_decode(answer))


async def told(kept: Kept) -> AsyncIterator[list[Piece]]:
    """The answer as it came, quicker: first that it is a kept one, then piece by piece."""
    yield [UsageReport(FROM_CACHE)]
    pause_s = min(PAUSE_S, LASTS_S / max(1, len(kept.batches)))
    for batch in kept.batches:
        yield [each for each in batch if not isinstance(each, UsageReport)]
        await asyncio.sleep(pause_s)
