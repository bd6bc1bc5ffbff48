"""What operators do to runs, as services: stop, re-drive, release; and what they are told may happen twice."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.errors import Conflict, Invalid
from accounts.models import Membership, User
from agents.archetypes import registry
from chat.eventlog import read
from chat.models import Chat, Message, MessageStatus, Run, RunStatus, ToolCall
from chat.services import operating
from tests.chat.rows import answer

pytestmark = pytest.mark.django_db


def call(run: Run, id: str, name: str, status: str) -> None:
    ToolCall.objects.create(run=run, call=id, name=name, status=status, arguments={}, called_at=timezone.now())


@pytest.fixture
def operator(db: None) -> User:
    """Somebody who looks after the installation, and is in no organization."""
    return User.objects.create_superuser("root@example.com")


@pytest.mark.parametrize("status", [RunStatus.QUEUED, RunStatus.WAITING])
def test_a_run_that_nobody_executes_ends_as_it_is_stopped(
    status: RunStatus, chat: Chat, alice: User, operator: User
) -> None:
    run = answer(chat, alice, status)
    operating.stop_run(operator=operator, run=run)
    run.refresh_from_db()
    last = read(run.pk)[-1]
    assert (run.status, last.type, last.by) == ("cancelled", "run.cancelled", str(operator.pk))


def test_a_running_one_is_asked_to_stop(chat: Chat, alice: User, operator: User) -> None:
    run = answer(chat, alice, RunStatus.RUNNING)
    operating.stop_run(operator=operator, run=run)
    run.refresh_from_db()
    assert run.cancel_requested_at and run.cancel_requested_by == operator
    ended = answer(Chat.objects.create(organization=chat.organization, user=alice, model="m", archetype="a"), alice)
    with pytest.raises(Conflict):
        operating.stop_run(operator=operator, run=ended)


def test_a_re_driven_run_stands_beside_the_old_one_and_acts_for_the_same_person(chat: Chat, bob: User) -> None:
    Chat.objects.filter(pk=chat.pk).update(sharing="project", project_access="write")
    old = answer(chat, bob, RunStatus.FAILED)
    Run.objects.filter(pk=old.pk).update(
        archetype="project_navigator", temperature=0.1, door="threads", options={"instructions": "Be brief."}
    )
    old.refresh_from_db()
    before = Run.objects.filter(pk=old.pk).values().get()
    new = operating.redrive_run(run=old)
    same = ("chat", "user", "input", "archetype", "model", "temperature", "door", "options", "request")
    assert [getattr(new, name) for name in same] == [getattr(old, name) for name in same]
    assert (
        new.pk != old.pk
        and new.message.parent == old.message.parent
        and new.status in (RunStatus.QUEUED, RunStatus.RUNNING)
    )
    assert Run.objects.filter(pk=old.pk).values().get() == before
    assert Message.objects.get(pk=old.message_id).status == MessageStatus.FAILED


def test_what_cannot_be_answered_again_is_refused(chat: Chat, alice: User, bob: User) -> None:
    ended = answer(chat, alice, RunStatus.FAILED)
    Run.objects.filter(pk=ended.pk).update(model="a-model-of-old")
    with pytest.raises(Invalid):
        operating.redrive_run(run=ended)
    Run.objects.filter(pk=ended.pk).update(model=chat.model)
    Message.objects.filter(pk=ended.input_id).update(status=MessageStatus.DELETED)
    with pytest.raises(Conflict, match="deleted"):
        operating.redrive_run(run=ended)
    theirs = answer(chat, bob, RunStatus.FAILED)
    with pytest.raises(Conflict, match="may not write"):
        operating.redrive_run(run=theirs)  # the chat is private
    mine = answer(chat, alice, RunStatus.FAILED)
    Membership.objects.filter(user=alice).delete()
    with pytest.raises(Conflict, match="may not write"):
        operating.redrive_run(run=mine)
    with pytest.raises(Conflict, match="not over"):
        operating.redrive_run(run=answer(chat, alice, RunStatus.RUNNING))
    assert Run.objects.filter(chat=chat).count() == 4


def test_a_lease_is_taken_away_once(chat: Chat, alice: User) -> None:
    run = answer(chat, alice, RunStatus.RUNNING)
    Run.objects.filter(pk=run.pk).update(owner=uuid.uuid4(), lease_expires_at=timezone.now() + timedelta(seconds=8))
    run.refresh_from_db()
    stale = Run.objects.get(pk=run.pk)
    operating.release_run(run=run)
    assert Run.objects.filter(pk=run.pk, status="running", owner=None, lease_expires_at=None, attempt=1).exists()
    with pytest.raises(Conflict):
        operating.release_run(run=stale)
    Run.objects.filter(pk=run.pk).update(owner=uuid.uuid4(), attempt=2)
    with pytest.raises(Conflict):
        operating.release_run(run=stale)  # another attempt holds it by now


def test_what_may_run_twice_is_said_by_name(chat: Chat, alice: User) -> None:
    tools = {tool.name: tool.permission for each in registry.every() for tool in each.tools}
    assert (tools["read_file"], tools["write_file"]) == ("read", "write"), "needs one of each to mean something"
    run = answer(chat, alice, RunStatus.RUNNING)  # has a call of read_file in flight
    call(run, "call_2", "write_file", "returned")
    call(run, "call_3", "write_file", "called")
    call(run, "call_4", "write_file", "refused")
    call(run, "call_5", "a_tool_of_the_clients", "called")
    found = operating.calls_of(run)
    assert [each.call for each in found.in_flight] == ["call_1", "call_3", "call_5"]
    assert [each.call for each in found.repeatable] == ["call_1", "call_3"]
    assert [each.call for each in found.effects] == ["call_2", "call_3", "call_5"]
