"""What the audit log is told of signing in and out. Sync; within the transaction of what it tells of, if there is one.

A sign-in is told to the organization whose the person is; who is in several, or in none, to the operators alone.
"""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.audit.models import ActorKind
from accounts.models import Membership, User
from accounts.sign_in import tries

NOBODY = audit.Actor(ActorKind.PERSON)  # somebody, who has not shown who they are


def home_of(user_id: UUID) -> UUID | None:
    """The only organization that the person is in. One query."""
    found = list(Membership.objects.filter(user=user_id).values_list("organization", flat=True)[:2])
    return found[0] if len(found) == 1 else None


def signed_in(user: User) -> None:
    """By a password, or (signed_in_by) by a provider's word."""
    by = user.signed_in_by
    _of(user.pk, "signin.sso" if by else "signin.ok", audit.Actor(ActorKind.PERSON, user.pk), provider=by)


def signed_out(user_id: UUID, *, by: Any = None, **more: Any) -> None:
    """They ended a sign-in of theirs, or somebody (`by`) did."""
    _of(user_id, "signout", by or audit.Actor(ActorKind.PERSON, user_id), **more)


@transaction.atomic
def sign_out_everywhere(user: User, *, by: Any, **more: Any) -> None:
    """End all that they are signed in to. `by`: themselves, or who may."""
    user.end_sessions()
    signed_out(user.pk, by=by, everywhere=True, **more)


def password_changed(user: User, *, by: Any, by_link: bool = False) -> None:
    """They have another one. `by`: themselves, or who may."""
    _of(user.pk, "password.changed", by, by_link=by_link or None)


def link_made(user: User, *, by: Any) -> None:
    """Somebody who may made a link by which the person sets a password."""
    _of(user.pk, "password.link_made", by)


def reused(user_id: UUID) -> None:
    """A used refresh token came again, and ended all of the person's sign-ins."""
    _of(user_id, "token.reused", NOBODY)


def failed(email: str, *, outcome: str = "failed") -> None:
    """A password was wrong. Written whether somebody has the address or not, so that it takes the same time."""
    id, place = _whose(email)
    _apart("signin.failed", id, place, outcome)


def locked(email: str, client: str) -> None:
    """There were too many of them. Once for each window: who goes on trying must not fill the log."""
    if tries.is_first("signin.locked", f"{email} {client}", window_s=settings.LOGIN_WINDOW_S):
        id, place = _whose(email)
        _apart("signin.locked", id, place, "refused")


def _whose(email: str) -> tuple[UUID | None, UUID | None]:
    """Who has the address, and the only organization that they are in. One query."""
    rows = User.objects.filter(email=email.strip().lower(), is_guest=False)
    found = list(rows.values_list("pk", "memberships__organization")[:2])
    return (found[0][0] if found else None, found[0][1] if len(found) == 1 else None)


def _apart(action: str, id: UUID | None, place: UUID | None, outcome: str) -> None:
    about = {"object_type": "user", "object_id": id} if id else {}
    audit.apart(action, actor=NOBODY, organization_id=place, outcome=outcome, **about)


def _of(user_id: UUID, action: str, actor: Any, **detail: Any) -> None:
    told = {name: value for name, value in detail.items() if value is not None}
    audit.record(
        action, actor=actor, organization_id=home_of(user_id), object_type="user", object_id=user_id, detail=told
    )
