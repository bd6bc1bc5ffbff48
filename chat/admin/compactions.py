"""Compactions: how often chats are summed up, and how much shorter they become. What they say is shown to nobody."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from chat.admin.history import History
from chat.models import Compaction


@admin.register(Compaction)
class CompactionAdmin(History):
    list_display = ("id", "chat_id", "messages", "tokens_before", "tokens_after", "model", "created_at")
    list_filter = ("created_at",)
    search_fields = ("=model",)
    search_help_text = _("An id (of it, its chat, message or run), or a model")
    id_fields = ("id", "chat_id", "upto_id", "run")
    spoken_by = ("id", "chat_id")
    raw_id_fields = ("chat", "upto")
    exclude = ("summary",)  # what people said, in other words
    ordering = ("-created_at", "-id")
