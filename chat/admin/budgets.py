"""Budgets of organizations: the second table that is edited here."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin_audit import DELETED, Noted, record
from accounts.admin_lists import Lookups
from chat.metering.budgets import standing
from chat.models import Budget


@admin.register(Budget)
class BudgetAdmin(Noted, Lookups):
    list_display = ("organization", "tokens", "period", "used", "updated_at")
    list_select_related = ("organization",)
    search_fields = ("^organization__name",)
    search_help_text = _("The id of an organization, or the beginning of its name")
    id_fields = ("organization_id",)
    spoken_by = ("tokens", "period")
    ordering = ("-id",)
    autocomplete_fields = ("organization",)
    fields = ("organization", "tokens", "period", "used", "reserved", "left")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """What is counted is not edited, nor whose the budget is."""
        return ("organization", "used", "reserved", "left") if obj else ("used", "reserved", "left")

    def note(self, request: HttpRequest, row: Budget, change: str, fields: list[str]) -> None:
        """What it is now."""
        if change == DELETED:
            record(request, "budget.removed", row, row.organization_id)
        else:
            record(request, "budget.set", row, row.organization_id, tokens=row.tokens, period=row.period)

    @admin.display(description=_("reserved"))
    def reserved(self, budget: Budget) -> int:
        """For the runs that are open."""
        return standing(budget).reserved if budget.pk else 0

    @admin.display(description=_("left"))
    def left(self, budget: Budget) -> int:
        """What new runs may reserve."""
        return standing(budget).left if budget.pk else 0
