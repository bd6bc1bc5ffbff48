"""The fill of folded titles: of rows that a version before them has written. Sync."""

from typing import Any

from django.conf import settings

from accounts.folding import folded
from chat.models import Chat, Task

TABLES: dict[str, Any] = {"titles of chats folded": Chat, "titles of tasks folded": Task}


class Folding:
    """One round: a batch of rows a step, until there are none."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(TABLES, 0)

    def step(self) -> bool:
        """Fold some titles. False: there is none left."""
        for name, table in TABLES.items():
            rows = table._default_manager.filter(title_folded=None)
            if found := list(rows.values_list("pk", "title")[: settings.CLEANUP_BATCH]):
                for pk, title in found:  # a title that was changed meanwhile was folded by who changed it
                    rows.filter(pk=pk, title=title).update(title_folded=folded(title))
                self.counts[name] += len(found)
                return True
        return False
