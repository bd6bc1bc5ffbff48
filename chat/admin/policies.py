"""Tool policies, which operators edit as an organization's admins do; and grants, which they look at and may end."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.admin_audit import Noted
from accounts.admin_lists import Lookups
from chat.models import ToolGrant, ToolPolicy
from chat.services.policies import fault_of, note

if TYPE_CHECKING:  # generic for the type checker only
    ModelForm = forms.ModelForm[ToolPolicy]
else:
    ModelForm = forms.ModelForm

ANOTHER_PLACE = _("Expected a project of that organization.")


class PolicyForm(ModelForm):
    """A rule, with the faults that REST would tell."""

    def clean(self) -> dict[str, Any] | None:
        """The values. What is wrong is added to its field."""
        values = super().clean() or {}
        project = values.get("project", self.instance.project)
        organization = values.get("organization", self.instance.organization if self.instance.organization_id else None)
        if project is not None and organization is not None and project.organization_id != organization.pk:
            self.add_error("project", ANOTHER_PLACE)
        told = fault_of(values.get("pattern", ""), values.get("decision", ""), is_projects=project is not None)
        for name, fault in told.items():
            if name in values:
                self.add_error(name, fault)
        return values


@admin.register(ToolPolicy)
class ToolPolicyAdmin(Noted, Lookups):
    form = PolicyForm
    list_display = ("pattern", "decision", "role", "organization", "project", "updated_at")
    list_select_related = ("organization", "project")
    list_filter = ("decision", "role")
    search_fields = ("^pattern",)
    search_help_text = _("The id of a policy, an organization or a project, or the beginning of a pattern")
    id_fields = ("id", "organization_id", "project_id")
    spoken_by = ("decision", "pattern")
    ordering = ("-created_at", "-id")
    autocomplete_fields = ("organization", "project")
    fields = ("organization", "project", "pattern", "role", "decision", "created_by", "created_at", "updated_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Where a rule holds is not edited, nor who made it."""
        made = ("created_by", "created_at", "updated_at")
        return ("organization", "project", *made) if obj else made

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Note who made it."""
        if not change:
            obj.created_by = request.user
        super().save_model(request, obj, form, change)

    def note(self, request: HttpRequest, row: ToolPolicy, change: str, fields: list[str]) -> None:
        """As it is now, or was."""
        note(change, row, by=audit.operator(request.user))


class Holds(admin.SimpleListFilter):
    title, parameter_name = _("holds"), "holds"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Whether it does."""
        return [("yes", _("Holds now")), ("no", _("Ended or revoked"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Grants that hold now, as far as their rows go, or the others."""
        match self.value():
            case "yes":
                return queryset & ToolGrant.objects.valid()
            case "no":
                return queryset.exclude(pk__in=ToolGrant.objects.valid())
            case _:
                return queryset


@admin.register(ToolGrant)
class ToolGrantAdmin(Lookups):
    list_display = ("tool", "chat_id", "by", "expires_at", "revoked_at", "uses", "used_at")
    list_select_related = ("by",)
    list_filter = (Holds,)
    search_fields = ("=tool",)
    search_help_text = _("The id of a grant, a chat or a person, or the name of a tool")
    id_fields = ("id", "chat_id", "by_id")
    spoken_by = ("tool",)
    ordering = ("-created_at", "-id")
    raw_id_fields = ("chat", "by")
    fields = ("tool", "chat", "by", "expires_at", "revoked_at", "uses", "used_at", "created_at")
    readonly_fields = ("tool", "chat", "by", "expires_at", "uses", "used_at", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only a person gives one, with an approval."""
        return False
