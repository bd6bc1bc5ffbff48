"""An answer to a waiting call that comes again with its Idempotency-Key, after its run has ended."""

import time
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from accounts.errors import KeyReused
from accounts.models import User
from agents import events as ev
from agents.usage import Usage
from chat.doors.answering import Answered, answered
from chat.doors.asking import Answer
from chat.models import Chat, Run, RunStatus
from tests.chat.rows import answer, append, ask_for

pytestmark = pytest.mark.django_db
YES = [Answer("call_9", is_allowed=True)]


def posted(key: str = "k", body: str = "{}") -> HttpRequest:
    headers = {"Idempotency-Key": key} if key else {}
    return RequestFactory().post("/api/chat", body, content_type="application/json", headers=headers)


def send(user: User, chat: Chat, request: HttpRequest) -> Answered | None:
    return answered(request, user, chat, YES, {})


@pytest.fixture
def ended(chat: Chat, alice: User) -> Run:
    """A run that was answered with the key, and has ended since; the chat has gone on."""
    run = answer(chat, alice, RunStatus.WAITING)
    ask_for(run, "call_9", permission="write", risk="write")
    assert send(alice, chat, posted()) is not None
    append(run, ev.RunCompleted(at=time.time(), reason="stop", usage=Usage()))
    Run.objects.filter(pk=run.pk).update(status=RunStatus.SUCCEEDED)
    return run


def test_it_gets_the_rest_of_its_run_again(ended: Run, chat: Chat, alice: User) -> None:
    again = send(alice, chat, posted())
    assert again is not None and again.reader.run.pk == ended.pk
    assert isinstance(again.seen[-1].event, ev.ApprovalRequested)
    assert again.reader.after is not None and again.reader.after.seq == again.seen[-1].seq


def test_also_once_another_run_is_at_work(ended: Run, chat: Chat, alice: User) -> None:
    answer(chat, alice, RunStatus.RUNNING)
    again = send(alice, chat, posted())
    assert again is not None and again.reader.run.pk == ended.pk


@pytest.mark.parametrize("key", ["", "another"])
def test_without_the_key_nothing_waits_for_it(ended: Run, chat: Chat, alice: User, key: str) -> None:
    assert send(alice, chat, posted(key)) is None


def test_with_another_body_the_key_is_refused(ended: Run, chat: Chat, alice: User) -> None:
    with pytest.raises(KeyReused):
        send(alice, chat, posted(body='{"x": 1}'))


def test_another_person_has_keys_of_their_own(ended: Run, chat: Chat, bob: User, charlie: Any) -> None:
    assert [send(each, chat, posted()) for each in (bob, charlie)] == [None, None]
