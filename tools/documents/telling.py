"""Who is told that a document has changed: functions handed down from above, called in the transaction."""

from collections.abc import Callable
from uuid import UUID

Told = Callable[[UUID, int], None]  # project, version
TOLD: list[Told] = []


def tell(project_id: UUID, version: int) -> None:
    """Tell all of them; each sends after the commit."""
    for each in TOLD:
        each(project_id, version)
