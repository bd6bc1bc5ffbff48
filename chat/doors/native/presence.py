"""Who is in a chat, as one of its sockets has heard. Nothing is stored: each tells the others, again and again."""

import time
from dataclasses import dataclass
from uuid import UUID


@dataclass
class _Socket:
    user: UUID
    heard_at: float


class Present:
    """The other people with a socket in the chat."""

    def __init__(self, me: UUID) -> None:
        self.me = me
        self._sockets: dict[str, _Socket] = {}

    def heard(self, socket: str, user: UUID) -> bool:
        """A socket is there: whether that person was not before."""
        is_new = user != self.me and not self._has(user)
        self._sockets[socket] = _Socket(user, time.monotonic())
        return is_new

    def left(self, socket: str) -> bool:
        """A socket is gone: whether its person is, too."""
        gone = self._sockets.pop(socket, None)
        return gone is not None and gone.user != self.me and not self._has(gone.user)

    def expired(self, after_s: float) -> list[UUID]:
        """Those whose sockets have not been heard for so long: they are gone, though they did not say so."""
        limit = time.monotonic() - after_s
        silent = [socket for socket, each in self._sockets.items() if each.heard_at < limit]
        users = {socket: self._sockets[socket].user for socket in silent}
        return [users[socket] for socket in silent if self.left(socket)]

    def _has(self, user: UUID) -> bool:
        return any(each.user == user for each in self._sockets.values())
