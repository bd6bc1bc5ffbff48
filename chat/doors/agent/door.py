"""The agent door."""

from django.urls import path

from chat.doors.agent import dialect, openapi, views
from chat.doors.door import Door

AGENT = Door(
    "agent",
    dialects=(dialect.NAME,),
    urls=(
        path("agent/chat", views.chat, name="agent-chat"),
        path("agent/chat/stream", views.stream, name="agent-stream"),
        path("agent/chat/history/<str:session_id>", views.history, name="agent-history"),
    ),
    openapi=(openapi,),
    bases=("/agent/",),
    says=lambda error, path: dialect.refused(error),
)
