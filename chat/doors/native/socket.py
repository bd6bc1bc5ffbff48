"""The WebSocket of a chat, `/ws/chats/{id}/`: what happens in it, for everybody in it. docs/doors/native-socket.md.

It says which messages are new or changed, which runs began and ended, who is here and who types; on request also a
run's events, the same and with the same cursor as over SSE. Access is looked at again with every message in either
direction and with each heartbeat.
"""

import asyncio
import json
import logging
import time
from contextlib import aclosing
from typing import Any
from uuid import UUID, uuid4

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import DatabaseError

from accounts.db import db
from accounts.db.faults import refusal
from accounts.errors import Invalid, NotAuthenticated, NotFound, RequestError, TooMany
from accounts.http.parsing import parse_object
from accounts.permissions import Permissions
from chat.bus import notices
from chat.doors.base import known_only
from chat.doors.native import dialect as native
from chat.doors.native import feed as native_feed
from chat.doors.native.feed import Messages
from chat.doors.native.presence import Present
from chat.doors.reading import Reader, frames, is_end
from chat.doors.sockets import answer, can_answer, user_of
from chat.eventlog import cursor
from chat.metering import limits

FOLLOWS_MAX = 8  # runs that one socket reads at a time
TOO_BIG, TOO_MANY, SIGN_IN, GONE = 1009, 4429, 4401, 4404
FIELDS = {
    "ping": ("type",),
    "typing": ("type", "is_typing"),
    "follow": ("type", "run", "after"),
    "unfollow": ("type", "run"),
}
log = logging.getLogger(__name__)


class ChatSocket(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One connection of one person to one chat."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve it to its end."""
        self.is_cut = False
        self.main = asyncio.current_task()
        try:
            await super().__call__(scope, receive, send)
        except asyncio.CancelledError:
            if not self.is_cut:
                raise
        finally:
            await self._leave()

    async def websocket_connect(self, message: Any) -> None:
        """Accept whoever may see the chat; nobody else learns that it is there."""
        self.chat_id: UUID = self.scope["url_route"]["kwargs"]["chat_id"]
        self.group = notices.group_of(self.chat_id)
        self.project_group = ""
        try:
            self.user = await db(user_of, self.scope, chat_id=self.chat_id)
            await db(native_feed.chat_of, self.user, self.chat_id)
            self.hold = (await limits.sockets.take(self.user.pk)).begin()
            await self.channel_layer.group_add(self.group, self.channel_name)  # before the chat is read: no gap
            welcome = await db(native_feed.welcome, self.user, self.chat_id)
            await self._join_project(welcome["chat"]["project"])
        except RequestError as error:
            await self._refuse(error)
        self.id = uuid4().hex
        self.follows: dict[UUID, asyncio.Task[None]] = {}
        self.present = Present(self.user.pk)
        self.names: dict[UUID, str] = {}
        self.bucket = Bucket(settings.CHAT_SOCKET_RATE)
        self.sending = asyncio.Lock()
        await self.accept()
        await self._say(welcome)
        await self._tell("joined", reply=self.channel_name)
        self.heart = asyncio.create_task(self._beat())

    async def _join_project(self, project: str | None) -> None:
        """Hear also of what belongs to the chat's project."""
        if project:
            self.project_group = notices.group_of_project(UUID(project))
            await self.channel_layer.group_add(self.project_group, self.channel_name)

    async def websocket_disconnect(self, message: Any) -> None:
        """The runs go on; only this socket is gone."""
        raise StopConsumer

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """One message of the client."""
        data = text_data.encode("utf-8", "replace") if text_data is not None else bytes_data or b""
        if len(data) > settings.CHAT_SOCKET_MAX_BYTES:
            return await self._close(TOO_BIG)
        if not self.bucket.take():
            return await self._close(TOO_MANY)
        kind = ""
        try:
            body = parse_object(data)
            kind = str(body.get("type", ""))[:40]
            if kind not in FIELDS:
                raise Invalid("type: Unknown.", fields={"type": [f"Expected one of: {', '.join(FIELDS)}."]})
            known_only(body, FIELDS[kind])
            rights = await db(native_feed.rights, self.user, self.chat_id)
            await self._do(kind, body, rights)
        except DatabaseError as error:
            await self._refuse_message(refusal(error), kind)
        except (NotAuthenticated, NotFound) as error:
            await self._lost(error, kind)
        except RequestError as error:
            await self._refuse_message(error, kind)

    async def _do(self, kind: str, body: dict[str, Any], rights: Permissions) -> None:
        if kind == "ping":
            await self._say({"type": "pong"})
        elif kind == "typing":
            native_feed.require_write(rights)
            await self._tell("typing", is_typing=body.get("is_typing") is not False)
        elif kind == "follow":
            await self._follow(body)
        else:
            self._unfollow(native_feed.run_id(body))

    # --- What the channel layer brings: ids, to be looked at by this person's own rights ---

    async def chat_notice(self, notice: dict[str, Any]) -> None:
        """Something happened in the chat."""
        if notice["deleted_by"]:
            await self._say({"type": "chat.deleted", "by": await self._named(UUID(notice["deleted_by"]))})
            return await self._close(GONE)
        try:
            found = await db(native_feed.look, self.user, self.chat_id, notice)
        except DatabaseError:
            return  # the heartbeat says how far the chat is
        except RequestError as error:
            return await self._lost(error, "")
        await self._say_all(found)

    async def document_notice(self, notice: dict[str, Any]) -> None:
        """The document of the chat's project has changed."""
        try:
            found = await db(native_feed.document_changed, self.user, self.chat_id, notice)
        except DatabaseError:
            return  # who shows it looks at its version now and then
        except RequestError as error:
            return await self._lost(error, "")
        await self._say_all(found)

    async def chat_person(self, notice: dict[str, Any]) -> None:
        """Somebody came, is here, left or types."""
        user, socket = UUID(notice["user"]), notice["socket"]
        if socket == self.id:
            return
        what = notice["what"]
        if what == "typing":
            return await self._say(
                {"type": "typing", "user": await self._named(user), "is_typing": notice["is_typing"]}
            )
        changed = self.present.left(socket) if what == "left" else self.present.heard(socket, user)
        if what == "joined":
            await self._tell("here", to=notice["reply"])
        if changed:
            await self._presence(user, is_here=what != "left")

    async def _tell(self, what: str, *, to: str = "", **more: Any) -> None:
        """Tell the chat's other sockets, or one of them, about this person."""
        told = {"type": "chat.person", "what": what, "user": str(self.user.pk), "socket": self.id, **more}
        if not to:
            return await notices.send(self.group, told)
        try:
            await self.channel_layer.send(to, told)
        except Exception as error:  # whatever the layer's client raises: the next heartbeat tells it again
            log.info("no presence: %s", type(error).__name__)

    async def _presence(self, user: UUID, *, is_here: bool) -> None:
        await self._say({"type": "presence", "user": await self._named(user), "is_here": is_here})

    async def _named(self, user: UUID) -> dict[str, str]:
        if user not in self.names:
            try:
                self.names[user] = await db(native_feed.name_of, user)
            except DatabaseError:
                return {"id": str(user), "name": ""}
        return {"id": str(user), "name": self.names[user]}

    # --- Runs that this socket reads ---

    async def _follow(self, body: dict[str, Any]) -> None:
        run = native_feed.run_id(body)
        after = None if body.get("after") is None else cursor.parse(str(body["after"]))
        reader = await db(native_feed.reader, self.user, self.chat_id, run, after)
        self._unfollow(run)
        if len(self.follows) >= FOLLOWS_MAX:
            raise TooMany(f"At most {FOLLOWS_MAX} runs at a time: send `unfollow` first.")
        self.follows[run] = asyncio.create_task(self._read(reader))

    def _unfollow(self, run: UUID) -> None:
        if (task := self.follows.pop(run, None)) is not None:
            task.cancel()

    async def _read(self, reader: Reader) -> None:
        """Send a run's events to its end."""
        try:
            after = reader.after
            if after is not None and after.run == reader.run.pk and await db(is_end, after):
                return await self._say({"type": "run.over", "run": str(reader.run.pk)})
            async with aclosing(frames(reader, native.SocketEncoder(reader.info))) as chunks:
                async for chunk in chunks:
                    for line in chunk.split(b"\n"):
                        if line.startswith(b"{"):  # else a comment, to keep a stream alive
                            await self._send(line.decode())
        except Exception:
            log.exception("a socket cannot read run %s", reader.run.pk)
            await self._say({"type": "run.reconnect", "run": str(reader.run.pk)})
        finally:
            if self.follows.get(reader.run.pk) is asyncio.current_task():
                del self.follows[reader.run.pk]

    # --- Its life ---

    async def _beat(self) -> None:
        """Look at access, say how far the chat is and who is here, for as long as the socket lives."""
        held_at = time.monotonic()
        while True:
            await asyncio.sleep(settings.CHAT_HEARTBEAT_S)
            try:
                beat = await db(native_feed.heartbeat, self.user, self.chat_id)
            except RequestError as error:
                return await self._lost(error, "")
            except DatabaseError:
                if time.monotonic() - held_at > settings.CHAT_ACCESS_HOLDS_S:
                    return await self._close(GONE)
                continue
            held_at = time.monotonic()
            await self._say(beat)
            await self._tell("here")
            for user in self.present.expired(3.5 * settings.CHAT_HEARTBEAT_S):
                await self._presence(user, is_here=False)

    async def _say(self, message: dict[str, Any]) -> None:
        await self._send(json.dumps(message, separators=(",", ":")))

    async def _say_all(self, messages: Messages) -> None:
        for each in messages:
            await self._say(each)

    async def _send(self, text: str) -> None:
        """Send one message; a client that does not read is cut: it may come back."""
        try:
            async with self.sending:
                await self.send(text_data=text)
        except (TimeoutError, OSError):
            self._cut()

    def _cut(self) -> None:
        self.is_cut = True
        if self.main is not None:
            self.main.cancel()

    async def _refuse(self, error: RequestError) -> None:
        """Close before accepting; too many are told so over HTTP, where the server can."""
        if error.status == 429 and can_answer(self.scope):
            await answer(self, error, {"code": error.code, "message": error.message, "fields": error.fields})
        codes = {401: SIGN_IN, 403: SIGN_IN, 429: TOO_MANY}
        await self.close(codes.get(error.status, GONE))
        raise StopConsumer

    async def _refuse_message(self, error: RequestError, kind: str) -> None:
        told = {"code": error.code, "message": error.message, "fields": error.fields}
        await self._say({"type": "error", "of": kind, "error": told})

    async def _lost(self, error: RequestError, kind: str) -> None:
        """Close where access has ended; a run that is not there is only said to be not there."""
        if isinstance(error, NotFound) and error.fields:
            return await self._refuse_message(error, kind)
        await self._close(SIGN_IN if isinstance(error, NotAuthenticated) else GONE)

    async def _close(self, code: int) -> None:
        try:
            await self.close(code)
        finally:
            self._cut()

    async def _leave(self) -> None:
        """Whatever ended it: nothing of it stays."""
        if not hasattr(self, "hold"):
            return
        self.hold.give_back()
        try:
            for group in (self.group, self.project_group):
                if group:
                    await self.channel_layer.group_discard(group, self.channel_name)
        except Exception as error:  # as in `_tell`
            log.info("still in a group: %s", type(error).__name__)
        if hasattr(self, "heart"):
            for task in (self.heart, *self.follows.values()):
                task.cancel()
            del self.heart  # how it ended holds its frame, and that this socket
            await self._tell("left")


class Bucket:
    """So many messages a second, and three seconds' worth at once."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.left = 3 * rate
        self.at = time.monotonic()

    def take(self) -> bool:
        """Whether one more is allowed now."""
        now = time.monotonic()
        self.left = min(3 * self.rate, self.left + (now - self.at) * self.rate)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True
