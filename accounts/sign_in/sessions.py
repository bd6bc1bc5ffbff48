"""Browsers sign in and out at the page and in the admin: Django's signals tell of both."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import transaction
from django.http import HttpRequest

from accounts.models import User
from accounts.sign_in import noting
from accounts.sign_in.sign_ins import begin_session, end_before, end_session


def watch() -> None:
    """From now on each session's sign-in is listed. Once in a process."""
    user_logged_in.connect(_signed_in)
    user_logged_out.connect(_signed_out)


@transaction.atomic
def _signed_in(request: HttpRequest, user: User, **more: Any) -> None:
    end_before(request)
    begin_session(request, user)
    noting.signed_in(user)


@transaction.atomic
def _signed_out(request: HttpRequest, user: User | None, **more: Any) -> None:
    if user is not None and user.pk is not None:  # not of somebody who has just deleted themselves
        end_session(request)
        noting.signed_out(user.pk)
