"""The cookie `access_token`: a sign-in for clients that can send no header, like EventSource on our own origin."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from accounts.models import User
from accounts.sign_in.tokens import CookieToken

NAME = "access_token"
YEAR_S = 31_536_000  # as long as static/chat/shell.js keeps a choice


def has_cookie(request: HttpRequest) -> bool:
    """Whether the request brought it, good or bad."""
    return NAME in request.COOKIES


def set_cookie(response: HttpResponseBase, user: User) -> None:
    """Give the browser a sign-in for COOKIE_LIFETIME_S that scripts cannot read and other sites cannot send."""
    response.set_cookie(
        NAME,
        str(CookieToken.of(user)),
        max_age=settings.COOKIE_LIFETIME_S,
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Lax",
    )


def keep_language(response: HttpResponseBase, language: str) -> None:
    """Make this the language that was chosen in the browser."""
    response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, max_age=YEAR_S, samesite="Lax")


def forget_cookie(response: HttpResponseBase) -> None:
    """Tell the browser to drop it."""
    response.delete_cookie(NAME, samesite="Lax")
