"""The threads door."""

from django.urls import path

from chat.doors.door import Door
from chat.doors.threads import dialect, openapi, views

THREADS = Door(
    "threads",
    dialects=(dialect.NAME,),
    urls=(
        path("chat/threads", views.threads, name="threads"),
        path("chat/threads/<uuid:chat_id>/messages", views.messages, name="thread-messages"),
        path("chat/threads/<uuid:chat_id>/messages/stream", views.stream, name="thread-stream"),
    ),
    openapi=(openapi,),
)
