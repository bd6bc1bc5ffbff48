"""Documents of projects' knowledge: their state, faults, indexing anew. What they say is shown to no operator."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.errors import RequestError
from chat.admin.acting import PERMISSION
from chat.admin.history import History
from chat.admin.interventions import keep
from chat.services import knowledge
from tools.models import KnowledgeDocument

MOST = 100  # at once


@admin.register(KnowledgeDocument)
class KnowledgeDocumentAdmin(History):
    list_display = (
        *("id", "project", "state", "error_code", "level", "language", "media_type", "bytes", "passages"),
        *("embedded_by", "updated_at"),
    )
    list_filter = ("state", "level", "updated_at")
    list_select_related = ("project",)
    search_fields = ("^project__name",)
    search_help_text = _("An id (of a document or project), or the beginning of a project's name")
    id_fields = ("id", "project_id")
    heavy_fields = ("text", "pages", "title", "source")
    spoken_by = ("project",)
    exclude = ("text", "pages", "title", "source", "sha256")  # what people wrote, and what it can be known by
    ordering = ("-updated_at", "-id")
    actions = ("reindex",)

    @admin.display(description=_("error code"))
    def error_code(self, row: KnowledgeDocument) -> str:
        """Of the newest indexing, where it failed."""
        return str((row.error or {}).get("code", ""))

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether they may intervene."""
        return request.user.has_perm(PERMISSION)

    @admin.action(description=_("Index anew"), permissions=["operate"])
    def reindex(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        """Begin a run for each, on behalf of whoever added it."""
        done = 0
        for row in chosen.select_related("project")[:MOST]:
            try:
                with transaction.atomic():
                    begun = knowledge.reindex_by_operator(row)
                    keep(request, row, f"Indexed anew by run {begun.run}")
                done += 1
            except RequestError as error:
                self.message_user(request, f"{row.pk}: {error.message}", messages.ERROR)
        if done:
            told = ngettext("%(count)s document is indexed anew.", "%(count)s documents are indexed anew.", done)
            self.message_user(request, told % {"count": done}, messages.SUCCESS)
