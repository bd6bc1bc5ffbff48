"""The native door."""

from django.urls import path

from chat.doors.door import Door
from chat.doors.native import dialect, openapi, views
from chat.doors.native.project_socket import ProjectSocket
from chat.doors.native.socket import ChatSocket

NATIVE = Door(
    "native",
    dialects=(dialect.NAME,),
    urls=(
        path("api/chats/runs", views.begin, name="chat-begin"),
        path("api/chats/<uuid:chat_id>/runs", views.start, name="run-start"),
        path("api/runs/<uuid:run_id>/events", views.events, name="run-events"),
        path("api/runs/<uuid:run_id>/cancel", views.cancel, name="run-cancel"),
        path("api/runs/<uuid:run_id>/approvals/<str:call>", views.approve, name="run-approve"),
    ),
    openapi=(openapi,),
    sockets=(
        path("ws/chats/<uuid:chat_id>/", ChatSocket.as_asgi()),
        path("ws/projects/<uuid:project_id>/", ProjectSocket.as_asgi()),
    ),
    resume="cursor",
)
