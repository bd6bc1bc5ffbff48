"""Routes."""

from django.urls import URLPattern, URLResolver, path

from chat import capabilities, openapi
from chat.doors.registry import DOORS
from chat.page import self_test, views
from chat.rest import budgets, characters, chats, choices, handing_over, messages, runs, tasks
from chat.rest.tickets import TicketView
from chat.transfer import views as exports

urlpatterns: list[URLPattern | URLResolver] = [
    # The page
    path("", views.home, name="page-home"),
    path("chats/", views.chats, name="page-chats"),
    path("chats/<uuid:id>/", views.chat, name="page-chat"),
    path("chats/<uuid:id>/messages/", views.messages, name="page-messages"),
    path("messages/<uuid:id>/pictures/<int:number>/", views.picture, name="page-picture"),
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
    path("api/organizations/<uuid:organization>/former-members/", handing_over.FormerMembers.as_view()),
    path("api/organizations/<uuid:organization>/hand-over/", handing_over.HandOver.as_view()),
    path("api/tasks/", tasks.Tasks.as_view(), name="tasks"),
    path("api/tasks/<uuid:id>/", tasks.OneTask.as_view(), name="task"),
    path("api/characters/", characters.Characters.as_view(), name="characters"),
    path("api/characters/<int:id>/", characters.OneCharacter.as_view(), name="character"),
    path("api/capabilities/", capabilities.capabilities, name="capabilities"),
    path("api/auth/ticket", TicketView.as_view(), name="ticket"),
    path("api/schema/", openapi.schema, name="schema"),
    path("api/docs/", openapi.docs, name="docs"),
    # Doors; those at one address name what they share, such as tRPC's batches, each
    *dict.fromkeys(each for door in DOORS for each in door.urls),
]
