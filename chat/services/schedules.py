"""Schedules: making, changing and deleting them, and beginning one by hand. Sync.

Whoever sees a chat sees its schedules; they are changed by whose they are alone, who needs write where they lead.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.counts import require_room
from accounts.errors import Conflict, Invalid, NotAllowed, NotFound, refuse
from accounts.models import User
from accounts.permissions import Permissions, permissions_in, require
from chat import due, gate
from chat.access import get_chat, permissions_on
from chat.metering import rates
from chat.models import OPEN, SCHEDULED, Chat, Run, Schedule
from chat.run_request import RunRequest
from chat.services import rules
from chat.services.chats import create_chat
from chat.services.messages import lock_chat
from chat.services.policies import place, project_of
from chat.services.runs import start_run

ONE = "Expected one of chat, project and organization."
TIMES = frozenset({"cron", "time_zone", "is_on"})  # what a change of sets its next time anew
SWITCHED_OFF = {"is_on": False}  # what whose it is may always do


def get_schedule(user: User, id: UUID) -> Schedule:
    """The schedule, if the user sees it. Raises NotFound."""
    found = Schedule.objects.visible_to(user).select_related("owner").filter(pk=id).first()
    if found is None:
        raise NotFound
    return found


@transaction.atomic
def create_schedule(
    *, user: User, prompt: str, cron: str, time_zone: str, chat: UUID | None = None, project: UUID | None = None,
    organization: UUID | None = None, **more: Any,
) -> Schedule:  # fmt: skip
    """Make a schedule for a chat; or for a project or an organization, where each of its times begins a new chat.

    Needs write there, and a plan with schedules. Raises Conflict where the user has as many as one may.
    """
    where = _place(user, chat, project, organization)
    if user.is_guest:
        raise NotAllowed("A guest has no schedules.")
    require(_permissions(user, where), "write")
    gate.require_feature(where.organization_id, "schedules")
    require_room(Schedule.objects.filter(owner=user), "SCHEDULES_PER_PERSON", "schedules", "person")
    _set(where, {"prompt": prompt, "cron": cron, "time_zone": time_zone, **more})
    where.next_at = _armed(where)
    where.save(force_insert=True)
    note("schedule.made", where, by=user, **{name: id for name, id in (("chat", chat), ("project", project)) if id})
    return where


@transaction.atomic
def change_schedule(*, user: User, schedule: Schedule, **changes: Any) -> Schedule:
    """Set its title, prompt, archetype, times, or switch it off or on again, from now on.

    `scheduled.change` does so too, and sees to the times before.
    """
    row = _own(user, schedule)
    was_on = row.is_on
    if changes != SWITCHED_OFF:
        require(_permissions(user, row), "write")
    _set(row, changes)
    if TIMES & changes.keys():
        row.next_at = _armed(row)
        if not (was_on and row.is_on):
            row.error, row.failed_at = "", None
    row.save(update_fields=[*changes, "next_at", "error", "failed_at", "updated_at"])
    note("schedule.changed", row, by=user, fields=sorted(changes))
    return row


@transaction.atomic
def delete_schedule(*, user: User, schedule: Schedule) -> None:
    """Delete it. What its runs have said stays."""
    row = _own(user, schedule)
    note("schedule.deleted", row, by=user)
    row.delete()


def begin_now(*, user: User, schedule: Schedule) -> Schedule:
    """Begin a run of it now, besides its times. Raises Conflict while its last one is not over, TooMany."""
    rates.take(user, schedule, user.key)
    with transaction.atomic():
        if schedule.chat is not None:
            lock_chat(schedule.chat)  # before the schedule's row, as whoever deletes a chat does
        row = _own(user, schedule)
        if is_under_way(row):
            raise Conflict("Its last run is not over.", code="run_open", fields={"run": [str(row.last_run_id)]})
        row.last_run = begin(row)
        row.last_at, row.error, row.failed_at = timezone.now(), "", None
        row.save(update_fields=["last_run", "last_at", "error", "failed_at", "updated_at"])
    return row


def begin(schedule: Schedule) -> Run:
    """Begin its run, as its owner would by sending the prompt. Within a transaction."""
    gate.require_feature(schedule.organization_id, "schedules")
    chat = schedule.chat or _new_chat(schedule)
    ask = RunRequest(
        content=schedule.prompt,
        archetype=schedule.archetype or None,
        door=SCHEDULED,
        request={"schedule": str(schedule.pk)},
    )
    return start_run(user=schedule.owner, chat=chat, ask=ask)


def is_under_way(schedule: Schedule) -> bool:
    """Whether its last run waits or works: then no other begins."""
    last = schedule.last_run_id
    return last is not None and Run.objects.filter(pk=last, status__in=OPEN).exists()


def may_begin(schedule: Schedule) -> bool:
    """Whether its owner may still write where it leads, with their rights of now."""
    return schedule.owner.is_active and "write" in _permissions(schedule.owner, schedule)


def note(action: str, schedule: Schedule, *, by: Any, **detail: Any) -> None:
    """Tell the audit log."""
    audit.record(
        action, actor=by, organization_id=schedule.organization_id, object_type="schedule", object_id=schedule.pk,
        detail=detail,
    )  # fmt: skip


def _new_chat(schedule: Schedule) -> Chat:
    """Without its place's workflow: nobody is there to answer the steps."""
    choices: dict[str, Any] = {"archetype": schedule.archetype} if schedule.archetype else {}
    return create_chat(
        user=schedule.owner,
        organization=schedule.organization_id,
        project=schedule.project_id,
        takes_default=False,
        title=schedule.title,
        **choices,
    )


def _place(user: User, chat: UUID | None, project: UUID | None, organization: UUID | None) -> Schedule:
    """A schedule that leads there, not saved. Raises Invalid where none or several are named, NotFound."""
    named = {"chat": chat, "project": project, "organization": organization}
    given = [name for name, id in named.items() if id is not None]
    if len(given) != 1:
        wrong = given or ["chat"]
        raise Invalid(f"{wrong[0]}: {ONE}", fields={name: [ONE] for name in wrong})
    if chat is not None:
        found = _chat(user, chat)
        return Schedule(owner=user, chat=found, organization_id=found.organization_id)
    if project is not None:
        inside = project_of(user, project)
        return Schedule(owner=user, project=inside, organization=inside.organization)
    assert organization is not None
    return Schedule(owner=user, organization=place(user, organization))


def _chat(user: User, id: UUID) -> Chat:
    try:
        return get_chat(user, id)
    except NotFound:
        raise NotFound(fields={"chat": ["There is no such chat, or you may not see it."]}) from None


def _permissions(user: User, schedule: Schedule) -> Permissions:
    """What the user may do where it leads."""
    if schedule.chat is not None:
        return permissions_on(user, schedule.chat)
    return permissions_in(user, organization=schedule.organization_id, project=schedule.project_id)


def _own(user: User, schedule: Schedule) -> Schedule:
    """The row as it is now, locked. Raises NotAllowed for who only sees it, NotFound where it is gone."""
    if schedule.owner_id != user.pk:
        raise NotAllowed("Only whose schedule it is may change it.")
    rows = Schedule.objects.select_for_update(of=("self",)).select_related("chat", "owner")
    row = rows.filter(pk=schedule.pk).first()
    if row is None:
        raise NotFound
    return row


def _set(schedule: Schedule, values: dict[str, Any]) -> None:
    """Raises Invalid."""
    for name, value in values.items():
        setattr(schedule, name, _checked(name, value))
    if schedule.chat_id is None and not schedule.title:
        raise refuse("title", "Expected a title: each time begins a chat that is called so.")


def _checked(name: str, value: Any) -> Any:
    match name:
        case "title":
            return rules.check_title(value)
        case "prompt":
            return rules.check_text(value, "prompt")
        case "archetype":
            return rules.check_archetype(value) if value else ""
        case "cron":
            return due.check_cron(rules.check_storable(value, "cron"), settings.SCHEDULES_LEAST_S)
        case "time_zone":
            return due.check_zone(value)
        case _:
            return value


def _armed(schedule: Schedule) -> datetime | None:
    """When it is due next; None while it is off. Behind what was taken already, if by a clock that is ahead of ours."""
    if not schedule.is_on:
        return None
    after = max(each for each in (timezone.now(), schedule.last_at, schedule.missed_last_at) if each is not None)
    return due.next_time(schedule.cron, due.check_zone(schedule.time_zone), after)
