"""Routes."""

from django.urls import URLPattern, URLResolver, path

from chat import capabilities, openapi
from chat.doors.agent import views as agent
from chat.doors.agui import views as agui
from chat.doors.editor_chat import git as editor_chat_git
from chat.doors.editor_chat import views as editor_chat
from chat.doors.native import views as native
from chat.doors.openai import models
from chat.doors.openai.completions import views as completions
from chat.doors.openai.responses import conversations
from chat.doors.openai.responses import views as responses
from chat.doors.sessions import views as sessions
from chat.doors.threads import views as threads
from chat.doors.trpc import server as trpc_server
from chat.doors.ui_message import views as ui_message
from chat.page import self_test, views
from chat.rest import budgets, characters, chats, choices, messages, runs, tasks
from chat.rest.tickets import TicketView
from chat.transfer import views as exports


def openai(base: str) -> list[URLPattern | URLResolver]:
    """The doors that OpenAI's clients find under their base URL."""
    return [
        path(f"{base}/chat/completions", completions.create),
        path(f"{base}/models", models.every),
        path(f"{base}/models/<path:model_id>", models.one),
        path(f"{base}/responses", responses.create),
        path(f"{base}/responses/compact", responses.compact),
        path(f"{base}/responses/<str:response_id>", responses.one),
        path(f"{base}/responses/<str:response_id>/cancel", responses.cancel),
        path(f"{base}/responses/<str:response_id>/input_items", responses.input_items),
        path(f"{base}/conversations", conversations.create),
        path(f"{base}/conversations/<str:conversation_id>", conversations.one),
        path(f"{base}/conversations/<str:conversation_id>/items", conversations.items),
        path(f"{base}/conversations/<str:conversation_id>/items/<str:item_id>", conversations.item),
        path(f"{base}/conversations/<str:conversation_id>/messages", conversations.messages),
    ]


def trpc(base: str) -> list[URLPattern | URLResolver]:
    """What tRPC's clients find under their URL: each procedure, and any batch of them."""
    one = [path(f"{base}/{name}", trpc_server.call, {"calls": name}) for name in trpc_server.PROCEDURES]
    return [*one, path(f"{base}/<str:calls>", trpc_server.call)]


urlpatterns: list[URLPattern | URLResolver] = [
    # The page
    path("", views.home, name="page-home"),
    path("chats/<uuid:id>/", views.chat, name="page-chat"),
    path("chats/<uuid:id>/messages/", views.messages, name="page-messages"),
    path("favicon.ico", views.icon, name="icon"),
    path("self-test/", self_test.self_test, name="self-test"),
    # REST
    path("api/chats/", chats.Chats.as_view(), name="chats"),
    path("api/chats/<uuid:id>/", chats.OneChat.as_view(), name="chat"),
    path("api/chats/<uuid:id>/messages/", messages.ChatMessages.as_view(), name="chat-messages"),
    path("api/chats/<uuid:id>/fork/", chats.ChatFork.as_view(), name="chat-fork"),
    path("api/chats/<uuid:id>/export/", exports.export, name="chat-export"),
    path("api/chats/<uuid:id>/shares/", chats.ChatShares.as_view(), name="chat-shares"),
    path("api/chats/<uuid:id>/shares/<uuid:share>/", chats.OneShare.as_view(), name="chat-share"),
    path("api/messages/<uuid:id>/", messages.OneMessage.as_view(), name="message"),
    path("api/messages/<uuid:id>/regenerate/", messages.MessageRegenerate.as_view(), name="message-regenerate"),
    path("api/runs/", runs.Runs.as_view(), name="runs"),
    path("api/runs/<uuid:id>/", runs.OneRun.as_view(), name="run"),
    path("api/models/", choices.Models.as_view(), name="models"),
    path("api/archetypes/", choices.Archetypes.as_view(), name="archetypes"),
    path("api/organizations/<uuid:id>/budget/", budgets.OrganizationBudget.as_view(), name="budget"),
    path("api/tasks/", tasks.Tasks.as_view(), name="tasks"),
    path("api/tasks/<uuid:id>/", tasks.OneTask.as_view(), name="task"),
    path("api/characters/", characters.Characters.as_view(), name="characters"),
    path("api/characters/<int:id>/", characters.OneCharacter.as_view(), name="character"),
    path("api/capabilities/", capabilities.capabilities, name="capabilities"),
    path("api/auth/ticket", TicketView.as_view(), name="ticket"),
    path("api/schema/", openapi.schema, name="schema"),
    path("api/docs/", openapi.docs, name="docs"),
    # Doors
    path("api/chats/<uuid:chat_id>/runs", native.start, name="run-start"),
    path("api/runs/<uuid:run_id>/events", native.events, name="run-events"),
    path("api/runs/<uuid:run_id>/cancel", native.cancel, name="run-cancel"),
    path("api/runs/<uuid:run_id>/approvals/<str:call>", native.approve, name="run-approve"),
    path("api/editorChat/stream/<uuid:chat_id>", editor_chat.stream, name="editor-chat-stream"),
    path("api/editorChat/test-sse", editor_chat.test_sse, name="editor-chat-test-sse"),
    path("api/editorChat/<uuid:chat_id>/get-diff", editor_chat_git.get_diff, name="editor-chat-diff"),
    path("api/editorChat/<uuid:chat_id>/create-pr", editor_chat_git.create_pr, name="editor-chat-pull-request"),
    path("api/chat", ui_message.send, name="ui-message-send"),
    path("api/chat/<path:chat_id>/stream", ui_message.resume, name="ui-message-resume"),
    path("api/chat/<path:chat_id>/stop", ui_message.stop, name="ui-message-stop"),
    path("api/agui", agui.run, name="agui"),
    path("api/chat/start", sessions.start, name="session-start"),
    path("api/chat/stream", sessions.stream, name="session-stream"),
    path("api/chat/history", sessions.history, name="session-history"),
    path("chat/start", sessions.start),  # its document writes the paths both ways
    path("chat/stream", sessions.stream),
    path("chat/history", sessions.history),
    path("chat/threads", threads.threads, name="threads"),
    path("chat/threads/<uuid:chat_id>/messages", threads.messages, name="thread-messages"),
    path("chat/threads/<uuid:chat_id>/messages/stream", threads.stream, name="thread-stream"),
    path("agent/chat", agent.chat, name="agent-chat"),
    path("agent/chat/stream", agent.stream, name="agent-stream"),
    path("agent/chat/history/<str:session_id>", agent.history, name="agent-history"),
    *trpc("trpc"),
    *trpc("api/trpc"),
    *openai("api/llm"),
    *openai("v1"),
]
