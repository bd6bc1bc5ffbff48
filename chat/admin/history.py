"""What the pages of history share: rows that the program writes are shown, found and never changed by hand."""

from django.db.models import Model
from django.http import HttpRequest

from accounts.admin_lists import Lookups


class History(Lookups):
    """A table to look at."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody adds one by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes one."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes one here: that would leave messages, events and counts that do not agree."""
        return False
