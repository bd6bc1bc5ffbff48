"""Plans: the models, features and limits of each, edited here; which organization has which is on its own page."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import plans
from accounts.admin_audit import Noted, record
from accounts.admin_fields import Words
from accounts.admin_lists import Lookups
from accounts.errors import Invalid
from accounts.models import Organization, Plan
from accounts.plans import COUNTS, FEATURES, RATES
from chat import gate

if TYPE_CHECKING:  # generic for the type checker only
    ModelForm = forms.ModelForm[Plan]
else:
    ModelForm = forms.ModelForm

CHECKS = {
    "name": plans.check_name,
    "models": plans.check_models,
    "features": plans.check_features,
    "limits": plans.check_limits,
}


class PlanForm(ModelForm):
    """A row, as accounts.plans takes it."""

    models = Words(help_text=_("Ids, patterns such as claude-*, or tier:pro for all that this tier sees. *: all."))
    features = Words(help_text=", ".join((plans.ALL, *FEATURES)))
    limits = forms.JSONField(required=False, help_text=", ".join((*COUNTS, *RATES)))

    class Meta:
        model = Plan
        fields = ("name", "label", "models", "features", "limits")

    def clean(self) -> dict[str, Any]:
        """The values, once each is right."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        values.update({"models": values.get("models") or [], "features": values.get("features") or []})
        values["limits"] = {} if values.get("limits") in (None, "") else values["limits"]
        for name, check in CHECKS.items():
            try:
                if name in values and name not in self.errors:
                    check(values[name])
            except Invalid as error:
                self.add_error(name, error.fields[name][0])
        return values


@admin.register(Plan)
class PlanAdmin(Noted, Lookups):
    form = PlanForm
    list_display = ("name", "label", "has_models", "organizations", "updated_at")
    search_fields = ("^name",)
    search_help_text = _("The beginning of a plan's name")
    id_fields = ()
    spoken_by = ("name",)
    ordering = ("name",)
    fields = ("name", "label", "models", "features", "limits", "has_models", "organizations", "updated_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Organizations name it, so it keeps its name."""
        counted = ("has_models", "organizations", "updated_at")
        return ("name", *counted) if obj else counted

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Not one that ships, which would be back, nor one that somebody has: they would have the default unasked."""
        is_kept = isinstance(obj, Plan) and (_ships(obj) or _is_had(obj))
        return super().has_delete_permission(request, obj) and not is_kept

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Without that of deleting many: see above."""
        return {name: each for name, each in super().get_actions(request).items() if name != "delete_selected"}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store it: from now on it holds here, and elsewhere some seconds later."""
        super().save_model(request, obj, form, change)
        plans.changed()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """And it is no plan any more."""
        super().delete_model(request, obj)
        plans.changed()

    def note(self, request: HttpRequest, row: Plan, change: str, fields: list[str]) -> None:
        """Of the plan, by its name."""
        record(request, "plan.changed", row, None, plan=row.name)

    @admin.display(description=_("models here"))
    def has_models(self, plan: Plan) -> str:
        """How many of those that are offered, and which."""
        found = gate.models_of(plans.terms_of(plan)) if plan.pk else []
        return f"{len(found)}: {', '.join(found)}" if found else "0"

    @admin.display(description=_("organizations"))
    def organizations(self, plan: Plan) -> int:
        """How many have it by its name."""
        return Organization.objects.filter(plan=plan.pk).count()


def _ships(plan: Plan) -> bool:
    return plan.pk in {each.name for each in plans.SHIPPED}


def _is_had(plan: Plan) -> bool:
    return plan.pk == plans.named("").name or Organization.objects.filter(plan=plan.pk).exists()
