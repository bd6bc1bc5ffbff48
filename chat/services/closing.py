"""Closing an account: in one transaction nothing opens to its person any more, nothing says who they were, and their
chats are out of every answer. What is then left to erase takes longer: chat.services.people.Leaving. Sync."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from accounts.models import (
    ApiKey,
    ExternalIdentity,
    IdempotencyKey,
    Invitation,
    Membership,
    ProjectMember,
    SignIn,
    Ticket,
    User,
)
from accounts.organizations.services import end_membership
from accounts.sign_in.sign_ins import forget_sessions
from chat.bus import notices
from chat.models import Chat, Schedule
from chat.services.removing import keep_person_if_held, put_away_chats

WAYS_IN = (SignIn, Ticket, ApiKey, ExternalIdentity, OutstandingToken, IdempotencyKey, ProjectMember)
GONE = "Deleted person"


def close(person: User, shared: QuerySet[Chat], *, by: Any) -> None:
    """Close the account. `shared`: those of the person's chats that others see, who are told.

    `by`: who does it, for the audit log.
    """
    keep_person_if_held(person)
    for id in shared.values_list("pk", flat=True):
        notices.tell(id, deleted_by=person.pk)
    put_away_chats(Chat.objects.filter(user=person))
    Schedule.objects.filter(owner=person).update(is_on=False, next_at=None)
    forget_sessions(person)
    for membership in Membership.objects.filter(user=person):
        end_membership(membership, by=by)
    Invitation.objects.filter(email=person.email).delete()
    for rows in WAYS_IN:
        rows._default_manager.filter(user=person).delete()
    _blank(person)


def _blank(person: User) -> None:
    """Leave a row that is nobody's: the ids that point to it lead to no name."""
    row = User.objects.get(pk=person.pk)
    row.email, row.name, row.language = address_of_nobody(row), GONE, ""
    row.is_active = row.is_staff = row.is_superuser = False
    row.organization, row.last_login, row.deleted_at = None, None, timezone.now()
    row.set_password(None)
    row.save()
    row.groups.clear()
    row.user_permissions.clear()


def address_of_nobody(row: User) -> str:
    """One that nobody signs in with."""
    return f"deleted-{row.pk}@deleted.invalid"
