"""WebSocket routes."""

from typing import Any, cast

from channels.routing import URLRouter
from django.urls import path, re_path

from chat.doors.native.socket import ChatSocket
from chat.doors.openai.responses.socket import ResponsesSocket


async def nowhere(scope: Any, receive: Any, send: Any) -> None:
    """Refuse the handshake: there is no socket at that address."""
    await send({"type": "websocket.close", "code": 4404})


sockets = URLRouter(
    [
        path("ws/chats/<uuid:chat_id>/", ChatSocket.as_asgi()),
        path("api/llm/responses", ResponsesSocket.as_asgi()),
        path("v1/responses", ResponsesSocket.as_asgi()),
        re_path("", cast(Any, nowhere)),
    ]
)
