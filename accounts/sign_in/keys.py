"""API keys: for programs that speak as one person, in one organization, at the doors that the key's scopes name.

A key is shown once, when it is made; only its hash is stored, and how it begins, so that people can tell keys apart.
Whoever brings one has the rights of its maker as they are now, and never more.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import get_random_string

from accounts import audit
from accounts.counts import require_room
from accounts.errors import NotAuthenticated, refuse
from accounts.models import ApiKey, Organization, Role, User
from accounts.permissions import PERMISSIONS, role_in
from accounts.sign_in.hashed import hash_of
from accounts.sign_in.scopes import FOR_ADMINS, SCOPES

PREFIX = "pk_"
SECRET_CHARS = 43  # of 62: 256 bits, which no hash but a plain one is needed for
SHOWN_CHARS = len(PREFIX) + 8
LIFETIME = timedelta(days=365)  # where nothing else is asked for
NAME_MAX_CHARS = 150
USED_EVERY = timedelta(minutes=1)  # how exact last_used_at is


@transaction.atomic
def create_key(
    *, user: User, organization: Organization, scopes: Sequence[str], name: str, expires_at: datetime | None,
    by: Any = None,
) -> tuple[ApiKey, str]:  # fmt: skip
    """A new key of the user's own, and its text: the only time that it is there to be read. `by`: who made it, if not
    they.

    Raises Invalid for a scope there is not, or that is not for them, a name that is none, an end in the past, somebody
    who is no member. Conflict where they have as many as one person may.
    """
    check(scopes, name, expires_at)
    role = role_in(user, organization=organization)
    if role is None:
        raise refuse("organization", "Expected one that the person is a member of.")
    require_scopes(user, role, scopes)
    theirs = ApiKey.objects.filter(user=user).live()
    require_room(theirs, "API_KEYS_PER_PERSON", "API keys", "person")
    token = PREFIX + get_random_string(SECRET_CHARS)
    ordered = [each for each in SCOPES if each in scopes]
    key = ApiKey.objects.create(
        key_hash=hash_of(token),
        prefix=token[:SHOWN_CHARS],
        name=name.strip(),
        user=user,
        organization=organization,
        scopes=ordered,
        expires_at=expires_at,
    )
    _note("key.made", key, by or user, scopes=ordered)
    return key, token


def check(scopes: Sequence[str], name: str, expires_at: datetime | None) -> None:
    """Raise Invalid unless these are what a key may have."""
    if not scopes or not set(scopes) <= set(SCOPES):
        raise refuse("scopes", f"Expected one or more of: {', '.join(SCOPES)}.")
    if not 1 <= len(name.strip()) <= NAME_MAX_CHARS or not name.isprintable():
        raise refuse("name", f"Expected a text of 1 to {NAME_MAX_CHARS} printable characters.")
    if expires_at is not None and expires_at <= timezone.now():
        raise refuse("expires_at", "Expected a time to come.")


def require_scopes(user: User, role: Role | None, scopes: Sequence[str]) -> None:
    """Raise Invalid for a scope that asks for more than they are: whether they still are it is looked at each time."""
    if FOR_ADMINS & set(scopes) and not (user.is_staff or (role and "admin" in PERMISSIONS[role])):
        raise refuse(
            "scopes", f"{', '.join(sorted(FOR_ADMINS))}: Expected an operator, or an admin of the organization."
        )


def find(token: str) -> ApiKey:
    """The live key that the text is, with its user; that it was used is noted. Raises NotAuthenticated.

    One query, and a second one once a minute.
    """
    key = ApiKey.objects.live().select_related("user").filter(key_hash=hash_of(token)).first()
    if key is None:
        raise NotAuthenticated("The API key does not hold: it is unknown, revoked or expired.")
    _note_use(key)
    return key


def holds(key: ApiKey) -> bool:
    """Whether the key still opens what it did."""
    return ApiKey.objects.live().filter(pk=key.pk).exists()


@transaction.atomic
def revoke(keys: Sequence[ApiKey], *, by: Any = audit.SYSTEM) -> int:
    """End the keys, at once and for good; how many of them had not been ended before. `by`: who does it."""
    count = 0
    for key in keys:
        if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
            _note("key.revoked", key, by)
            count += 1
    return count


def _note(action: str, key: ApiKey, by: Any, **more: Any) -> None:
    audit.record(
        action, actor=by, organization_id=key.organization_id, object_type="key", object_id=key.pk,
        detail={"user": key.user_id, **more},
    )  # fmt: skip


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    unnoted = Q(last_used_at=None) | Q(last_used_at__lt=now - USED_EVERY)
    if key.last_used_at is None or key.last_used_at < now - USED_EVERY:
        ApiKey.objects.filter(unnoted, pk=key.pk).update(last_used_at=now)
