"""Keeping what operators did, and why."""

from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model
from django.http import HttpRequest


def keep(request: HttpRequest, row: Model, what: str, reason: str = "") -> None:
    """Write down who did it to this row. Call it in the transaction that does it."""
    assert request.user.pk is not None, "the admin lets nobody in who is not signed in"
    LogEntry.objects.log_actions(
        user_id=request.user.pk,
        queryset=[row],
        action_flag=CHANGE,
        change_message=f"{what}: {reason}" if reason else what,
        single_object=True,
    )
