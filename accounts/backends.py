"""The one check of a password, for tokens, the sign-in page and the admin: so its limit holds at all three."""

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.errors import NotAllowed, TooMany
from accounts.models import User
from accounts.sign_in import noting
from accounts.sign_in import tries as limits
from accounts.sign_in.passwords import CLOSED
from accounts.sso.providers import may_use_password


class LimitedBackend(ModelBackend):
    """Django's own, which takes the same time for an unknown address, with a limit on failures.

    They count for (address, client) and for the client alone: who guesses from elsewhere cannot lock a person out.
    A try is counted before it is made, so that many at once do not slip through, and given back when it succeeds.
    The client is the socket's peer; behind a proxy, the server (uvicorn's FORWARDED_ALLOW_IPS) names whom to believe.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """The user, or None. Raises TooMany; NotAllowed where the address's provider is the only way in."""
        if request is None:  # not from outside: a command, a test
            return self._check(request, username, password, **kwargs)
        client = request.META.get("REMOTE_ADDR", "")
        tries = (
            ("login", f"{(username or '').strip().lower()} {client}", settings.LOGIN_MAX_FAILURES),
            ("login-ip", client, settings.LOGIN_MAX_FAILURES_PER_IP),
        )
        try:
            for name, whom, limit in tries:
                limits.take(name, whom, limit=limit, window_s=settings.LOGIN_WINDOW_S)
        except TooMany:
            noting.locked(username or "", client)
            raise
        user = self._check(request, username, password, **kwargs)
        if user is None:
            noting.failed(username or "")
        else:
            for name, whom, _ in tries:
                limits.give_back(name, whom, window_s=settings.LOGIN_WINDOW_S)
            if not may_use_password(user):  # told to who knows the password alone
                noting.failed(user.email, outcome="refused")
                raise NotAllowed(CLOSED, code="password_closed")
        return user

    def _check(
        self, request: HttpRequest | None, username: str | None, password: str | None, **kwargs: Any
    ) -> User | None:
        user = super().authenticate(request, username=username, password=password, **kwargs)
        return user if isinstance(user, User) else None
