"""The fill of folded titles and names: of rows that a version before them has written. Sync."""

from typing import Any

from django.conf import settings

from accounts.folding import folded, folds
from accounts.models import Organization, Project, User
from chat.models import Chat, Task

TABLES: dict[str, Any] = {
    "titles of chats folded": Chat,
    "titles of tasks folded": Task,
    "names of people folded": User,
    "names of organizations folded": Organization,
    "names of projects folded": Project,
}


class Folding:
    """One round: a batch of rows a step, until there are none."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(TABLES, 0)

    def step(self) -> bool:
        """Fold some. False: there is none left."""
        for name, table in TABLES.items():
            if count := _fill(table):
                self.counts[name] += count
                return True
        return False


def _fill(table: Any) -> int:
    """How many rows were filled."""
    (column,) = folds(table)
    rows = table._default_manager.filter(**{column.name: None})
    found = list(rows.values_list("pk", column.of)[: settings.CLEANUP_BATCH])
    for pk, text in found:  # what was changed meanwhile was folded by who changed it
        rows.filter(pk=pk, **{column.of: text}).update(**{column.name: folded(text)})
    return len(found)
