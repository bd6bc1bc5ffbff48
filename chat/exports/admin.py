"""Exports that are written or kept: whose, of what, how far, and why one failed. What is in them is not shown here."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from chat.admin.history import History
from chat.exports.models import Export


@admin.register(Export)
class ExportAdmin(History):
    list_display = (
        "id",
        "what",
        "format",
        "status",
        "user",
        "done",
        "total",
        "bytes",
        "error",
        "created_at",
        "expires_at",
    )
    list_filter = ("status", "what", "format", "created_at")
    list_select_related = ("user",)
    search_fields = ("^user__email",)
    search_help_text = _("An id (of it, its chat or a person), or the beginning of an e-mail address")
    id_fields = ("id", "chat_id", "user_id")
    raw_id_fields = ("user", "chat", "organization")
    ordering = ("-created_at", "-id")
