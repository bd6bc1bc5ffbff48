"""A person who still has something that others may need is not deleted in passing, as by `user.delete()` in a shell."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, models


class StillNeeded(IntegrityError):
    """A deletion of people would take their chats, or what they had done in other people's, along."""

    def __init__(self, table: str, count: int) -> None:
        super().__init__(
            f"{count} {table} would go with the people who are deleted, those that others see too. "
            "manage.py hand_over gives a person's chats to somebody else; "
            "manage.py delete_person says what goes with a person and, with --yes, deletes it."
        )


class StillHeld(IntegrityError):
    """A deletion would take a chat along that a hold keeps."""

    def __init__(self, chat: UUID) -> None:
        super().__init__(f"Chat {chat} is kept by a hold. `manage.py hold` lists them and releases one.")


def refuse(collector: Any, field: Any, rows: Any, using: str) -> None:
    """An `on_delete`: where there are rows, whoever deletes says first what becomes of them. Raises StillNeeded.

    Django's PROTECT does the same, and names neither.
    """
    table: type[models.Model] = field.model
    raise StillNeeded(str(table._meta.verbose_name_plural), len(rows))
