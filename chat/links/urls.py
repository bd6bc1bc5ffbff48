"""Routes of links to chats."""

from django.urls import path

from chat.links import rest, views

urlpatterns = [
    path("s/<str:token>/", views.link_page, name="link"),
    path("chats/<uuid:id>/links/", views.links, name="page-links"),
    path("api/chats/<uuid:id>/links/", rest.ChatLinks.as_view(), name="chat-links"),
    path("api/chats/<uuid:id>/links/<uuid:link>/", rest.OneLink.as_view(), name="chat-link"),
]
