"""Clean-up removes what has expired and nothing else, beside whatever goes on."""

import io
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.models import EndedSignIn, IdempotencyKey, Membership, Organization, SignIn, Ticket, User
from accounts.sign_in import pairs as signin
from accounts.sign_in import tickets
from accounts.sign_in.guests import ORGANIZATION
from chat.models import Chat, ChatSession, LogState, Run, RunEvent, RunStatus
from chat.ops import cleanup
from chat.services.sessions import open_session
from tests.chat.rows import answer

OLD, NEW = timedelta(days=3), -timedelta(days=1)  # ago


def chat_of(user: User, age: timedelta, **fields: object) -> Chat:
    place = fields.pop("organization", None) or user.memberships.get().organization
    return Chat.objects.create(
        user=user, organization=place, model="demo", archetype="generalist", expires_at=timezone.now() - age, **fields
    )


def guest(age: timedelta) -> User:
    place, _ = Organization.objects.get_or_create(pk=ORGANIZATION, defaults={"name": "Guests"})
    made = User.objects.create_user(f"guest-{uuid.uuid4()}@guest.invalid", is_guest=True)
    User.objects.filter(pk=made.pk).update(created_at=timezone.now() - age)
    Membership.objects.create(organization=place, user=made)
    answer(chat_of(made, age), made)
    return made


def leave(user: User, chat: Chat, age: timedelta) -> None:
    """One of each kind, so old."""
    then: datetime = timezone.now() - age
    tickets.make(user, origin="", chat_id=chat.pk)
    Ticket.objects.filter(expires_at__gt=timezone.now(), expires_at__lt=timezone.now() + timedelta(hours=1)).update(
        expires_at=then
    )
    user.sign_in = None
    signin.next_pair(signin.new_pair(user).refresh)
    OutstandingToken.objects.filter(created_at__gt=timezone.now() - timedelta(minutes=1)).update(
        expires_at=then, created_at=then
    )
    SignIn.objects.filter(created_at__gt=timezone.now() - timedelta(minutes=1)).update(expires_at=then, created_at=then)
    EndedSignIn.objects.create(pk=uuid.uuid4(), expires_at=then)
    Session.objects.create(session_key=uuid.uuid4().hex, session_data="", expire_date=then)
    key = IdempotencyKey.objects.create(user=user, key=uuid.uuid4().hex, route="", body_hash="")
    IdempotencyKey.objects.filter(pk=key.pk).update(created_at=then)
    run = answer(chat, user)
    Run.objects.filter(pk=run.pk).update(ended_at=then)
    ChatSession.objects.filter(pk=open_session(user=user, run=run).pk).update(expires_at=then)
    chat_of(user, age, is_listed=False)
    guest(age)


def clean(at_most: int = 1000) -> dict[str, int]:
    clean_up = cleanup.CleanUp(at_most)
    while clean_up.step():
        pass
    return {name: count for name, count in clean_up.counts.items() if count}


EACH = {
    "sessions": 1,
    "expired chats": 2,  # one of them the guest's
    "guests": 1,
    "tickets": 1,
    "refresh tokens": 2,
    "ended sign-ins": 1,
    "sign-ins": 1,
    "browser sessions": 1,
    "idempotency keys": 1,
    "logs with deltas merged": 1,
}


@pytest.mark.parametrize("at_most", [1, 1000])
def test_of_each_kind_the_old_one_goes_and_the_new_one_stays(chat: Chat, alice: User, at_most: int) -> None:
    leave(alice, chat, OLD)
    leave(alice, chat, NEW)
    assert BlacklistedToken.objects.count() == 2
    assert clean(at_most) == EACH
    assert clean(at_most) == {}
    kept = (ChatSession, Ticket, EndedSignIn, SignIn, Session, IdempotencyKey, BlacklistedToken)
    assert [each.objects.count() for each in kept] == [1] * len(kept)
    assert OutstandingToken.objects.count() == 2 and User.objects.filter(is_guest=True).count() == 1
    assert Chat.objects.count() == 3
    assert sorted(Run.objects.filter(chat=chat).values_list("log_state", flat=True)) == ["merged", "whole"]


def test_a_dry_run_counts_and_changes_nothing(chat: Chat, alice: User) -> None:
    leave(alice, chat, OLD)
    told = io.StringIO()
    call_command("cleanup_sessions", "--dry-run", stdout=told)
    lines = dict(reversed(line.strip().split("  ", 1)) for line in told.getvalue().splitlines()[1:])
    assert {name: int(count) for name, count in lines.items() if count != "0"} == EACH | {"guests": 1}
    told = io.StringIO()
    call_command("cleanup_sessions", "--batch", "2", stdout=told)
    assert told.getvalue().splitlines()[1:] == [f"{EACH.get(name, 0):>8}  {name}" for name in lines]
    with pytest.raises(CommandError, match="expected a number from 1"):
        call_command("cleanup_sessions", "--batch", "0")


@pytest.mark.parametrize("status", [RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING])
def test_nothing_is_taken_from_under_an_open_run(chat: Chat, alice: User, status: RunStatus) -> None:
    Chat.objects.filter(pk=chat.pk).update(expires_at=timezone.now() - OLD)
    run = answer(chat, alice, status)
    Run.objects.filter(pk=run.pk).update(ended_at=timezone.now() - OLD)
    visitor = guest(OLD)
    Run.objects.filter(user=visitor).update(status=status)
    assert clean() == {}
    Run.objects.update(status=RunStatus.SUCCEEDED)
    assert clean() == {"expired chats": 2, "guests": 1}


def test_retention_of_logs(chat: Chat, alice: User, settings: Any) -> None:
    run = answer(chat, alice)
    Run.objects.filter(pk=run.pk).update(ended_at=timezone.now() - OLD)
    settings.CHAT_DELTA_RETENTION_S = 0
    assert clean() == {}
    settings.CHAT_LOG_RETENTION_S = timedelta(days=4).total_seconds()
    assert clean() == {}
    settings.CHAT_LOG_RETENTION_S = timedelta(days=2).total_seconds()
    assert clean() == {"logs cut to the answer": 1}
    assert Run.objects.get().log_state == LogState.ANSWER and RunEvent.objects.exists()
