"""What every door does with a run: find its reader's place, and send events as frames while they may be read."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing, nullcontext
from dataclasses import dataclass

from django.conf import settings
from django.db import Error as DatabaseFault
from django.http import HttpRequest

from accounts.authentication import identity_of, still_valid
from accounts.db import db
from accounts.errors import RequestError
from accounts.models import User
from agents.events import TERMINALS, TurnReset
from chat.access import sees_place
from chat.doors import sse
from chat.doors.base import Encoder, Preparing, RunInfo, Silent
from chat.doors.watched import Watched
from chat.eventlog import Logged, cursor, tail
from chat.eventlog.cursor import Cursor
from chat.eventlog.rows import event_at
from chat.eventlog.tail import Batch
from chat.metering import gauges, limits
from chat.models import OPEN, Run
from chat.serving.event_stream import Direct, EventStream, direct_of


@dataclass(frozen=True)
class Reader:
    """Who reads, and from where."""

    user: User
    run: Run
    after: Cursor | None = None

    @property
    def info(self) -> RunInfo:
        """What encoders may know."""
        run = self.run
        return RunInfo(
            run=str(run.id),
            chat=str(run.chat_id or ""),
            message=str(run.message_id or ""),
            input=str(run.input_id or ""),
            created_at=run.created_at.timestamp(),
            request=run.request,
        )


def place(request: HttpRequest) -> Cursor | None:
    """The cursor that a request carries, in `after` or Last-Event-ID. Raises Invalid for a malformed one."""
    text = request.GET.get("after") or request.headers.get("Last-Event-ID", "")
    return cursor.parse(text) if text else None


# What the dialects end with that have no word for turn.reset: who has seen it has nothing more to read.
LAST = (*TERMINALS, TurnReset)


def is_end(after: Cursor) -> bool:
    """Whether the cursor is at the end of a run: there is nothing more to read. Sync, one query."""
    return isinstance(event_at(after), TERMINALS)


async def streamed(request: HttpRequest, reader: Reader, encoder: Encoder) -> EventStream:
    """The run as a stream of the request's person, who may have so many. Raises TooMany.

    A POST has started its run by now, so it is not refused here: chat.doors.starting asks before it starts.
    """
    hold = await limits.streams.take(reader.user.pk, may_refuse=request.method != "POST")
    return EventStream(request, frames(reader, encoder, direct_of(request), hold))


async def frames(
    reader: Reader,
    encoder: Encoder,
    direct: Direct | None = None,
    hold: AbstractContextManager[object] | None = None,
) -> AsyncGenerator[bytes, None]:
    """Yield what is to be sent, from the reader's place to the run's end, or until their access ends.

    What comes together is joined, so a burst of events costs one write. Where there is a direct way to the reader, what
    they wait for is written there as it happens, and not yielded. `hold` counts them for as long as they read.
    """
    watched = Watched.of(reader.run, reader.after)
    with hold or nullcontext(), gauges.streaming(reader.run.door), watched:
        yield b"".join(encoder.open())
        if rest := await _rest_of_event(reader.after, encoder):
            yield rest
        if _is_foreign(reader):
            yield b"".join(encoder.reset())
        access = _Access(reader)
        # Blocks are made in a thread: such a reader is not written to at once.
        take = None if direct is None or isinstance(encoder, Preparing) else _Taker(encoder, access, direct, watched)
        batches = tail(reader.run.pk, None if _is_foreign(reader) else reader.after, take)
        del reader  # its rows need not stay in memory for as long as this lasts
        is_ended = False
        async with aclosing(batches):
            async for batch in batches:
                if not await access.holds():
                    watched.reason = "no access any more"
                    break
                watched.see(batch.events)
                if data := await _encoded(encoder, batch):
                    yield data
                if encoder.is_over:
                    watched.reason = "its end is said"
                    return
                is_ended = bool(batch.events) and isinstance(batch.events[-1].event, TERMINALS)
                del batch, data  # what was sent would stay in memory until something else is
        watched.reason = watched.reason or ("the run is over" if is_ended else "let go")
        if not is_ended:
            yield b"".join(encoder.let_go())


async def _encoded(encoder: Encoder, batch: Batch) -> bytes:
    """What is sent of a batch; of one without events, that the stream is alive."""
    if not batch.events:
        return sse.KEEP_ALIVE
    out = encoder.reset() if batch.is_reset else []
    if isinstance(encoder, Preparing):
        await encoder.prepare(batch.events, is_reset=batch.is_reset)
    for each in batch.events:
        out += encoder.encode(each.attempt, each.seq, each.event)
        if encoder.is_over:
            break
    return b"".join(out)


async def to_end(reader: Reader) -> None:
    """Wait until the run is over: for who wants the answer whole. The run goes on whatever becomes of the waiting.

    Raises NotYet after CHAT_ANSWER_TIMEOUT_S (it may wait a day for a person's approval), or when this process goes.
    """
    hold = await limits.streams.take(reader.user.pk, may_refuse=False)
    whole = frames(reader, Silent(), hold=hold)  # it never ends before its run
    try:
        async with asyncio.timeout(settings.CHAT_ANSWER_TIMEOUT_S), aclosing(whole) as all_of_it:
            async for _ in all_of_it:
                pass
    except TimeoutError:
        raise NotYet from None
    if await db(Run.objects.filter(pk=reader.run.pk, status__in=OPEN).exists):
        raise NotYet


class NotYet(RequestError):
    """The answer is not there in time; the run goes on."""

    status = 504
    code = "not_yet"
    message = "The answer is not there yet. It goes on: load the chat's messages, or follow its stream."


def _is_foreign(reader: Reader) -> bool:
    """The cursor is of another run: well formed, but unknown here."""
    return reader.after is not None and reader.after.run != reader.run.pk


async def _rest_of_event(after: Cursor | None, encoder: Encoder) -> bytes:
    """The frames of the cursor's own event that its reader has not seen."""
    if after is None or after.frame is None:
        return b""
    event = await db(event_at, after)
    if event is None:
        return b""
    return b"".join(encoder.encode(after.attempt, after.seq, event)[after.frame + 1 :])


class _Taker:
    """Writes the deltas that a waiting reader is brought, past all tasks."""

    def __init__(self, encoder: Encoder, access: "_Access", direct: Direct, watched: Watched) -> None:
        self.encoder = encoder
        self.watched = watched
        self.access = access
        self.direct = direct

    def __call__(self, deltas: list[Logged]) -> bool:
        if self.access.is_due() or not self.direct.is_open():
            return False
        if self.watched.is_on:
            self.watched.see(deltas)
        if data := _joined(self.encoder, deltas):
            self.direct.write(data)
        return True


class _Newest:
    """What was written last of the native dialect: the readers of one run are brought the same list."""

    entries: list[Logged] | None = None
    data = b""


def _joined(encoder: Encoder, entries: list[Logged]) -> bytes:
    if encoder.is_shared and _Newest.entries is entries:
        return _Newest.data
    data = b"".join([frame for each in entries for frame in encoder.encode(each.attempt, each.seq, each.event)])
    if encoder.is_shared:
        _Newest.entries, _Newest.data = entries, data
    return data


class _Access:
    """Asks again, once a heartbeat, whether the reader may read; while the database is away the last word holds."""

    def __init__(self, reader: Reader) -> None:
        self.identity = identity_of(reader.user)
        self.chat_id, self.project_id = reader.run.chat_id, reader.run.project_id
        self.asked_at = self.answered_at = time.monotonic()
        # A little less, or a beat that comes a millisecond early would leave the question to the next one.
        self.every_s = 0.9 * settings.CHAT_HEARTBEAT_S

    def is_due(self) -> bool:
        """Whether it is time to ask."""
        return bool(time.monotonic() - self.asked_at >= self.every_s)

    async def holds(self) -> bool:
        if not self.is_due():
            return True
        now = self.asked_at = time.monotonic()
        try:
            may = await db(self._may_read)
        except DatabaseFault:
            return bool(now - self.answered_at < settings.CHAT_ACCESS_HOLDS_S)
        self.answered_at = now
        return may

    def _may_read(self) -> bool:
        """Sync, two queries."""
        return still_valid(self.identity) and sees_place(self.identity, self.chat_id, self.project_id)
