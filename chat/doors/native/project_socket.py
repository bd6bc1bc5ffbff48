"""The WebSocket of a project, `/ws/projects/{id}/`: what becomes of what belongs to all of its chats.

As a chat's (`ChatSocket`), for one person, with access looked at again each time; it says less and hears only pings.
"""

import asyncio
import time
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError

from accounts.authentication import still_valid
from accounts.db import db
from accounts.db.faults import refusal
from accounts.errors import Invalid, NotAuthenticated, NotFound, RequestError
from accounts.http.parsing import parse_object
from accounts.models import User
from accounts.permissions import permissions_in
from chat.access import find_project
from chat.bus import notices
from chat.doors.native.socket import GONE, TOO_BIG, TOO_MANY, Bucket, ChatSocket
from chat.doors.sockets import user_of
from chat.metering import limits
from tools.documents import storing


class ProjectSocket(ChatSocket):
    """One connection of one person to one project."""

    async def websocket_connect(self, message: Any) -> None:
        """Accept whoever may see the project; nobody else learns that it is there."""
        self.project_id: UUID = self.scope["url_route"]["kwargs"]["project_id"]
        self.group, self.project_group = notices.group_of_project(self.project_id), ""
        try:
            self.user = await db(user_of, self.scope)
            await db(_state, self.user, self.project_id)
            self.hold = (await limits.sockets.take(self.user.pk)).begin()
            await self.channel_layer.group_add(self.group, self.channel_name)  # before its state is read: no gap
            state = await db(_state, self.user, self.project_id)
        except RequestError as error:
            await self._refuse(error)
        self.follows = {}
        self.bucket = Bucket(settings.CHAT_SOCKET_RATE)
        self.sending = asyncio.Lock()
        await self.accept()
        me = {"id": str(self.user.pk), "name": self.user.display_name}
        beat = {"heartbeat_s": settings.CHAT_HEARTBEAT_S, "max_bytes": settings.CHAT_SOCKET_MAX_BYTES}
        await self._say({"type": "welcome", "version": 1, "you": me, **state, **beat})
        self.heart = asyncio.create_task(self._beat())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """One message of the client: a ping, or nothing that is known here."""
        data = text_data.encode("utf-8", "replace") if text_data is not None else bytes_data or b""
        if len(data) > settings.CHAT_SOCKET_MAX_BYTES:
            return await self._close(TOO_BIG)
        if not self.bucket.take():
            return await self._close(TOO_MANY)
        try:
            if parse_object(data) != {"type": "ping"}:
                raise Invalid("type: Unknown.", fields={"type": ["Expected ping, and nothing else."]})
            await db(_state, self.user, self.project_id)
            await self._say({"type": "pong"})
        except DatabaseError as error:
            await self._refuse_message(refusal(error), "ping")
        except (NotAuthenticated, NotFound) as error:
            await self._lost(error, "ping")
        except RequestError as error:
            await self._refuse_message(error, "")

    async def document_notice(self, notice: dict[str, Any]) -> None:
        """The project's document has changed."""
        try:
            await db(_state, self.user, self.project_id)
        except DatabaseError:
            return  # the heartbeat says its version
        except RequestError as error:
            return await self._lost(error, "")
        await self._say({"type": "document.changed", "project": notice["project"], "version": notice["version"]})

    async def _tell(self, what: str, *, to: str = "", **more: Any) -> None:
        """Nobody is told who looks at a project."""

    async def _beat(self) -> None:
        """Look at access and say how things are, for as long as the socket lives."""
        held_at = time.monotonic()
        while True:
            await asyncio.sleep(settings.CHAT_HEARTBEAT_S)
            try:
                state = await db(_state, self.user, self.project_id)
            except RequestError as error:
                return await self._lost(error, "")
            except DatabaseError:
                if time.monotonic() - held_at > settings.CHAT_ACCESS_HOLDS_S:
                    return await self._close(GONE)
                continue
            held_at = time.monotonic()
            await self._say({"type": "heartbeat", **state})


def _state(user: User, project_id: UUID) -> dict[str, Any]:
    """How the project is to this person. Raises NotAuthenticated or NotFound where their access has ended."""
    if not still_valid(user):
        raise NotAuthenticated
    project = find_project(user, project_id)
    if project is None:
        raise NotFound
    has = permissions_in(user, organization=project.organization_id, project=project)
    may = [each for each in ("read", "write", "deploy", "admin") if each in has]
    return {"project": str(project_id), "permissions": may, "document": {"version": storing.version_of(project_id)}}
