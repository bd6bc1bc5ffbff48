"""The sessions door."""

from typing import Any

from django.urls import path

from accounts.errors import RequestError
from chat.doors.door import Door, as_rest
from chat.doors.sessions import dialect, openapi, views
from chat.services.sessions import refused_session

TOLD = (402, 403, 429)  # what an organization may not do, or not now


def _says(error: RequestError, path: str) -> dict[str, Any]:
    """As REST; of what is refused for its organization also a `sessionId`, whose stream says it in an event.

    System 2's frontend opens the stream without a look at the status: else it would read of an unknown session.
    """
    told = as_rest(error, path)
    return {**told, "sessionId": refused_session(error)} if error.status in TOLD else told


SESSIONS = Door(
    "sessions",
    dialects=(dialect.NAME,),
    urls=(
        path("api/chat/start", views.start, name="session-start"),
        path("api/chat/stream", views.stream, name="session-stream"),
        path("api/chat/history", views.history, name="session-history"),
        path("chat/start", views.start),  # its document writes the paths both ways
        path("chat/stream", views.stream),
        path("chat/history", views.history),
    ),
    openapi=(openapi,),
    resume="cursor",
    bases=("/api/chat/start", "/chat/start"),
    says=_says,
)
