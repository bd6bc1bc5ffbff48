"""A person's own password: shown to be known, changed, and what a new one must be."""

from collections.abc import Callable

from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts.errors import Conflict, Invalid, refuse
from accounts.models import User

MAX_CHARS = 1024
WRONG = "This is not your password."
NONE_HERE = (
    "You have no password here, as you sign in by other means. An operator can make a link by which you set one."
)
CLOSED = "Passwords are closed for your address: sign in with your organization's identity provider."
_closing: list[Callable[[User], bool]] = []  # rules of the rooms above


def close_for(rule: Callable[[User], bool]) -> None:
    """From now on passwords are closed for whom it says so of, as at signing in. Once in a process."""
    _closing.append(rule)


def may_use_password(user: User) -> bool:
    """Whether a password opens anything to them."""
    return not any(rule(user) for rule in _closing)


def has_password(user: User) -> bool:
    """Whether they can show that it is them by a password: not where there is none, or it opens nothing any more."""
    return user.has_usable_password() and may_use_password(user)


def require_password(request: HttpRequest, user: User, password: str, field: str = "password") -> None:
    """Raise Invalid unless it is the user's; TooMany for who has guessed too often, as when signing in.

    Conflict for who has none, and for whose address passwords are closed.
    """
    if not user.has_usable_password():
        raise Conflict(NONE_HERE, code="no_password")
    if not may_use_password(user):
        raise Conflict(CLOSED, code="password_closed")
    if (
        not password
        or len(password) > MAX_CHARS
        or authenticate(request, username=user.email, password=password) != user
    ):
        raise refuse(field, WRONG)


def set_password(user: User, password: str, field: str = "password") -> None:
    """From now on it is the user's. All their sign-ins end. Raises Invalid for one that will not do."""
    check(password, user, field)
    user.set_password(password)
    user.save(update_fields=["password", "token_version"])


def check(password: str, user: User, field: str) -> None:
    """Raise Invalid, with what a better one has."""
    if len(password) > MAX_CHARS:
        raise refuse(field, f"Expected at most {MAX_CHARS} characters.")
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), fields={field: error.messages}) from error
