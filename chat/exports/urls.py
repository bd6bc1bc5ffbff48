"""Routes: put into chat.urls."""

from django.urls import URLPattern, path

from chat.exports import page, rest, views

urls: list[URLPattern] = [
    path("exports/", page.exports, name="page-exports"),
    path("chats/<uuid:id>/export/", page.export_chat, name="page-export"),
    path("api/chats/<uuid:id>/export/", views.export_chat, name="chat-export"),
    path("api/exports/", rest.Exports.as_view(), name="exports"),
    path("api/exports/<uuid:id>/", rest.OneExport.as_view(), name="export-one"),
    path("api/exports/<uuid:id>/file/", views.export_file, name="export-file"),
]
