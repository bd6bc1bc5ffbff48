"""The native door with `?blocks=html`: behind the event that completes it, each Markdown block as HTML.

A block is a frame of that event, so its id ends in `.1`, `.2` ..., and the event's own frame is then `.0`: a cut
between them loses nothing. It is a pure function of the log. Cutting and rendering happen in a thread of their own.
"""

import asyncio
import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from accounts.db import db
from accounts.errors import Invalid
from agents import events as ev
from agents.events import AnyEvent
from chat.doors import sse
from chat.doors.base import Preparing, RunInfo
from chat.doors.native import dialect as native
from chat.eventlog import Logged, hub, stored
from chat.eventlog.cursor import Cursor
from chat.markdown.blocks import Rendered, RunBlocks

MAX_FRAMES = 900  # of one event; a cursor holds three digits
THREADS = 2


def wanted(value: str | None) -> bool:
    """Whether a query's `blocks` asks for them. Raises Invalid for anything but html."""
    if value not in (None, "", "html"):
        raise Invalid(fields={"blocks": ["Expected html."]})
    return value == "html"


class BlockEncoder(native.Encoder, Preparing):
    """Frames of the native dialect, with blocks. Each batch must be prepared before its events are encoded."""

    is_shared = False

    def __init__(self, run: RunInfo, after: Cursor | None) -> None:
        super().__init__(run)
        self.info = run
        self._after = after
        self._blocks: RunBlocks | None = None
        self._ready: dict[int, list[Rendered]] = {}  # seq -> the blocks it completes, of the batch in hand
        self._owed: list[bytes] = []  # frames of the cursor's own event that the reader has not seen

    async def prepare(self, events: Sequence[Logged], *, is_reset: bool = False) -> None:
        """Render what these events complete."""
        if is_reset:
            self._blocks, self._after = None, None
        if not events:
            return
        before: list[Logged] = []
        if self._blocks is None:
            self._blocks = RunBlocks()
            before = await _before(events[0], self._after)
        if before or any(_may_complete(each.event) for each in events):
            self._ready = await asyncio.get_running_loop().run_in_executor(_threads(), self._render, before, events)
        else:
            self._ready = self._render(before, events)

    def _render(self, before: Sequence[Logged], events: Sequence[Logged]) -> dict[int, list[Rendered]]:
        assert self._blocks is not None
        last: list[Rendered] = []
        for each in before:
            last = self._blocks.feed(each.event)
        if self._after and self._after.frame is not None and before and before[-1].seq == self._after.seq:
            self._owed = self._frames(before[-1].attempt, before[-1].seq, last)[self._after.frame :]
        return {each.seq: blocks for each in events if (blocks := self._blocks.feed(each.event))}

    def encode(self, attempt: int, seq: int, event: AnyEvent) -> list[bytes]:
        """The event's frame and those of the blocks it completes."""
        owed, self._owed = self._owed, []
        (own,) = super().encode(attempt, seq, event)
        blocks = self._ready.get(seq)
        if not blocks:
            return [*owed, own]
        id, rest = own.split(b"\n", 1)
        return [*owed, id + b".0\n" + rest, *self._frames(attempt, seq, blocks)]

    def _frames(self, attempt: int, seq: int, blocks: list[Rendered]) -> list[bytes]:
        return [
            sse.frame(
                {
                    **{"type": "block", "run": self.run, "seq": seq, "attempt": attempt, "message": self.info.message},
                    **each.as_json(),
                },
                id=f"{self.run}.{attempt}.{seq}.{number}",
            )
            for number, each in enumerate(blocks[:MAX_FRAMES], 1)
        ]


async def _before(first: Logged, after: Cursor | None) -> list[Logged]:
    """What came before a reader's first event, for who goes on in the middle: the stored, and the newest in memory."""
    if after is None:
        return []
    entries = [each for each in await db(stored, after.run) if each.seq < first.seq]
    last = entries[-1].seq if entries else 0
    feed = hub.feeds.get(after.run)
    newer = (feed.since(last) if feed else None) or []
    return entries + [each for each in newer if each.seq < first.seq]


def _may_complete(event: AnyEvent) -> bool:
    """A block ends at a line's end, or with its part."""
    return not isinstance(event, ev.TextDelta | ev.ReasoningDelta) or "\n" in event.text


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="render")
