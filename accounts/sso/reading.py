"""Tokens that others have signed: their claims, or why they do not hold. Nothing in a token decides how it is read.

By PyJWT, with the algorithms of the provider's row, and not by its PyJWKClient (docs/decisions/0074).
"""

from collections.abc import Sequence
from typing import Any

import jwt
from django.conf import settings

from accounts.models import IdentityProvider
from accounts.secrets import SecretUnreadable, opened
from accounts.sso.errors import ProviderDown, TokenRefused
from accounts.sso.keys import FAMILIES, matching

MAX_CHARS = 4_096  # of a token that is brought; ID tokens with many groups are longer
MAX_ID_TOKEN_CHARS = 65_536
LEEWAY_S = 10
KEYS_TRIED = 5  # of those that fit
SHARED = "HS256"
SECRET_MIN_BYTES = 32
SUBJECT_MAX_CHARS = 255

# What PyJWT finds, in a sentence each; the first that fits.
REASONS: tuple[tuple[type[Exception], str], ...] = (
    (jwt.ExpiredSignatureError, "It has expired."),
    (jwt.ImmatureSignatureError, "It is from the future: compare the clocks."),
    (jwt.InvalidAudienceError, "It is for another audience (`aud`)."),
    (jwt.InvalidIssuerError, "It is of another issuer (`iss`)."),
    (jwt.InvalidSignatureError, "Its signature is not of this issuer's keys."),
    (jwt.InvalidKeyError, "The key of this issuer is too short or of another kind."),
)


# What it finds once the signature holds.
SIGNED = (
    jwt.ExpiredSignatureError, jwt.ImmatureSignatureError, jwt.InvalidAudienceError, jwt.InvalidIssuedAtError,
    jwt.InvalidIssuerError, jwt.exceptions.InvalidSubjectError, jwt.MissingRequiredClaimError,
)  # fmt: skip


def issuer_of(raw: str, *, most: int = MAX_CHARS) -> str:
    """Whose token it says it is: not believed, it only says whose keys are tried. Raises TokenRefused."""
    found = _unverified(raw, most).get("iss")
    if not isinstance(found, str) or not found.isprintable():
        raise TokenRefused("It names no issuer (`iss`).")
    return found


def audiences_of(raw: str) -> list[str]:
    """For whom it says that it is: not believed either. Raises TokenRefused."""
    found = _unverified(raw, MAX_CHARS).get("aud")
    found = found if isinstance(found, list) else [found]
    return [each for each in found if isinstance(each, str) and each.isprintable()]


def _unverified(raw: str, most: int) -> dict[str, Any]:
    if len(raw) > most:
        raise TokenRefused(f"It is longer than {most:,} characters.")
    try:
        return jwt.decode(raw, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise TokenRefused("It is no JSON Web Token.") from None


def claims_of(
    provider: IdentityProvider,
    raw: str,
    *,
    audience: str,
    required: Sequence[str] = ("exp", "iat", "sub"),
    takes_secret: bool = False,
    most: int = MAX_CHARS,
) -> dict[str, Any]:
    """What the provider has signed. `takes_secret`: its shared secret signs too, where its row says HS256.

    Raises TokenRefused with the reason; ProviderDown where its keys are not to be had.
    """
    issuer_of(raw, most=most)
    refusal = TokenRefused("Its signature is not of this issuer's keys.")
    for algorithm, key in _keys(provider, raw, takes_secret):
        try:
            return _checked(_decoded(provider, raw, algorithm, key, audience, required))
        except jwt.InvalidSignatureError:
            continue
        except jwt.PyJWTError as error:
            raise TokenRefused(_reason(error), is_signed=isinstance(error, SIGNED)) from None
        except (ArithmeticError, ValueError, TypeError, RecursionError):
            raise TokenRefused("It is no JSON Web Token.") from None
    raise refusal


def _keys(provider: IdentityProvider, raw: str, takes_secret: bool) -> list[tuple[str, Any]]:
    try:
        header = jwt.get_unverified_header(raw)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise TokenRefused("It is no JSON Web Token.") from None
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in provider.algorithms or "crit" in header:
        raise TokenRefused("Its algorithm (`alg`) is none of those that are agreed on with this issuer.")
    if algorithm == SHARED and takes_secret and provider.assertion_secret:
        return [(SHARED, secret_in(provider.assertion_secret).encode())]
    if algorithm not in FAMILIES:
        raise TokenRefused("Its algorithm (`alg`) is none of those that are agreed on with this issuer.")
    return [(algorithm, key) for key in matching(provider, algorithm, kid)[:KEYS_TRIED]]


def _decoded(
    provider: IdentityProvider, raw: str, algorithm: str, key: Any, audience: str, required: Sequence[str]
) -> dict[str, Any]:
    return jwt.decode(
        raw,
        key,
        algorithms=[algorithm],
        audience=audience,
        issuer=provider.issuer,
        leeway=LEEWAY_S,
        options={"require": ["iss", "aud", *required], "enforce_minimum_key_length": True},
    )


def _checked(claims: dict[str, Any]) -> dict[str, Any]:
    """The claims, if they are of the kinds that the rest here takes: PyJWT reads times in texts too."""
    for name in ("exp", "iat"):
        if name in claims and (type(claims[name]) not in (int, float) or claims[name] < 0):
            raise TokenRefused(f"Its `{name}` is no number of seconds since 1970.", is_signed=True)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= SUBJECT_MAX_CHARS or not subject.isprintable():
        told = f"Its subject (`sub`) is no text of 1 to {SUBJECT_MAX_CHARS} characters."
        raise TokenRefused(told, is_signed=True)
    return claims


def _reason(error: jwt.PyJWTError) -> str:
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"It has no `{error.claim}`."
    return next((text for kind, text in REASONS if isinstance(error, kind)), "It does not hold.")


def secret_in(sealed: str) -> str:
    """The secret. Raises ProviderDown where it was sealed by a key that is gone: an operator enters it again."""
    try:
        return opened(sealed)
    except SecretUnreadable as error:
        raise ProviderDown(str(error)) from None


def audience_of(provider: IdentityProvider) -> str:
    """What tokens for this server name as their audience."""
    return provider.audience or str(settings.PARLEY_PUBLIC_URL)
