"""Access tokens of other issuers, as bearer tokens: of providers whose row says accepts_bearer.

That one holds is remembered for KEPT_S by its hash, so that a page of requests costs one signature; who it is, is asked
of the database each time.
"""

import time
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db.models import Q, QuerySet
from redis.exceptions import RedisError

from accounts.models import IdentityProvider, User
from accounts.sign_in.hashed import hash_of
from accounts.sso import people, providers, reading
from accounts.sso.errors import TokenRefused

KEPT_S = 60
# Not of rows for assertions: those go through many hands before they are used, and are good for one exchange alone.
WANTED = {"accepts_bearer": True, "accepts_assertions": False}


def is_foreign(raw: str, own: str) -> bool:
    """Whether it says that another issuer than `own` made it."""
    try:
        return reading.issuer_of(raw) != own
    except TokenRefused:
        return False


def user_of(raw: str) -> User:
    """The person whom the token names. Raises Refused."""
    name = f"sso:{hash_of(raw)}"
    if kept := _kept(name):
        user = _person(UUID(kept[0]), *kept[1:]).first()
        if user is not None:
            return user
    provider, claims = providers.verified(raw, _claims, **WANTED)
    user = people.person_of(provider, claims, needs_email=bool(provider.domains))
    _keep(name, (str(provider.pk), claims["sub"], int(claims["iat"])), claims["exp"])
    return user


def _claims(provider: IdentityProvider, raw: str) -> dict[str, Any]:
    return reading.claims_of(provider, raw, audience=reading.audience_of(provider))


def _person(provider: UUID, subject: str, issued_at: int) -> QuerySet[User]:
    """Whom it named, if they and their provider are still there, and it did not sign them out since."""
    made = people.at(issued_at)
    is_in = Q(external_identities__signed_out_at=None) | Q(external_identities__signed_out_at__lt=made)
    return User.objects.filter(
        is_in,
        is_active=True,
        is_staff=False,
        is_superuser=False,
        external_identities__provider=provider,
        external_identities__subject=subject,
        external_identities__provider__is_active=True,
        **{f"external_identities__provider__{name}": value for name, value in WANTED.items()},
    )


def _kept(name: str) -> tuple[str, str, int] | None:
    try:
        found = cache.get(name)
    except RedisError:
        return None
    return tuple(found) if found else None


def _keep(name: str, what: tuple[str, str, int], until: float) -> None:
    seconds = min(KEPT_S, int(until - time.time()))
    try:
        if seconds > 0:
            cache.set(name, list(what), seconds)
    except RedisError:
        return
