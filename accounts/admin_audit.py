"""What operators do in the admin is in the audit log too: in the transaction that does it, by what the row is."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts import audit

if TYPE_CHECKING:  # generic for the type checker only
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = object

MADE, CHANGED, DELETED = "made", "changed", "deleted"


class Noted(ModelAdmin):
    """A table whose rows are made, changed or deleted here; named before the others, so that it comes first."""

    def note(self, request: HttpRequest, row: Any, change: str, fields: list[str]) -> None:
        """Write down that the row was made, changed or deleted, within the transaction that does it."""
        raise NotImplementedError

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store it, and that it was."""
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            if not change or form.changed_data:
                self.note(request, obj, CHANGED if change else MADE, sorted(form.changed_data))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete it, and say so."""
        with transaction.atomic():
            self.note(request, obj, DELETED, [])
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """The same of many."""
        with transaction.atomic():
            for row in queryset:
                self.note(request, row, DELETED, [])
            super().delete_queryset(request, queryset)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Store the rows beside it, and say of each what was done."""
        with transaction.atomic():
            super().save_formset(request, form, formset, change)
            for row in formset.new_objects:
                self.note_beside(request, row, MADE, [])
            for row, fields in formset.changed_objects:
                self.note_beside(request, row, CHANGED, sorted(fields))
            for row in formset.deleted_objects:
                self.note_beside(request, row, DELETED, [])

    def note_beside(self, request: HttpRequest, row: Model, change: str, fields: list[str]) -> None:
        """The same of a row that is edited on this one's page."""


def record(
    request: HttpRequest, action: str, row: Model, organization_id: UUID | None, *, kind: str = "", **detail: Any
) -> None:
    """Write down what an operator did to the row. `kind`: what it is called there, if not as its table."""
    audit.record(
        action, actor=audit.operator(request.user), organization_id=organization_id,
        object_type=kind or str(row._meta.model_name), object_id=row.pk, detail=detail,
    )  # fmt: skip
