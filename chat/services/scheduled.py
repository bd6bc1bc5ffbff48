"""Schedules that are due: each due time begins one run, or is told as missed or refused. Sync.

The run, its messages and the schedule's next time are stored together, while the schedule's row is locked and its time
is still the one that was seen. Who dies before that has begun nothing; who dies after it leaves a run whose lease
lapses, and another process goes on with it.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.db import AWAY
from accounts.errors import NotFound, RequestError
from accounts.models import User
from chat import due
from chat.models import Schedule
from chat.services.messages import lock_chat
from chat.services.schedules import TIMES, begin, change_schedule, is_under_way, may_begin, note
from chat.webhooks import telling

log = logging.getLogger(__name__)

BEGUN, MISSED, REFUSED, OFF = "runs begun", "times missed", "times refused", "switched off"
KINDS = (BEGUN, MISSED, REFUSED, OFF)
NO_RIGHTS = "Switched off: whose schedule it is may not write there any more."
BY_OPERATOR = "Switched off by an operator."
NEVER_AGAIN = "Switched off: it is never due again."
UNREADABLE = "Switched off: its times or its time zone cannot be read any more."
OUR_FAULT = "Something went wrong on our side."


def due_ids(now: datetime, at_most: int) -> list[UUID]:
    """Those that are due, the longest due first."""
    rows = Schedule.objects.filter(is_on=True, next_at__lte=now).order_by("next_at")
    return list(rows.values_list("pk", flat=True)[:at_most])


def change(*, user: User, schedule: Schedule, **changes: Any) -> Schedule:
    """As `change_schedule`. A time that has come already is begun before, or missed if it is switched off now."""
    if schedule.owner_id == user.pk and TIMES & changes.keys():
        take_turn(schedule.pk, timezone.now(), begins=changes.get("is_on", True))
    return change_schedule(user=user, schedule=schedule, **changes)


def take_turn(id: UUID, now: datetime, *, begins: bool = True) -> Counter[str]:
    """Do what is due of a schedule; what that was. Raises where the database is away: then it is still due.

    `begins`: whether it may begin a run; else all its times that have come are missed.
    """
    try:
        return _take_turn(id, now, begins=begins)
    except AWAY:
        raise
    except RequestError as error:
        why = error.message
    except Exception:
        log.exception("schedule %s could not begin its run", id)
        why = OUR_FAULT
    return _take_turn(id, now, begins=begins, refused=why)


@transaction.atomic
def _take_turn(id: UUID, now: datetime, *, begins: bool, refused: str = "") -> Counter[str]:
    """`refused`: it was tried, and this is why it did not go."""
    schedule = _locked(id, now)
    if schedule is None:
        return Counter()  # somebody was quicker
    turn = _turn(schedule, now, begins)
    if turn is None:
        return _switch_off(schedule, UNREADABLE)
    if not may_begin(schedule):
        return _switch_off(schedule, NO_RIGHTS)
    if not _move_on(schedule, turn):
        return Counter()
    done = Counter({MISSED: len(turn.missed)}) + _begin(schedule, turn.begin, refused)
    return done if turn.next_at else done + _switch_off(schedule, NEVER_AGAIN)


def _turn(schedule: Schedule, now: datetime, begins: bool) -> due.Turn | None:
    """What is to be done of it; None where its times cannot be read."""
    assert schedule.next_at is not None, "it is due"
    try:
        turn = due.turn(schedule.cron, schedule.time_zone, schedule.next_at, now, settings.SCHEDULES_LATE_S)
    except Exception:  # stored by another version, or with other time zones: it must hold up no other
        log.exception("schedule %s cannot be read", schedule.pk)
        return None
    if turn.begin is not None and (not begins or is_under_way(schedule)):
        return due.Turn(None, (*turn.missed, turn.begin), turn.next_at)
    return turn


def _begin(schedule: Schedule, due_at: datetime | None, refused: str) -> Counter[str]:
    """Begin its run for that due time, if there is one, or write down why it did not go."""
    if due_at is None:
        return Counter()
    if refused:
        _row(schedule).update(error=refused, failed_at=due_at)
        telling.schedule_failed(schedule, is_off=False)
        return Counter({REFUSED: 1})
    _row(schedule).update(last_run=begin(schedule), last_at=due_at, error="", failed_at=None)
    return Counter({BEGUN: 1})


def _locked(id: UUID, now: datetime) -> Schedule | None:
    """The schedule if it is due, locked; its chat before it, as whoever deletes a chat does."""
    rows = Schedule.objects.select_related("chat", "owner")
    seen = rows.filter(pk=id).first()
    if seen is None:
        return None
    try:
        if seen.chat is not None:
            lock_chat(seen.chat)
    except NotFound:
        return None  # deleted just now, and the schedule with it
    return rows.select_for_update(of=("self",)).filter(pk=id, is_on=True, next_at__lte=now).first()


def _move_on(schedule: Schedule, turn: due.Turn) -> bool:
    """Compare and set: False where it is not due at the time that was seen any more."""
    still = _row(schedule).filter(is_on=True, next_at=schedule.next_at)
    return bool(still.update(next_at=turn.next_at, **_missed(schedule, turn.missed)))


def _missed(schedule: Schedule, missed: Sequence[datetime]) -> dict[str, Any]:
    """The columns that name these times; they go on from those before, unless a run was begun since."""
    if not missed:
        return {}
    before = schedule.missed_last_at
    goes_on = before is not None and (schedule.last_at is None or before > schedule.last_at)
    return {
        "missed": len(missed) + (schedule.missed if goes_on else 0),
        "missed_first_at": schedule.missed_first_at if goes_on else missed[0],
        "missed_last_at": missed[-1],
    }


def _switch_off(schedule: Schedule, why: str) -> Counter[str]:
    _row(schedule).update(is_on=False, next_at=None, error=why, failed_at=schedule.next_at)
    note("schedule.switched_off", schedule, by=audit.SYSTEM)
    telling.schedule_failed(schedule, is_off=True)
    return Counter({OFF: 1})


def switch_off_by_hand(schedule: Schedule) -> bool:
    """By an operator: its owner reads so. False where it is off already."""
    return bool(_row(schedule).filter(is_on=True).update(is_on=False, next_at=None, error=BY_OPERATOR, failed_at=None))


def _row(schedule: Schedule) -> Any:
    return Schedule.objects.filter(pk=schedule.pk)
