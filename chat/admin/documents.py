"""Documents of projects, and their versions: how large, whose and when. What they say is shown to no operator."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from chat.admin.history import History
from tools.models import Document, DocumentVersion


@admin.register(Document)
class DocumentAdmin(History):
    list_display = ("project", "name", "version", "bytes", "updated_at")
    list_filter = ("updated_at",)
    list_select_related = ("project",)
    search_fields = ("^project__name",)
    search_help_text = _("An id (of a document or project), or the beginning of a project's name")
    id_fields = ("id", "project_id")
    heavy_fields = ("content",)
    spoken_by = ("project",)
    exclude = ("content",)  # what people wrote; no chat of theirs says for which reason it may be shown
    ordering = ("-updated_at", "-id")


@admin.register(DocumentVersion)
class DocumentVersionAdmin(History):
    list_display = ("document", "version", "by", "run_id", "created_at")
    list_filter = ("created_at",)
    list_select_related = ("document", "by")
    search_fields = ("^by__email",)
    search_help_text = _("An id (of a document, its project, a run or a person), or the beginning of an e-mail address")
    id_fields = ("document_id", "document__project_id", "run_id", "by_id")
    heavy_fields = ("content", "document__content")
    spoken_by = ("version",)
    exclude = ("content", "note")
    ordering = ("-created_at", "-id")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Not by what somebody noted: of other tables a note is an operator's."""
        return "note" not in lookup.split("__") and super().lookup_allowed(lookup, value, request)
