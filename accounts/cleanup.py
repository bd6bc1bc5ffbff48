"""What accounts leave behind that is of no use any more, by kind. Sync; each batch is one short transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from accounts.models import EndedSignIn, IdempotencyKey, Invitation, SignIn, Ticket, UsedAssertion


@dataclass(frozen=True)
class Kind:
    """One kind of leftovers: which rows are due now, the oldest first, and how they are removed, by primary key.

    `remove` says how many it really removed: of a row that is in use again by now, it leaves its hands off.
    """

    name: str
    due: Callable[[], QuerySet[Any]]
    remove: Callable[[Sequence[Any]], int] | None = None  # None: just delete them

    def batch(self, at_most: int) -> int:
        """Remove some; how many. 0: there are none, or none that can be had now."""
        keys = list(self.due().values_list("pk", flat=True)[:at_most])
        if not keys:
            return 0
        return self.remove(keys) if self.remove else self._delete(keys)

    def _delete(self, keys: Sequence[Any]) -> int:
        with transaction.atomic():
            rows = self.due().order_by().filter(pk__in=keys)
            _, counts = rows.delete()
        return counts.get(rows.model._meta.label, 0)


def _tickets() -> QuerySet[Any]:
    return Ticket.objects.filter(expires_at__lt=timezone.now()).order_by("expires_at")


def _refresh_tokens() -> QuerySet[Any]:
    """One without its row is refused, as an expired one is."""
    return OutstandingToken.objects.filter(expires_at__lt=timezone.now()).order_by("expires_at")


def _ended_sign_ins() -> QuerySet[Any]:
    return EndedSignIn.objects.filter(expires_at__lt=timezone.now()).order_by("expires_at")


def _sign_ins() -> QuerySet[Any]:
    return SignIn.objects.filter(expires_at__lt=timezone.now()).order_by("expires_at")


def _browser_sessions() -> QuerySet[Any]:
    return Session.objects.filter(expire_date__lt=timezone.now()).order_by("expire_date")


def _idempotency_keys() -> QuerySet[Any]:
    until = timezone.now() - timedelta(seconds=settings.IDEMPOTENCY_LIFETIME_S)
    return IdempotencyKey.objects.filter(created_at__lt=until).order_by("created_at")


def _used_assertions() -> QuerySet[Any]:
    return UsedAssertion.objects.filter(expires_at__lt=timezone.now()).order_by("expires_at")


def _invitations() -> QuerySet[Any]:
    return Invitation.objects.filter(expires_at__lt=timezone.now()).order_by("expires_at")


KINDS = (
    Kind("tickets", _tickets),
    Kind("refresh tokens", _refresh_tokens),
    Kind("ended sign-ins", _ended_sign_ins),
    Kind("used assertions", _used_assertions),
    Kind("sign-ins", _sign_ins),
    Kind("invitations", _invitations),
    Kind("browser sessions", _browser_sessions),
    Kind("idempotency keys", _idempotency_keys),
)
