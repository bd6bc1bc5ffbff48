"""Repositories of projects: where each comes from, and what became of bringing it. Never a token."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from chat.admin.history import History
from tools.models import ProjectRepository


@admin.register(ProjectRepository)
class ProjectRepositoryAdmin(History):
    list_display = (
        *("project", "state", "error_code", "forge", "remote_url", "default_branch"),
        *("bytes", "files", "fetched_at", "updated_at"),
    )
    list_filter = ("state", "forge")
    list_select_related = ("project",)
    search_fields = ("^project__name", "^remote_url", "^forge_path")
    search_help_text = _("An id (of a project), or the beginning of a project's name, of an address or of owner/name")
    id_fields = ("project_id",)
    spoken_by = ("project",)
    exclude = ("token",)
    ordering = ("-created_at", "project")

    @admin.display(description=_("error code"))
    def error_code(self, row: ProjectRepository) -> str:
        """Of what failed last."""
        return str((row.error or {}).get("code", ""))
