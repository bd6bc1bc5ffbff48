"""What may be brought once, over all processes: assertions, logout tokens, the states of sign-ins."""

import time
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from accounts.models import IdentityProvider, UsedAssertion
from accounts.sign_in.hashed import hash_of
from accounts.sso.errors import TokenRefused

LATE_S = 60  # kept so much longer than it holds: clocks differ


def use(provider: IdentityProvider, name: str, until: float) -> bool:
    """Whether nobody brought it before. `until`: when it does not hold any more by itself, in seconds since 1970."""
    ends = datetime.fromtimestamp(until + LATE_S, UTC)
    row = {"provider": provider, "assertion_hash": hash_of(name)}
    return UsedAssertion.objects.get_or_create(**row, defaults={"expires_at": ends})[1]


def use_token(provider: IdentityProvider, claims: dict[str, Any], until: float) -> None:
    """Use the token of these claims up, by its `jti`. Raises TokenRefused."""
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= 255:
        raise TokenRefused("Its id (`jti`) is no text of 1 to 255 characters.")
    if not use(provider, f"jti {jti}", until):
        raise TokenRefused("It was used before: make a new one for each exchange.")


def issued_at(claims: dict[str, Any]) -> float:
    """Its `iat`, within SSO_ASSERTION_MAX_S of now. Raises TokenRefused."""
    found, most = float(claims["iat"]), settings.SSO_ASSERTION_MAX_S
    if found < time.time() - longest_s():
        raise TokenRefused(f"It was made more than {most} s ago (`iat`).")
    return found


def longest_s() -> int:
    """How long after its `iat` a token can be taken."""
    return int(settings.SSO_ASSERTION_MAX_S) + LATE_S
