"""How many of a kind people may make, so that nothing of theirs grows without bound."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from accounts.errors import Conflict


def require_room(rows: QuerySet[Any], setting: str, what: str, where: str) -> None:
    """Raise Conflict where there are as many rows as the setting allows; 0 is no limit. One query.

    Several at the same instant may go over it by their number.
    """
    if is_full(rows, setting):
        most = getattr(settings, setting)
        told = f"There are {most} {what} already, which is as many as one {where} may have. Delete one first."
        raise Conflict(told, code=f"too_many_{what.lower().replace(' ', '_')}")


def is_full(rows: QuerySet[Any], setting: str) -> bool:
    """Whether there are as many rows as the setting allows. One query, none where it is 0."""
    most = int(getattr(settings, setting))
    return bool(most) and rows.order_by()[most - 1 : most].values("pk").exists()
