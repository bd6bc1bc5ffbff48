"""What the pages of history share: rows that the program writes are shown, found and never changed by hand."""

from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.admin_lists import Lookups

# How a row leads to its chat, by the first of its fields that does.
TO_CHAT = {"chat": "chat__", "message": "message__chat__", "run": "run__chat__"}


class History(Lookups):
    """A table to look at."""

    hides_deleted = True  # rows of chats that were deleted, and that a hold keeps

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows, but those of chats that were deleted: what a hold keeps, it keeps from everybody."""
        path = path_to_deletion(self.model) if self.hides_deleted else None
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows if path is None else rows.filter(**{path: None})

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody adds one by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes one."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes one here: that would leave messages, events and counts that do not agree."""
        return False


def path_to_deletion(model: type[Model]) -> str | None:
    """From a row to when its chat was deleted; None of rows that are of no chat."""
    if model._meta.label == "chat.Chat":
        return "deleted_at"
    names = {field.name for field in model._meta.fields}
    return next((f"{to}deleted_at" for name, to in TO_CHAT.items() if name in names), None)
