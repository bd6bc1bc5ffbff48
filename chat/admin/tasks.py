"""Tasks, and the sessions of system 2's door."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from chat.admin import filters
from chat.admin.history import History
from chat.models import ChatSession, Task


@admin.register(Task)
class TaskAdmin(History):
    list_display = ("__str__", "project", "status", "external_id", "created_at")
    list_filter = ("status", "created_at")
    list_select_related = ("project",)
    search_fields = ("=external_id", "^project__name")
    search_help_text = _("An id (of a task or project), an external id, or the beginning of a project's name")
    id_fields = ("id", "project_id")
    spoken_by = ("id",)
    exclude = ("title",)  # what somebody wrote; no chat of theirs says for which reason it may be shown


@admin.register(ChatSession)
class ChatSessionAdmin(History):
    is_plumbing = True
    list_display = ("id", "user", "chat", "model", "task", "created_at", "expires_at")
    list_filter = ("created_at", "expires_at", filters.Model)
    list_select_related = ("user", "chat", "task")
    search_fields = ("^user__email",)
    search_help_text = _("An id (of a session, its chat, run or user), or the beginning of an e-mail address")
    id_fields = ("id", "chat_id", "run_id", "user_id")
    spoken_by = ("id",)
    exclude = ("token_hash",)
    ordering = ("-created_at", "-id")
