"""WebSocket routes."""

from typing import Any, cast

from channels.routing import URLRouter
from django.urls import re_path

from chat.doors.registry import DOORS


async def nowhere(scope: Any, receive: Any, send: Any) -> None:
    """Refuse the handshake: there is no socket at that address."""
    await send({"type": "websocket.close", "code": 4404})


sockets = URLRouter(
    [
        *(each for door in DOORS for each in door.sockets),
        re_path("", cast(Any, nowhere)),
    ]
)
