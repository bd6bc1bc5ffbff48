"""Pull requests: where each is and what became of it. What people wrote of it is not shown here."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.http.queries import whole_number
from chat.admin.history import History
from chat.models import PullRequest


@admin.register(PullRequest)
class PullRequestAdmin(History):
    list_display = ("number", "project", "forge", "state", "branch", "author", "created_at", "closed_at")
    list_filter = ("state", "forge", "is_draft", "created_at")
    list_select_related = ("project", "author")
    search_fields = ("=branch", "^url", "^project__name")
    search_help_text = _(
        "An id (of it, its project or chat), a number, a branch, or the beginning of its address or of a project's name"
    )
    id_fields = ("id", "project_id", "chat_id")
    spoken_by = ("number", "project", "state")
    exclude = ("title", "body")  # what somebody wrote, or a model for them

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """7 and #7 are a number; anything else is looked for as in each list."""
        number = whole_number(search_term.strip().removeprefix("#"))
        if number is None:
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(number=number), False
