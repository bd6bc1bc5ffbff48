"""The Responses door over a WebSocket: turns one after the other, each as over HTTP, its events as messages.

Source: Open Responses 2026-04-24, "WebSocket mode", and openai 3.52.0 (`client.responses.connect()`). A response with
`store: false` can be continued on its own connection, until a turn that continues it fails.
"""

import asyncio
import json
import logging
from contextlib import aclosing
from typing import Any
from uuid import UUID

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from accounts.authentication import still_valid
from accounts.db import db
from accounts.db.faults import refusal, unavailable
from accounts.errors import Invalid, NotAuthenticated, RequestError, TooMany, refuse
from accounts.http.parsing import parse_object
from chat.doors.errors import with_time
from chat.doors.openai import errors as openai_errors
from chat.doors.openai.projects import project_of
from chat.doors.openai.responses import turns as responses_turns
from chat.doors.openai.responses.dialect import request as responses_request
from chat.doors.openai.responses.dialect.encoder import SocketEncoder
from chat.doors.openai.responses.dialect.ids import RESPONSE, read_id
from chat.doors.reading import Reader, frames
from chat.doors.sockets import answer, can_answer, request_of, user_of
from chat.metering import limits
from chat.metering.waiting import Held, waiting

WAITING_MAX = 16  # turns that a client may ask for before the one before is over
LIMIT = "This connection is as old as it may get. Open a new one."
log = logging.getLogger(__name__)


class ResponsesSocket(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One connection."""

    channel_layer_alias = ""  # it hears of its runs by reading them

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve it to its end, counted."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            if hasattr(self, "hold"):
                self.hold.give_back()
            while hasattr(self, "turns") and not self.turns.empty():
                self.turns.get_nowait()[1].give_back()

    async def websocket_connect(self, message: Any) -> None:
        """Accept whoever is signed in; the others are answered as over HTTP."""
        try:
            self.user = await db(user_of, self.scope)
            self.hold = (await limits.sockets.take(self.user.pk)).begin()
        except RequestError as error:
            await self._refuse(error)
        await self.accept()
        self.known: set[UUID] = set()  # responses that are not stored
        self.turns: asyncio.Queue[tuple[bytes, Held]] = asyncio.Queue(WAITING_MAX)
        self.ends_at = asyncio.get_running_loop().time() + settings.CHAT_SOCKET_S
        self.work = asyncio.create_task(self._work())

    async def websocket_disconnect(self, message: Any) -> None:
        """The runs go on; only this reader is gone."""
        if hasattr(self, "work"):
            self.work.cancel()
            await asyncio.wait([self.work])
        raise StopConsumer

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """A message: a turn that is asked for."""
        data = (bytes_data if text_data is None else text_data.encode("utf-8", "replace")) or b""
        if self.turns.full():
            return await self._say(TooMany(f"At most {WAITING_MAX} turns may wait."))
        try:
            self.turns.put_nowait((data, waiting.take(self.user.pk, len(data))))
        except TooMany as error:
            await self._say(error)

    async def _work(self) -> None:
        """Take turns in order, until the connection has lived its time."""
        loop = asyncio.get_running_loop()
        while loop.time() < self.ends_at:
            try:
                async with asyncio.timeout_at(self.ends_at):
                    data, held = await self.turns.get()
            except TimeoutError:
                break
            try:
                await self._turn(data)
            finally:
                del data
                held.give_back()
        await self._say(Invalid(LIMIT, code="websocket_connection_limit_reached"))
        await self.close(1000)

    async def _turn(self, data: bytes) -> None:
        """One turn, from the request to its last event. Never raises but for cancellation."""
        previous: UUID | None = None
        lane: dict[str, Any] = {}
        try:
            body = await db(_read, data)
            lane = {"stream_id": body["stream_id"]} if isinstance(body.get("stream_id"), str) else {}
            previous = read_id(str(body.get("previous_response_id")), RESPONSE)
            encoder = await self._stream(body, lane)
            if encoder.status in ("completed", "incomplete"):
                previous = None
        except RequestError as error:
            await self._say(error, lane)
        except Exception as error:
            await self._say(_told(error), lane)
        if previous is not None:
            self.known.discard(previous)  # what a failed turn continued is forgotten

    async def _stream(self, body: dict[str, Any], lane: dict[str, Any]) -> SocketEncoder:
        asked = await db(responses_request.parse_socket, body)
        reader = await db(self._begin, asked)
        encoder = SocketEncoder(reader.info, lane=lane)
        async with aclosing(frames(reader, encoder)) as chunks:
            async for chunk in chunks:
                for line in chunk.splitlines():
                    if line.startswith(b"{"):  # else a comment, to keep a stream alive
                        await self.send(text_data=line.decode())
        if not asked.is_stored and encoder.end is not None:
            self.known.add(reader.run.pk)
        return encoder

    def _begin(self, asked: responses_request.Asked) -> Reader:
        if not still_valid(self.user):
            raise NotAuthenticated
        project = project_of(request_of(self.scope), self.user, asked.model)
        run = responses_turns.begin(self.user, asked, known=frozenset(self.known), project=project)
        return Reader(self.user, run)

    async def _say(self, error: RequestError, lane: dict[str, Any] | None = None) -> None:
        # A turn that cannot begin is a bad request here, whatever it would be over HTTP.
        status = 400 if error.status == 404 else error.status
        said = openai_errors.error(error)
        if error.retry_after_s is not None:
            said["message"] = with_time(error)
        told = {"type": "error", "status": status, "error": said, **(lane or {})}
        await self.send(text_data=json.dumps(told))
        if isinstance(error, NotAuthenticated):
            await self.close(1008)

    async def _refuse(self, error: RequestError) -> None:
        """Answer the handshake with the error, where the server can; else it just closes."""
        if can_answer(self.scope):
            await answer(self, error, openai_errors.error(error))
        await self.close()
        raise StopConsumer


def _told(error: Exception) -> RequestError:
    """What somebody is told of what no rule of ours has raised; it is logged."""
    if unavailable(error) is not None:
        return refusal(error)
    log.error("a turn on a socket failed", exc_info=error)
    broken = RequestError("Something went wrong on our side.", code="internal_error")
    broken.status = 500
    return broken


def _read(data: bytes) -> dict[str, Any]:
    body = parse_object(data)
    if body.pop("type", None) != "response.create":
        raise refuse("type", "Expected response.create.")
    if body.get("generate") is False:
        raise refuse("generate", "Leave it out: a turn is always answered.")
    return body
