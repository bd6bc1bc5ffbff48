"""Holds, which operators place and release; and the rules of organizations, which they edit as its admins do."""

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin_audit import Noted, record
from accounts.admin_lists import Lookups, View
from accounts.errors import NotFound
from accounts.models import User
from chat.models import Hold, Rules
from chat.services import holds
from chat.services.organization_rules import DAYS_MOST

if TYPE_CHECKING:  # generic for the type checker only
    HoldModelForm = forms.ModelForm[Hold]
    RulesModelForm = forms.ModelForm[Rules]
else:
    HoldModelForm = RulesModelForm = forms.ModelForm


class HoldForm(HoldModelForm):
    """A hold to be placed."""

    def clean(self) -> dict[str, Any] | None:
        """The values, where there is such a thing."""
        values = super().clean() or {}
        if values.keys() >= {"scope", "subject"}:
            try:
                holds.name_of(values["scope"], values["subject"])
            except NotFound:
                raise ValidationError({"subject": _("There is no such thing.")}) from None
        return values


@admin.register(Hold)
class HoldAdmin(Lookups):
    form = HoldForm
    list_display = ("name", "scope", "organization", "by", "created_at", "released_at")
    list_select_related = ("organization", "by")
    list_filter = ("scope", "created_at")
    search_help_text = gettext_lazy("The id of a hold, or of what it is on, or the beginning of its name")
    id_fields = ("id", "subject", "organization_id")
    search_fields = ("^name",)
    spoken_by = ("scope", "name")
    ordering = ("-created_at", "-id")
    views = (View(gettext_lazy("Hold now"), "released_at__isnull=True"),)
    fields = ("scope", "subject", "name", "reason", "organization", "by", "created_at", "released_at", "released_by")
    actions = ("release",)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """One that is placed is released, and else stays as it is."""
        made = ("name", "organization", "by", "created_at", "released_at", "released_by")
        return ("scope", "subject", "reason", *made) if obj else made

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes one: that there was a hold is to be known."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """An operator's: it holds in every organization."""
        if not change:
            obj.by, obj.name = request.user, holds.name_of(obj.scope, obj.subject)
            with transaction.atomic():
                super().save_model(request, obj, form, change)
                holds.note("hold.placed", obj, obj.by)

    @admin.action(description=gettext_lazy("Release"), permissions=["change"])
    def release(self, request: HttpRequest, chosen: QuerySet[Hold]) -> None:
        """They hold no more; each is noted in the log of interventions."""
        for each in chosen.filter(released_at=None):
            holds.release(each, cast(User, request.user))
            self.log_change(request, each, "Released")
        self.message_user(
            request, _("Released. What was deleted meanwhile is erased within the hour."), messages.SUCCESS
        )


class RulesForm(RulesModelForm):
    """As the API takes them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("chats_days", "logs_days", "files_days"):
            self.fields[name] = forms.IntegerField(
                label=self.fields[name].label, required=False, min_value=1, max_value=DAYS_MOST,
                help_text=gettext_lazy("Days; empty: for ever."),
            )  # fmt: skip


@admin.register(Rules)
class RulesAdmin(Noted, Lookups):
    form = RulesForm
    list_display = ("organization", "chats_days", "logs_days", "files_days", "links", "cache_answers", "updated_at")
    list_select_related = ("organization",)
    list_filter = ("links", "cache_answers")
    search_fields = ("^organization__name",)
    search_help_text = gettext_lazy("The id of an organization, or the beginning of its name")
    id_fields = ("organization_id",)
    spoken_by = ("organization",)
    ordering = ("-updated_at",)
    autocomplete_fields = ("organization",)
    fields = ("organization", "chats_days", "logs_days", "files_days", "links", "cache_answers", "updated_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Whose they are is not edited."""
        return ("organization", "updated_at") if obj else ("updated_at",)

    def note(self, request: HttpRequest, row: Rules, change: str, fields: list[str]) -> None:
        """Of the organization, as its admins' own changes are."""
        record(request, "rule.changed", row, row.organization_id, kind="rules", fields=fields)
