"""The door of the UI message stream."""

from django.urls import path

from chat.doors.door import Door
from chat.doors.ui_message import dialect, openapi, views

UI_MESSAGE = Door(
    "ui",
    dialects=(dialect.NAME,),
    urls=(
        path("api/chat", views.send, name="ui-message-send"),
        path("api/chat/<path:chat_id>/stream", views.resume, name="ui-message-resume"),
        path("api/chat/<path:chat_id>/stop", views.stop, name="ui-message-stop"),
    ),
    openapi=(openapi,),
    resume="replay",
)
