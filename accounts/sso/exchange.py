"""Token exchange (RFC 8693): a registered backend's signed word on who its user is, for a pair of tokens of ours."""

import time
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from accounts.models import IdentityProvider, User
from accounts.sign_in import noting
from accounts.sign_in.pairs import Pair, new_pair
from accounts.sign_in.tokens import AccessToken
from accounts.sso import once, people, providers, reading
from accounts.sso.errors import TokenRefused

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT = "urn:ietf:params:oauth:token-type:jwt"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


def verified(assertion: str) -> tuple[IdentityProvider, dict[str, Any]]:
    """The backend that has signed it, and its claims. Raises TokenRefused, ProviderDown."""
    return providers.verified(assertion, _claims, accepts_assertions=True)


def exchanged(provider: IdentityProvider, claims: dict[str, Any]) -> Pair:
    """Tokens for the person whom they name, made on the way. Raises Refused, and then nothing was made."""
    with transaction.atomic():
        once.use_token(provider, claims, claims["exp"])
        pair = new_pair(begun(provider, people.person_of(provider, claims)))
        noting.signed_in(pair.user)
        return pair


def begun(provider: IdentityProvider, user: User) -> User:
    """The person at the beginning of a new sign-in, which lasts as long as the provider's row says, and is there."""
    user.sign_in, user.signed_in_until = uuid4(), int(time.time()) + provider.session_s
    user.signed_in_by = provider.pk
    return user


def _claims(provider: IdentityProvider, assertion: str) -> dict[str, Any]:
    claims = reading.claims_of(
        provider,
        assertion,
        audience=reading.audience_of(provider),
        required=("exp", "iat", "sub", "jti"),
        takes_secret=True,
    )
    if claims["exp"] - claims["iat"] > settings.SSO_ASSERTION_MAX_S:
        told = f"It lives longer than {settings.SSO_ASSERTION_MAX_S} s: make one for each exchange."
        raise TokenRefused(told, is_signed=True)
    return claims


def expires_in(pair: Pair) -> int:
    """For how many seconds its access token holds."""
    return max(0, int(AccessToken.read(pair.access)["exp"] - time.time()))
