"""The admin's view of the audit log: to look at and to search, never to change; and each look is an entry."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.admin_lists import ReadOnly, View
from accounts.audit.actions import ACTIONS
from accounts.audit.models import AuditChain, AuditEntry

FILTERS = {"q", "at", "outcome", "actor_kind", "action", "seq"}


class Kept(ReadOnly):
    """Rows that the database itself refuses to delete."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes one."""
        return False


class ByAction(admin.SimpleListFilter):
    """By the list of actions: to ask the table which it has would read all of it."""

    title, parameter_name = _("action"), "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """All there are."""
        return [(each, each) for each in ACTIONS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The entries of that one."""
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(Kept):
    list_display = (
        *("at", "action", "outcome", "actor_kind", "actor", "organization", "object_type", "object_id", "ip"),
        *("detail", "seq"),
    )
    list_filter = ("at", "outcome", "actor_kind", ByAction)
    search_fields = ("=action", "=object_id", "=request_id")
    search_help_text = _(
        "An id (of an entry, actor, organization or object), or the whole of an action or of a request's id"
    )
    id_fields = ("id", "actor", "organization", "object_id")
    spoken_by = ("action", "at")
    ordering = ("-at", "-id")
    views = (
        View(_("Refused"), "outcome__exact=refused"),
        View(_("Failed"), "outcome__exact=failed"),
        View(_("By operators"), "actor_kind__exact=operator"),
        View(_("Content shown"), "action=content.viewed"),
        View(_("Not sealed"), "seq__isnull=True"),
    )

    def changelist_view(self, request: HttpRequest, extra_context: Mapping[str, Any] | None = None) -> HttpResponse:
        """The list."""
        filters = sorted(FILTERS & {name.partition("__")[0] for name in request.GET})
        audit.apart("audit.read", actor=audit.operator(request.user), organization_id=None, detail={"filters": filters})
        return super().changelist_view(request, extra_context)


@admin.register(AuditChain)
class AuditChainAdmin(Kept):
    is_plumbing = True
    list_display = ("id", "seq", "chain", "pruned_seq", "told_seq")
    search_fields = ("=id",)
    ordering = ("id",)
