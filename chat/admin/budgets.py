"""Budgets: an organization's own, which operators alone set, and those of what is in it."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin_audit import DELETED, Noted, record
from accounts.admin_lists import Lookups, ReadOnly
from accounts.errors import Invalid
from chat.metering.amounts import currency
from chat.metering.budgets import Standing, standings
from chat.models import Budget, BudgetNotice, Scope, Unit
from chat.services.budgets import amount_of, detail_of, is_in, said

if TYPE_CHECKING:  # generic for the type checker only
    ModelForm = forms.ModelForm[Budget]
else:
    ModelForm = forms.ModelForm

WHOSE = ("project", "user", "key")  # one of them, or none: the whole organization's
ONE = _("Choose one of project, person and API key, or none of them: then it is the whole organization's.")
ELSEWHERE = _("It is not of that organization.")


class BudgetForm(ModelForm):
    """A budget, its amount as people write it."""

    amount = forms.CharField(
        label=_("amount"), help_text=_("Tokens, input and output together; or money, such as 12.50.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["amount"] = said(self.instance.unit, self.instance.amount)
        elif "inside" in self.fields:
            self.fields["inside"].required = True

    def clean(self) -> dict[str, Any]:
        """The values. What is wrong is added to its field."""
        values = super().clean() or {}
        chosen = [name for name in WHOSE if values.get(name) is not None]
        if len(chosen) > 1:
            self.add_error(chosen[1], ONE)
        elif chosen and (place := values.get("inside")) and not is_in(place, chosen[0], values[chosen[0]]):
            self.add_error(chosen[0], ELSEWHERE)
        try:
            values["amount"] = amount_of(values.get("unit", self.instance.unit), values.get("amount"))
        except Invalid as error:
            self.add_error("amount", error.message)
        return values


@admin.register(Budget)
class BudgetAdmin(Noted, Lookups):
    form = BudgetForm
    list_display = ("place", "whose", "shown_amount", "period", "at_end", "used_part", "shown_used", "reserved", "left")
    list_select_related = ("organization", "inside", "project", "user", "key")
    list_filter = ("unit", "period", "at_end")
    search_fields = ("^organization__name", "^inside__name")
    search_help_text = _("The id of an organization, a project, a person or a key, or the beginning of a name")
    id_fields = ("organization_id", "inside_id", "project_id", "user_id", "key_id")
    spoken_by = ("unit", "period")
    ordering = ("-id",)
    autocomplete_fields = ("inside", "project", "user", "key")
    fields = ("inside", "project", "user", "key", "unit", "amount", "period", "warn_percent", "at_end")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Of one that is there, how it stands too."""
        return ("place", "whose", *self.fields[4:], "shown_used", "reserved", "left") if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """What is counted is not edited, nor whose the budget is, nor in what it is."""
        return ("place", "whose", "unit", "shown_used", "reserved", "left") if obj else ()

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, with how each row of its page stands: one question for all."""
        found = super().get_changelist_instance(request)
        found.result_list = list(found.result_list)
        for row, standing in zip(found.result_list, standings(found.result_list), strict=True):
            row.stands = standing
        return found

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What goes with them: their notices, which nobody deletes by themselves."""
        deleted, counts, needed, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, needed - {BudgetNotice._meta.verbose_name}, protected

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """People are told again of another amount."""
        if "amount" in form.changed_data:
            obj.told_percent = 0
        super().save_model(request, obj, form, change)

    @admin.display(description=_("organization"))
    def place(self, budget: Budget) -> str:
        """The organization's name."""
        return str(budget.organization or budget.inside or "")

    @admin.display(description=_("whose"))
    def whose(self, budget: Budget) -> str:
        """The project, the person or the key."""
        return "" if budget.scope == Scope.ORGANIZATION else str(budget.project or budget.user or budget.key or "")

    @admin.display(description=_("amount"), ordering="amount")
    def shown_amount(self, budget: Budget) -> str:
        """In its unit."""
        return in_unit(budget, budget.amount)

    @admin.display(description=_("used, %"))
    def used_part(self, budget: Budget) -> int:
        """How much of it is used."""
        return _standing(budget).percent

    @admin.display(description=_("used"), ordering="used")
    def shown_used(self, budget: Budget) -> str:
        """By the runs that ended in the period."""
        return in_unit(budget, _standing(budget).used)

    def note(self, request: HttpRequest, row: Budget, change: str, fields: list[str]) -> None:
        """What it is now."""
        if change == DELETED:
            record(request, "budget.removed", row, row.of_id, scope=row.scope)
        else:
            record(request, "budget.set", row, row.of_id, **detail_of(row))

    @admin.display(description=_("reserved"))
    def reserved(self, budget: Budget) -> str:
        """For the runs that are open."""
        return in_unit(budget, _standing(budget).reserved)

    @admin.display(description=_("left"))
    def left(self, budget: Budget) -> str:
        """What new runs may reserve."""
        return in_unit(budget, _standing(budget).left)


@admin.register(BudgetNotice)
class BudgetNoticeAdmin(ReadOnly):
    """When budgets were nearly used up: for looking."""

    is_plumbing = True
    list_display = ("budget", "percent", "began_on", "at")
    list_select_related = ("budget__organization", "budget__inside")
    ordering = ("-id",)
    id_fields = ("budget__organization_id", "budget__inside_id")
    search_help_text = _("The id of an organization")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """They go with their budgets."""
        return False


def in_unit(budget: Budget, amount: int) -> str:
    """An amount for people: money with two places more than cents have, and its currency."""
    return f"{amount / 10**9:,.4f} {currency()}" if budget.unit == Unit.MONEY else f"{amount:,}"


def _standing(budget: Budget) -> Standing:
    if not hasattr(budget, "stands"):
        (budget.stands,) = standings([budget])  # type: ignore[attr-defined]
    return budget.stands  # type: ignore[attr-defined,no-any-return]
