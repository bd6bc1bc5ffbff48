"""Guests go, with all they said, once what they have has expired; nobody else does."""

from datetime import timedelta

import pytest
from django.test import RequestFactory
from django.utils import timezone

from accounts.errors import NotFound
from accounts.models import User
from accounts.sign_in.guests import ORGANIZATION, new_guest
from chat.models import Chat, Message, RunStatus
from chat.services.guests import guest_of, sweep_guests
from tests.chat.rows import answer

pytestmark = pytest.mark.django_db


def guest(*, expired: bool, status: RunStatus = RunStatus.SUCCEEDED) -> Chat:
    user = new_guest(RequestFactory().post("/agent/chat"))
    now = timezone.now()
    User.objects.filter(pk=user.pk).update(created_at=now - timedelta(days=3))
    chat = Chat.objects.create(
        organization_id=ORGANIZATION,
        user=user,
        model="m",
        archetype="generalist",
        expires_at=now + timedelta(hours=-1 if expired else 1),
    )
    answer(chat, user, status)
    return chat


def test_expired_guests_go_with_their_chats_and_others_stay(chat: Chat, alice: User) -> None:
    answer(chat, alice)
    gone, stays, works = guest(expired=True), guest(expired=False), guest(expired=True, status=RunStatus.QUEUED)
    assert sweep_guests() == 1
    assert set(Chat.objects.all()) == {chat, stays, works}
    assert not Message.objects.filter(chat=gone.pk).exists()
    assert set(User.objects.filter(is_guest=True)) == {stays.user, works.user}


def test_a_guest_is_found_by_their_chat_until_it_expires(chat: Chat) -> None:
    assert guest_of((mine := guest(expired=False)).pk) == mine.user
    for other in (chat, guest(expired=True)):
        with pytest.raises(NotFound):
            guest_of(other.pk)


def test_nobody_signs_in_as_a_guest() -> None:
    user = guest(expired=False).user
    assert not user.has_usable_password() and not user.check_password("")
