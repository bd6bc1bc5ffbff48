"""Tickets: for readers that can send no header (EventSource, WebSocket). One use, one minute, for one run or chat.

A ticket comes in the address, where logs may see it: so it opens little, once and soon, and only its hash is stored.
"""

import secrets
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.errors import NotAuthenticated
from accounts.models import EndedSignIn, Ticket, User
from accounts.sign_in.hashed import hash_of


def make(user: User, *, origin: str, run_id: UUID | None = None, chat_id: UUID | None = None) -> str:
    """A new ticket for the user to read that run, or that chat with all its runs.

    `origin` is the Origin that it has to come back with; empty when no browser asked. Whether the user may see the
    run or chat was checked by the caller, and is checked again where it is used.
    """
    token = secrets.token_urlsafe(32)
    Ticket.objects.create(
        token_hash=hash_of(token),
        user=user,
        token_version=user.token_version,
        sign_in=user.sign_in,
        run_id=run_id,
        chat_id=chat_id,
        origin=origin,
        expires_at=timezone.now() + timedelta(seconds=settings.TICKET_LIFETIME_S),
    )
    return token


def redeem(token: str, *, run_id: UUID | None, chat_id: UUID | None, origin: str) -> User:
    """The ticket's user; the ticket is used up. Raises NotAuthenticated, and then it is not.

    The last step is one conditional UPDATE: of many who bring it at once, one comes in.
    """
    ticket = _find(token, run_id, chat_id, origin)
    if ticket is None or not _use(ticket):
        raise NotAuthenticated("The ticket does not hold: it is for one use, one minute and one run. Get a new one.")
    return ticket.user


def _find(token: str, run_id: UUID | None, chat_id: UUID | None, origin: str) -> Ticket | None:
    holding = Ticket.objects.select_related("user").filter(
        ~Exists(EndedSignIn.objects.filter(pk=OuterRef("sign_in"))), _is_for(run_id, chat_id), token_hash=hash_of(token)
    )
    ticket = holding.first()
    if ticket is None or ticket.origin not in ("", origin):
        return None
    user = ticket.user
    user.sign_in = ticket.sign_in
    return ticket if user.is_active and user.token_version == ticket.token_version else None


def _is_for(run_id: UUID | None, chat_id: UUID | None) -> Q:
    if run_id is None and chat_id is None:
        return Q(pk__in=[])  # a route that takes no ticket
    wanted = Q(pk__in=[])
    if run_id is not None:
        wanted |= Q(run_id=run_id)
    if chat_id is not None:
        wanted |= Q(chat_id=chat_id)
    return wanted


def _use(ticket: Ticket) -> bool:
    now = timezone.now()
    return Ticket.objects.filter(pk=ticket.pk, used_at=None, expires_at__gt=now).update(used_at=now) == 1
