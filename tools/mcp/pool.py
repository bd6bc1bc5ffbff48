"""The connections of this process's loop: one for each server and principal, and not more than so many."""

import asyncio
from uuid import UUID
from weakref import WeakKeyDictionary

from django.conf import settings

from tools.mcp.connection import Connection
from tools.mcp.errors import McpError
from tools.mcp.spec import ServerSpec

Key = tuple[UUID, str]

SHARE = 4  # a project has at most one in so many of the connections: servers that hang use up their own project's


class Pool:
    """Of one loop."""

    def __init__(self) -> None:
        self._kept: dict[Key, Connection] = {}
        self._retired: set[Connection] = set()  # until they have ended

    def connection(self, spec: ServerSpec) -> Connection:
        """The one that is there, or a new one. Raises McpError where there is no room."""
        key = (spec.id, spec.principal)
        found = self._kept.get(key)
        if found is not None and found.spec == spec and found.is_usable:
            return found
        if found is not None:
            self.retire(found)
        return self._make(spec)

    def anew(self, spec: ServerSpec, gone: Connection) -> Connection:
        """One in the place of one that its server knows no more. The protocol is found out again."""
        found = self._kept.get((spec.id, spec.principal))
        if found is not None and found is not gone and found.spec == spec and found.is_usable:
            return found  # another call has seen to it
        self.retire(gone)
        return self._make(spec, is_found_anew=True)

    async def close(self) -> None:
        """End all."""
        ending = [*self._kept.values(), *self._retired]
        self._kept, self._retired = {}, set()
        await asyncio.gather(*(each.close() for each in ending))

    def retire(self, connection: Connection) -> None:
        """The next one who asks gets a new one."""
        key = (connection.spec.id, connection.spec.principal)
        if self._kept.get(key) is connection:
            del self._kept[key]
        connection.retire()
        self._retired = {each for each in (*self._retired, connection) if not each.is_over}

    def _make(self, spec: ServerSpec, *, is_found_anew: bool = False) -> Connection:
        self._make_room(spec)
        made = Connection(spec, is_found_anew=is_found_anew)
        self._kept[spec.id, spec.principal] = made
        return made

    def _make_room(self, spec: ServerSpec) -> None:
        self._kept = {key: each for key, each in self._kept.items() if not each.is_over}
        full = self._full(spec)
        if not full:
            return
        idle = [each for each in full if not each.is_busy]
        if not idle:
            raise McpError("busy", "")
        self.retire(min(idle, key=lambda each: each.used_at))

    def _full(self, spec: ServerSpec) -> list[Connection]:
        """Those of which one has to go first: the project's own, or all; none where there is room."""
        kept = list(self._kept.values())
        own = [each for each in kept if spec.project is not None and each.spec.project == spec.project]
        if len(own) >= max(1, settings.MCP_CONNECTIONS // SHARE):
            return own
        return kept if len(kept) >= settings.MCP_CONNECTIONS else []


_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, Pool] = WeakKeyDictionary()


def pool() -> Pool:
    """That of the running loop."""
    return _pools.setdefault(asyncio.get_running_loop(), Pool())
