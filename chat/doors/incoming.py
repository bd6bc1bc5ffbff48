"""uvicorn's WebSocket, with bounds for a message that is begun and not sent to its end.

Until it is whole, what has come of it is counted with all else that waits for its sender (chat.metering.waiting), and
it has to come in the time that a request's body has.
"""

import asyncio
from typing import Any
from uuid import UUID

from django.conf import settings
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

from accounts.errors import TooMany
from chat.metering.waiting import Held, waiting

PERSON = "parley.person"  # where the scope's state says whose socket it is
CLOSE_CHARS = 120  # of a reason: a frame that closes holds no more
NOBODY = UUID(int=0)  # not known yet: a socket is opened first


class Socket(WebSocketsSansIOProtocol):
    """One WebSocket's connection."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._held: dict[UUID, Held] = {}  # for what has come of a message that is not whole
        self._begun_at = 0.0
        self._late: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Something has come: of messages that are not whole, only so much, and not for long."""
        self._wait_for_more()
        super().data_received(data)
        if self._late is not None:
            self._hold(len(data))

    def handle_text(self, event: Frame) -> None:
        """The first piece of a text; unpacked, it may be longer than what has come."""
        self._hold_unpacked(event)
        super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        """The first piece of bytes."""
        self._hold_unpacked(event)
        super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        """A further piece."""
        self._hold_unpacked(event)
        super().handle_cont(event)

    def handle_ping(self) -> None:
        """Between messages it leaves nothing behind."""
        super().handle_ping()
        self._settle()

    def handle_pong(self, event: Frame) -> None:
        """So does this."""
        super().handle_pong(event)
        self._settle()

    def send_receive_event_to_app(self) -> None:
        """A message is whole."""
        super().send_receive_event_to_app()
        self._settle()

    def handle_connect(self, event: Any) -> None:
        """The handshake is here."""
        super().handle_connect(event)
        self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        super().connection_lost(exc)
        self.frames = []
        self._settle()

    def _hold_unpacked(self, event: Frame) -> None:
        if not event.fin:
            self._hold(len(event.data))

    def _hold(self, size: int) -> None:
        person = self._person()
        try:
            more = waiting.take(person, size)
        except TooMany as error:
            return self._end(CloseCode.TRY_AGAIN_LATER, error.message)
        if person in self._held:
            self._held[person].size += more.size
        else:
            self._held[person] = more

    def _person(self) -> UUID:
        scope: Any = getattr(self, "scope", None) or {}
        person: UUID = scope.get("state", {}).get(PERSON, NOBODY)
        return person

    def _settle(self) -> None:
        """Give back what is counted, unless a message is under way."""
        if self.frames:
            return
        for each in self._held.values():
            each.give_back()
        self._held = {}
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _wait_for_more(self) -> None:
        """The rest of the message has so long to come."""
        now = self.loop.time()
        if self._late is None:
            self._begun_at = now
        else:
            self._late.cancel()
        until = min(now + settings.BODY_IDLE_S, self._begun_at + settings.BODY_TIMEOUT_S)
        self._late = self.loop.call_at(until, self._is_late)

    def _is_late(self) -> None:
        self._late = None
        if self.read_paused:
            self._wait_for_more()  # it is we who let it wait
        else:
            self._end(CloseCode.POLICY_VIOLATION, "The message did not come to its end in time.")

    def _end(self, code: int, why: str) -> None:
        """Close it, and drop what has come."""
        if self.handshake_complete and not self.close_sent and not self.transport.is_closing():
            self.conn.fail(code, why[:CLOSE_CHARS])
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        self.transport.close()
