"""The sessions door."""

from django.urls import path

from chat.doors.door import Door
from chat.doors.sessions import dialect, openapi, views

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
)
