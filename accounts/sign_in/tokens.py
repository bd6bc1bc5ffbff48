"""Our JSON Web Tokens: access (bearer), refresh (once) and cookie. Each is good for its own use only.

All carry `ver`, the user's token_version: raising that makes all of them worthless at once; and `sid`, the sign-in they
came of, which accounts.sign_in.ended ends alone. simplejwt signs and checks
them (one algorithm, issuer, audience, type, times); what it leaves open is closed here.
"""

import functools
from datetime import timedelta
from typing import Any, Self, TypeVar
from uuid import UUID, uuid4

from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenError
from rest_framework_simplejwt.tokens import Token

from accounts.models import User

Backend = TypeVar("Backend", bound=TokenBackend)
JWT: dict[str, Any] = settings.SIMPLE_JWT
TOKEN_MAX_CHARS = 4096  # ours are shorter than 500; what is longer is not even decoded


class OurToken(Token):
    """A token of one user."""

    @classmethod
    def of(cls, user: User) -> Self:
        """A new one for the user as they are now: of the sign-in they came by, or of a new one."""
        token = cls()
        token["user_id"] = str(user.pk)
        token["ver"] = user.token_version
        token["sid"] = str(user.sign_in or uuid4())
        if user.signed_in_until is not None:
            token["until"] = user.signed_in_until
            token["exp"] = min(token["exp"], user.signed_in_until)
        if user.signed_in_by is not None:
            token["idp"] = str(user.signed_in_by)
        return token

    @classmethod
    def read(cls, raw: str) -> Self:
        """The token that the text spells. Raises TokenError unless it is a valid one of this very type."""
        if len(raw) > TOKEN_MAX_CHARS:
            raise TokenError("Token is too long")
        try:
            token = cls(raw)  # type: ignore[arg-type]  # simplejwt names the wrong type
        except (RecursionError, ValueError) as error:  # what its JSON or times can do before the signature is checked
            raise TokenError("Token is invalid") from error
        if not isinstance(token.get("user_id"), str) or not isinstance(token.get("ver"), int):
            raise TokenError("Token names no user")
        if token.get("sid") is not None and not _is_uuid(token["sid"]):
            raise TokenError("Token names no sign-in")
        if token.get("until") is not None and not isinstance(token["until"], int):
            raise TokenError("Token names no end")
        if token.get("idp") is not None and not _is_uuid(token["idp"]):
            raise TokenError("Token names no provider")
        return token

    @property
    def sign_in(self) -> UUID | None:
        """The sign-in it came of; none for one that is older than these ids."""
        return UUID(self["sid"]) if self.get("sid") else None

    @property
    def user_id(self) -> UUID:
        """Whose it is."""
        return UUID(self["user_id"])

    @property
    def until(self) -> int | None:
        """When the sign-in ends that it came of; none for one that goes on as long as it is refreshed."""
        until: int | None = self.get("until")
        return until

    @property
    def provider(self) -> UUID | None:
        """The identity provider by whose word the sign-in began; none for a password's."""
        return UUID(self["idp"]) if self.get("idp") else None

    def get_token_backend(self) -> TokenBackend:
        """Signs with JWT_SIGNING_KEY; reads what that or JWT_PREVIOUS_KEY has signed."""
        return _backend()


def _is_uuid(text: Any) -> bool:
    try:
        return isinstance(text, str) and bool(UUID(text))
    except ValueError:
        return False


class AccessToken(OurToken):
    token_type = "access"
    lifetime: timedelta | None = JWT["ACCESS_TOKEN_LIFETIME"]


class RefreshToken(OurToken):
    token_type = "refresh"
    lifetime: timedelta | None = JWT["REFRESH_TOKEN_LIFETIME"]


class CookieToken(OurToken):
    """Worth something in the cookie only: as a bearer token it is refused, so a copied cookie starts no API client."""

    token_type = "cookie"
    lifetime = timedelta(seconds=settings.COOKIE_LIFETIME_S)


class KeyRing(TokenBackend):
    """Signs with the newest key and reads with each, so that a key can be changed without signing everybody out."""

    previous: TokenBackend | None = None

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """The claims. Raises TokenBackendError."""
        try:
            return super().decode(token, verify)
        except TokenBackendError:
            if self.previous is None:
                raise
            return self.previous.decode(token, verify)


@functools.cache
def _backend() -> KeyRing:
    ring = _with_key(KeyRing, JWT["SIGNING_KEY"])
    if settings.JWT_PREVIOUS_KEY:
        ring.previous = _with_key(TokenBackend, settings.JWT_PREVIOUS_KEY)
    return ring


def _with_key(kind: type[Backend], key: str) -> Backend:
    return kind(JWT["ALGORITHM"], key, audience=JWT["AUDIENCE"], issuer=JWT["ISSUER"], leeway=JWT["LEEWAY"])
