"""What people let models know of them: that it is there, and how much. What it says is shown to no operator."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin_lists import ReadOnly
from tools.models import Memory, Preferences

WORDS = ("language", "tone", "about")


@admin.register(Preferences)
class PreferencesAdmin(ReadOnly):
    list_display = ("user", "use_in_prompts", "remember", "facts", "updated_at")
    list_filter = ("use_in_prompts", "remember", "updated_at")
    list_select_related = ("user",)
    search_fields = ("^user__email",)
    search_help_text = _("An id (of a person), or the beginning of an e-mail address")
    id_fields = ("user_id",)
    heavy_fields = WORDS
    spoken_by = ("user",)
    exclude = WORDS
    ordering = ("-updated_at", "-user")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Each with how many facts are remembered of its person."""
        theirs = Memory.objects.filter(user=OuterRef("user")).order_by().values("user").annotate(count=Count("pk"))
        rows = super().get_queryset(request)
        counted: QuerySet[Any] = rows.annotate(facts=Coalesce(Subquery(theirs.values("count")), 0))
        return counted

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Not by their words: the language too is what the person wrote."""
        return not set(WORDS) & {*lookup.split("__")} and super().lookup_allowed(lookup, value, request)

    @admin.display(description=_("remembered facts"))
    def facts(self, row: Any) -> int:
        """How many are remembered of the person."""
        return int(row.facts)


@admin.register(Memory)
class MemoryAdmin(ReadOnly):
    list_display = ("id", "user", "created_at", "updated_at")
    list_filter = ("created_at",)
    list_select_related = ("user",)
    search_fields = ("^user__email",)
    search_help_text = _("An id (of it or of a person), or the beginning of an e-mail address")
    id_fields = ("id", "user_id")
    heavy_fields = ("text",)
    spoken_by = ("id",)
    exclude = ("text",)
    ordering = ("-created_at", "-id")
