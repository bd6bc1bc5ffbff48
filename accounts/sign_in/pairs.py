"""Signing in with tokens: a pair of access and refresh token, the next pair for a refresh token, and the end of one.

A refresh token works once (`BlacklistedToken` says it was used) and only while its row is there. Who brings a used one
within REUSE_GRACE_S is most likely a second tab and is told to try again with the new one; later it is somebody who
has stolen one, or was stolen from: then all of the user's tokens and sessions end.

Signing out ends the sign-in: every token that came of the same password, at once (accounts.sign_in.ended).
The user's other devices stay signed in; a change of password ends everything.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.utils import datetime_from_epoch

from accounts.errors import Conflict, NotAuthenticated, RequestError
from accounts.models import IdentityProvider, User
from accounts.sign_in import ended, noting
from accounts.sign_in.sign_ins import note_tokens
from accounts.sign_in.tokens import AccessToken, RefreshToken

REUSE_GRACE_S = 10
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pair:
    """What a client signs in with from now on."""

    user: User
    access: str
    refresh: str


def new_pair(user: User, agent: str = "") -> Pair:
    """Tokens for the user as they are now: of the sign-in they came by, or of a new one.

    `agent`: how the program that asks calls itself, for their list of sign-ins.
    """
    user.sign_in = user.sign_in or uuid4()
    refresh = RefreshToken.of(user)
    OutstandingToken.objects.create(
        user=user,
        jti=refresh["jti"],
        token="",  # it is a secret, and nobody reads it here
        created_at=refresh.current_time,
        expires_at=datetime_from_epoch(refresh["exp"]),
    )
    note_tokens(user, agent)
    return Pair(user=user, access=str(AccessToken.of(user)), refresh=str(refresh))


def next_pair(raw: str, agent: str = "") -> Pair:
    """The next pair for a refresh token, which is used up: of many who bring it at once, one gets it.

    Raises NotAuthenticated; Conflict for who came second, within the grace.
    """
    token = _read(raw)
    with transaction.atomic():
        row = _row(token)
        # One-to-one with the token: the database picks the winner, the others wait here and find the row.
        use, is_first = BlacklistedToken.objects.get_or_create(token=row)
        if is_first:
            return new_pair(_user(token), agent)
    raise _refusal(token, row, use)


def sign_out(raw: str) -> RefreshToken:
    """End the sign-in that it is of, also if it was used already. Raises NotAuthenticated for what is none."""
    token = _read(raw)
    row = _row(token)
    with transaction.atomic():
        ended.end(token)
        BlacklistedToken.objects.get_or_create(token=row)
        # It has ended on purpose: bringing it again is a late tab, no theft.
        OutstandingToken.objects.filter(pk=row.pk).update(expires_at=timezone.now())
    return token


def _read(raw: str) -> RefreshToken:
    try:
        return RefreshToken.read(raw)
    except TokenError:
        raise NotAuthenticated("This refresh token does not hold. Sign in again.") from None


def _row(token: RefreshToken) -> OutstandingToken:
    row = OutstandingToken.objects.filter(jti=token["jti"], user_id=token["user_id"]).first()
    if row is None:
        raise NotAuthenticated("This refresh token has ended. Sign in again.")
    return row


def _user(token: RefreshToken) -> User:
    named = User.objects.filter(pk=token["user_id"], is_active=True, token_version=token["ver"])
    user = ended.signed_in(named, token.sign_in).first()
    if user is None or (token.provider and not _vouches(token.provider, user)):
        raise NotAuthenticated("This refresh token has ended. Sign in again.")
    user.sign_in, user.signed_in_until, user.signed_in_by = token.sign_in, token.until, token.provider
    return user


def _vouches(provider: UUID, user: User) -> bool:
    """Whether the provider's row is there and on, and still knows the person, who has not become an operator."""
    rows = IdentityProvider.objects.filter(pk=provider, is_active=True, accepts_assertions=True)
    return rows.filter(identities__user=user).exists() and not (user.is_staff or user.is_superuser)


def _refusal(token: RefreshToken, row: OutstandingToken, use: BlacklistedToken) -> RequestError:
    """What to tell who brings a refresh token that was used before."""
    now = timezone.now()
    if row.expires_at > now:  # neither signed out nor expired
        if use.blacklisted_at > now - timedelta(seconds=REUSE_GRACE_S):
            return Conflict("This refresh token was just used: refresh again with the new one.", code="refresh_again")
        _end_everything(token)
    return NotAuthenticated("This refresh token was used before. Sign in again.")


@transaction.atomic
def _end_everything(token: RefreshToken) -> None:
    """End all tokens, cookies and sessions of the user, once: the ones of after that are not the thief's."""
    user = User.objects.filter(pk=token["user_id"], token_version=token["ver"])
    if user.update(token_version=F("token_version") + 1):
        log.warning("A used refresh token came again: user %s is signed out everywhere", token["user_id"])
        noting.reused(token.user_id)
