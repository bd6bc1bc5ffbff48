"""People who go: what goes with them is counted, what others need is handed over, and what is not theirs stays."""

import logging
import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import PROTECT, RESTRICT, ForeignObjectRel, Model, ProtectedError, Q, QuerySet, RestrictedError

from accounts import audit
from accounts.errors import Conflict, NotFound, refuse
from accounts.models import ApiKey, Membership, Organization, Project, Role, User
from accounts.organizations.services import is_last_owner
from accounts.permissions import permissions_in, require
from accounts.sign_in.sign_ins import forget_sessions
from chat import audience
from chat.bus import notices
from chat.models import (
    OPEN,
    Character,
    Chat,
    ChatAlias,
    ChatSession,
    ChatShare,
    HandedOver,
    Hold,
    HoldScope,
    Message,
    Run,
    Schedule,
    Sharing,
    Task,
    UsageRecord,
)
from chat.runner.capacity import BRIEF
from chat.sent import keeping
from chat.services.closing import close
from chat.services.removing import erase_one, free_texts, is_to_keep, keep_if_held, lock
from chat.services.said import erase_next, said_elsewhere
from tools.models import Memory

log = logging.getLogger(__name__)
Counts = Mapping[str, int]  # by kind, in English; kinds of which there is none are left out


def what_goes(row: User | Organization | Project) -> Counts:
    """What is deleted with it, by kind."""
    counted: dict[str, QuerySet[Model]]
    match row:
        case User():
            chats = Chat.objects.filter(user=row, deleted_at=None)
            counted = {
                "memberships": Membership.objects.filter(user=row),
                "API keys": ApiKey.objects.filter(user=row),
                "remembered facts": Memory.objects.filter(user=row),
                "schedules": Schedule.objects.filter(owner=row),
            }
        case Organization():
            chats = Chat.objects.filter(organization=row, deleted_at=None)
            counted = {
                "memberships": Membership.objects.filter(organization=row),
                "projects": Project.objects.filter(organization=row, deleted_at=None),
                "characters": Character.objects.filter(organization=row),
                "tasks": Task.objects.filter(project__organization=row),
                "usage records": UsageRecord.objects.filter(organization=row),
            }
        case Project():
            chats = Chat.objects.filter(project=row, deleted_at=None)
            counted = {"tasks": Task.objects.filter(project=row)}
    counts = {kind: rows.count() for kind, rows in {**_in_chats(chats), **counted}.items()}
    return {kind: count for kind, count in counts.items() if count}


def _in_chats(chats: QuerySet[Chat]) -> dict[str, QuerySet[Model]]:
    return {
        "chats": chats,
        "chats that others see": seen_by_others(chats),
        "messages": Message.objects.filter(chat__in=chats),
        "runs": Run.objects.filter(chat__in=chats),
    }


def seen_by_others(chats: QuerySet[Chat]) -> QuerySet[Chat]:
    """Those of the chats that their project or somebody by name sees too."""
    named = ChatShare.objects.values("chat")
    return chats.filter(Q(sharing=Sharing.PROJECT, project__isnull=False) | Q(pk__in=named))


@transaction.atomic
def hand_over(
    *, source: User, to: User, by: User | None, organization: Organization | None = None, is_operator: bool = False
) -> int:
    """Make the chats of one person, or those in an organization, another's own; how many. `by`: None for a command.
    `is_operator`: they do it as one, in the admin.

    Raises Invalid, naming what is wrong, where the other may not write where the chats are; then nothing has changed.
    """
    if source.pk == to.pk:
        raise refuse("to", "Expected somebody else: the chats are this person's own.")
    chats = Chat.objects.filter(user=source, deleted_at=None)
    chats = chats.filter(organization=organization) if organization else chats
    _require_places(chats, to)
    _require_readable(chats, to)
    ids = list(chats.select_for_update().order_by("pk").values_list("pk", flat=True))
    for hold in Hold.objects.live().filter(scope=HoldScope.USER, subject=source.pk):
        HandedOver.objects.bulk_create(HandedOver(hold=hold, chat_id=id) for id in ids)
    chats.update(user=to)
    ChatAlias.objects.filter(chat__in=ids, user=source).delete()  # the names are their clients'
    ChatSession.objects.filter(chat__in=ids, user=source).delete()
    ChatShare.objects.filter(chat__in=ids, user=to).delete()
    for id in ids:
        notices.tell(id, has_changed=True)
    where = f" in {organization.pk}" if organization else ""
    actor = by if by is not None and not is_operator else audit.operator(by)
    moved = {"count": len(ids), "from": source.pk, "to": to.pk}
    place = organization.pk if organization else None
    audit.record("chat.handed_over", actor=actor, organization_id=place, detail=moved)
    _note(by or to, source, CHANGE, f"Handed over {len(ids)} chats{where} to {to.pk}{'' if by else ', by command'}")
    return len(ids)


def _require_places(chats: QuerySet[Chat], to: User) -> None:
    """One who may write in the organization may have a lesser role in a project of it."""
    places = chats.order_by().values_list("organization", "project", "organization__name", "project__name").distinct()
    closed = {
        f"{name}, project {inside}" if project else name
        for organization, project, name, inside in places
        if "write" not in permissions_in(to, organization=organization, project=project)
    }
    if closed or not to.is_active:
        told = f"Expected somebody who may write in: {', '.join(sorted(closed)[:10]) or 'any organization'}."
        raise refuse("to", told)


def _require_readable(chats: QuerySet[Chat], to: User) -> None:
    """Raise Conflict where one of them holds what the other may not read."""
    for chat in chats.filter(level__gt=0):
        audience.require_readable(chat, to)


def delete_person(person: User, *, by: User | None) -> Counts:
    """Delete the person with all that is theirs; the counts of it.

    Their account is closed in one transaction: from then on they are in no answer. What that leaves is erased at once,
    where it does not take longer than ERASE_AT_ONCE_S, else by the chore `erasure`; and where a hold is on it, when
    that is released. What they said in other people's chats becomes what ERASE_SHARED says.

    Raises Conflict while a run of theirs is open: stop it first, so that its provider and tools are told. And where
    rows of an own app keep them: what becomes of those is the app's to say.
    """
    id = person.pk
    with transaction.atomic():
        counts = _closed(person, by)
    erase_now(id)
    return counts


def _tell_of_erasure(person: User, actor: Any) -> None:
    audit.record("person.erased", actor=actor, organization_id=None, object_type="user", object_id=person.pk)


def delete_oneself(person: User) -> Counts:
    """The same by the person. Raises Conflict for the last owner of an organization, and for the last superuser."""
    id = person.pk
    with transaction.atomic():
        require_at_rest(person)  # it locks chats, which come before organizations
        require_replaced(person)
        counts = _closed(person, person)
    erase_now(id)
    return counts


def require_replaced(person: User) -> None:
    """Raise Conflict for the last owner of an organization, and for the last superuser. Within a transaction."""
    owned = Membership.objects.filter(user=person, role=Role.OWNER).select_related("organization")
    list(Organization.objects.select_for_update().filter(pk__in=owned.values("organization")).order_by("pk"))
    if alone := [each.organization.name for each in owned if is_last_owner(each)]:
        told = f"You are the last owner of: {', '.join(alone)}. Make somebody else an owner there, or delete it, first."
        raise Conflict(told, code="last_owner")
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=person.pk)
    if person.is_superuser and not others.exists():
        raise Conflict("You are the last superuser: make somebody else one first.", code="last_superuser")


def _closed(person: User, by: User | None) -> Counts:
    require_at_rest(person)
    if not User.objects.filter(pk=person.pk, deleted_at=None).exists():
        raise NotFound
    require_unprotected(person)
    counts = what_goes(person)
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing else"
    _forget_name(person)
    actor = by if by is not None and by.pk == person.pk else audit.operator(by)
    _tell_of_erasure(person, actor)
    close(person, seen_by_others(Chat.objects.filter(user=person, deleted_at=None)), by=actor)
    if by and by.pk != person.pk:
        _note(by, User(pk=person.pk, email=str(person.pk)), DELETION, f"Deleted with {told}")
    return counts


def erase_now(id: UUID) -> None:
    """Erase what is left of somebody whose account is closed, for as long as whoever asked for it may wait."""
    leaving, until = Leaving(id), time.monotonic() + settings.ERASE_AT_ONCE_S
    try:
        while leaving.step() and time.monotonic() < until:
            pass
    except Exception:
        log.exception("What is left of somebody who is gone is left for the chore `erasure`")


class Leaving:
    """The erasing of one who has closed their account, a transaction a step: it may be stopped anywhere, and begun
    again."""

    def __init__(self, id: UUID) -> None:
        self._id = id
        self._later: set[UUID] = set()  # messages that cannot be erased now

    def step(self) -> bool:
        """Erase a chat, or a message in another's, and last the row. False: there is nothing left to do now."""
        if erase_one(Chat.objects.filter(user=self._id)):
            return True
        if (found := erase_next(self._id, self._later)) is not None:
            id, is_done = found
            self._later |= set() if is_done else {id}
            return True
        person = User.objects.filter(pk=self._id, deleted_at__isnull=False).first()
        if person is not None and not self._later and not is_to_keep(person):
            _finish(person)
        return False


@transaction.atomic
def _finish(person: User) -> None:
    for message in said_elsewhere(person.pk):  # it stays, without their name
        keep_if_held(message)
    for message in Message.objects.filter(annotations__user=person).exclude(chat__user=person).distinct():
        keep_if_held(message)  # their notes on it go
    keeping.forget_person(person.pk)
    _keep_what_others_need(person)
    remove(person)
    free_texts().filter(person=person.pk, message=None).delete()


@transaction.atomic
def remove(person: User) -> None:
    """Delete the person's row, with the chats and runs that are theirs. Raises Conflict where rows keep it."""
    forget_sessions(person)
    try:
        Chat.objects.filter(user=person).delete()
        Run.objects.filter(user=person).delete()
        person.delete()
    except ProtectedError as error:
        raise _kept(error.protected_objects) from error
    except RestrictedError as error:
        raise _kept(error.restricted_objects) from error


def require_unprotected(person: User) -> None:
    """Raise Conflict where rows of an own app point to the person by PROTECT or RESTRICT."""
    for relation in User._meta.get_fields(include_hidden=True):  # hidden: those with related_name="+"
        if isinstance(relation, ForeignObjectRel) and relation.on_delete in (PROTECT, RESTRICT):
            rows = relation.related_model._base_manager.filter(**{relation.field.name: person})
            if found := rows.first():
                raise _kept([found])


def _kept(rows: Iterable[Model]) -> Conflict:
    """Which tables keep somebody, and what to do about it."""
    tables = ", ".join(sorted({row._meta.label for row in rows}))
    told = f"Rows of {tables} keep this person. Delete them, or make them somebody else's, and try again."
    return Conflict(told, code="protected")


def require_at_rest(person: User) -> None:
    """Raise Conflict while a run that the person started, or that works in a chat of theirs, is not over."""
    lock(Chat.objects.filter(user=person))
    theirs = Run.objects.filter(Q(user=person) | Q(chat__user=person), status__in=OPEN).exclude(kind__in=BRIEF)
    if (run := theirs.order_by("position").first()) is not None:
        raise Conflict(f"Run {run.pk} is not over. Stop it, then delete the person.", code="run_open")


def _keep_what_others_need(person: User) -> None:
    """Runs in other people's chats stay, as somebody's of whom nothing else is known."""
    kept: tuple[QuerySet[Model], ...] = (
        Run.objects.filter(user=person).exclude(chat__user=person),
        LogEntry.objects.filter(user=person),
    )
    if any(rows.exists() for rows in kept):
        nobody = _nobody()
        for rows in kept:
            rows.update(user=nobody)


def _nobody() -> User:
    """A row for a person who is gone: without name and address, and nobody can sign in as them."""
    id = uuid.uuid4()
    return User.objects.create_user(f"deleted-{id}@deleted.invalid", id=id, name="Deleted person", is_active=False)


def _forget_name(person: User) -> None:
    """The log of interventions goes on to say that something was done to a person, and not to whom."""
    entries = LogEntry.objects.filter(content_type=_table(User), object_id=str(person.pk))
    entries.update(object_repr=str(person.pk))


def _note(by: User, row: User, flag: int, what: str) -> None:
    LogEntry.objects.create(
        user=by, content_type=_table(User), object_id=str(row.pk), object_repr=str(row)[:200], action_flag=flag,
        change_message=what,
    )  # fmt: skip


def _table(model: type[Model]) -> ContentType:
    return ContentType.objects.get_for_model(model)


def former_members(organization: Organization) -> QuerySet[User]:
    """Who is no member any more, and has chats there."""
    there = Chat.objects.filter(organization=organization, deleted_at=None).values("user")
    members = Membership.objects.filter(organization=organization).values("user")
    return User.objects.filter(pk__in=there, is_guest=False).exclude(pk__in=members)


def hand_over_in(organization: Organization, *, source: UUID, to: UUID, by: User) -> int:
    """The same within an organization: one's own, or for an admin those of somebody who has left it."""
    whose = by
    if source != by.pk:
        require(permissions_in(by, organization=organization), "admin")
        left = former_members(organization).filter(pk=source).first()
        if left is None:
            raise refuse("from", "Expected yourself, or somebody who has left the organization and has chats there.")
        whose = left
    target = User.objects.filter(memberships__organization=organization, pk=to).first()
    if target is None:
        raise refuse("to", "Expected a member of the organization.")
    return hand_over(source=whose, to=target, by=by, organization=organization)
