"""The editorChat door. Its procedures are in chat.doors.trpc."""

from django.urls import path

from chat.doors.door import Door
from chat.doors.editor_chat import dialect, git, openapi, views

EDITOR_CHAT = Door(
    "editorChat",
    dialects=(dialect.NAME,),
    urls=(
        path("api/editorChat/stream/<uuid:chat_id>", views.stream, name="editor-chat-stream"),
        path("api/editorChat/test-sse", views.test_sse, name="editor-chat-test-sse"),
        path("api/editorChat/<uuid:chat_id>/get-diff", git.get_diff, name="editor-chat-diff"),
        path("api/editorChat/<uuid:chat_id>/create-pr", git.create_pr, name="editor-chat-pull-request"),
    ),
    openapi=(openapi,),
    resume="cursor",
)
