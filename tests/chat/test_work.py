"""Runs that answer nothing: who sees them, how many run at once, what keeps a chat busy."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts.errors import Conflict, NotAllowed, NotFound, TooMany, Unavailable
from accounts.models import Organization, Project, User
from agents import events as ev
from chat.access import get_answer, get_run, permissions_over, sees_place
from chat.doors.trpc.initiate_chat import procedures
from chat.eventlog import Logged, stored
from chat.eventlog.projection import fold
from chat.metering.usage_days import rebuild
from chat.models import Chat, Message, Process, Run, RunStatus, UsageDay
from chat.models.facts import facts_of
from chat.run_request import RunRequest
from chat.runner import capacity, kinds, lease
from chat.runner.ending import Ending, last_events, store_ending
from chat.runner.kinds.base import Broken
from chat.runner.loading import load
from chat.services.chats import delete_chat
from chat.services.runs import cancel_run, start_run
from tests.chat.rows import answer
from tests.chat.working import begin, drills, end

__all__ = ["drills"]  # a fixture


# --- Who sees it ------------------------------------------------------------------------------------------------------


def test_work_of_a_project_is_its_readers_alone(
    api: Callable[[User], Client], alice: User, bob: User, charlie: User, project: Project
) -> None:
    run = begin(alice, project=project)
    for user in (alice, bob):
        shown = api(user).get(f"/api/runs/{run.pk}/").json()
        assert (shown["kind"], shown["chat"], shown["message"], shown["project"]) == (
            "drill",
            None,
            None,
            str(project.pk),
        )
        assert str(run.pk) in [each["id"] for each in api(user).get("/api/runs/").json()["results"]]
        assert sees_place(user, None, project.pk)
    assert api(charlie).get(f"/api/runs/{run.pk}/").status_code == 404
    with pytest.raises(NotFound):
        get_run(charlie, run.pk)
    assert api(charlie).get("/api/runs/").json()["results"] == []
    assert api(charlie).get(f"/api/runs/?project={project.pk}").json()["results"] == []
    assert not permissions_over(charlie, run) and not sees_place(charlie, None, project.pk)
    Run.objects.get(pk=run.pk, status=RunStatus.QUEUED)


def test_work_of_a_private_chat_is_its_readers_alone(
    api: Callable[[User], Client], alice: User, bob: User, chat: Chat
) -> None:
    run = begin(alice, chat=chat)
    assert api(alice).get(f"/api/runs/{run.pk}/").json()["chat"] == str(chat.pk)
    assert api(bob).get(f"/api/runs/{run.pk}/").status_code == 404


def test_who_may_only_read_begins_and_stops_nothing(
    api: Callable[[User], Client], alice: User, bob: User, project: Project
) -> None:
    run = begin(alice, project=project)
    bob.memberships.update(role="viewer")
    assert api(bob).get(f"/api/runs/{run.pk}/").status_code == 200
    for act in (lambda: cancel_run(user=bob, run=run), lambda: begin(bob, project=project)):
        with pytest.raises(NotAllowed):
            act()


def test_a_door_of_answers_finds_no_other_run(alice: User, chat: Chat) -> None:
    run = begin(alice, chat=chat)
    assert get_run(alice, run.pk) == run
    with pytest.raises(NotFound):
        get_answer(alice, run.pk)


# --- What a row must be -----------------------------------------------------------------------------------------------


def test_the_database_lets_no_run_be_neither_answer_nor_work(alice: User, chat: Chat) -> None:
    run = answer(chat, alice)
    for changes in ({"kind": "title"}, {"chat": None}, {"message": None}, {"kind": "title", "input": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Run.objects.filter(pk=run.pk).update(**changes)


def test_one_at_a_time_works_on_a_subject(alice: User, project: Project) -> None:
    first = begin(alice, project=project, subject="main")
    with pytest.raises(Conflict, match=str(first.pk)):
        begin(alice, project=project, subject="main")
    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.bulk_create([Run(**{**row_of(first), "pk": uuid.uuid4()})])
    cancel_run(user=alice, run=first)
    assert begin(alice, project=project, subject="main").pk != first.pk


def row_of(run: Run) -> dict[str, Any]:
    names = ("kind", "organization_id", "project_id", "user_id", "subject", "position", "temperature", "status")
    return {name: getattr(run, name) for name in names}


# --- What keeps a chat busy, and how much runs ------------------------------------------------------------------------


def test_work_in_a_chat_holds_up_no_answer_and_an_answer_no_work(alice: User, chat: Chat) -> None:
    work = begin(alice, chat=chat)
    assert lease.claim_queued(work.pk)
    run = start_run(user=alice, chat=chat, ask=RunRequest(content="Hello", if_busy="reject"))
    assert lease.claim_next(chat.pk) == (run.pk, 1)
    more = begin(alice, chat=chat)
    Run.objects.filter(pk=more.pk).update(created_at=timezone.now() - timedelta(hours=1))
    assert lease.oldest_unclaimed_s() == 0.0, "work that waits for room is no run that nobody takes"
    assert capacity.find_waiting(list(kinds.DRIVERS)) == [(more.pk, 1)]
    Run.objects.filter(pk=run.pk).update(status="queued", created_at=timezone.now() - timedelta(hours=1))
    assert lease.oldest_unclaimed_s() > 3000


def test_so_much_work_runs_at_once_and_so_much_waits(
    settings: Any, alice: User, project: Project, organization: Organization
) -> None:
    settings.WORK_PER_PROJECT, settings.WORK_PER_ORGANIZATION, settings.WORK_QUEUE = 2, 3, 4
    other = Project.objects.create(organization=organization, name="Other")
    here = [begin(alice, project=project) for _ in range(3)]
    there = [begin(alice, project=other)]
    found = capacity.find_waiting(list(kinds.DRIVERS))
    assert [run for run, _ in found] == [here[0].pk, here[1].pk, there[0].pk]
    assert capacity.find_waiting(list(kinds.DRIVERS)) == []
    for _ in range(3):
        begin(alice, project=other)
    with pytest.raises(TooMany) as refused:
        begin(alice, project=other)
    assert refused.value.retry_after_s
    followed = end(here[0], claims=True)
    assert followed.claimed == [(here[2].pk, 1)], "the end of one is the beginning of the next"


def test_a_kind_that_a_running_process_does_not_know_is_not_begun(alice: User, project: Project) -> None:
    old = Process(
        pk=uuid.uuid4(), host="old", pid=1, takes_runs=True, started_at=timezone.now(), seen_at=timezone.now()
    )
    old.save()
    with pytest.raises(Unavailable):
        begin(alice, project=project)
    Process.objects.update(kinds=kinds.known())
    assert begin(alice, project=project).status == RunStatus.QUEUED


def test_a_process_leaves_alone_what_it_has_no_driver_for(alice: User, project: Project) -> None:
    run = begin(alice, project=project)
    assert capacity.find_waiting(["answer", "title"]) == []
    assert lease.claim_queued(run.pk)
    Run.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert lease.find_lying([], ["answer", "title"]) == []
    assert lease.find_lying([], list(kinds.DRIVERS)) == [(run.pk, 2)]


# --- The message that began it ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("queued", "pending"),
        ("running", "building"),
        ("succeeded", "success"),
        ("failed", "error"),
        ("cancelled", "error"),
    ],
)
def test_a_message_tells_how_the_work_stands_that_it_began(
    api: Callable[[User], Client], alice: User, chat: Chat, status: str, told: str
) -> None:
    run = answer(chat, alice)
    work = begin(alice, chat=chat, parent_id=run.pk)
    Run.objects.filter(pk=work.pk).update(status=status)
    shown = api(alice).get(f"/api/messages/{run.message_id}/").json()
    assert shown["work"] == {"run": str(work.pk), "status": status}
    assert procedures._status(Message.objects.get(pk=run.message_id)) == told


def test_an_answer_is_what_its_tools_made(alice: User, chat: Chat) -> None:
    run = answer(chat, alice, RunStatus.RUNNING)
    made = ev.ToolReturned(at=1.0, call="c", name="patch_document", result={}, elapsed_ms=1, makes="patch")
    folded = fold([*(each.event for each in stored(run.pk)), made])
    last = last_events(folded, run.message_id, lambda usage: ev.RunCompleted(at=2.0, reason="stop", usage=usage))
    entries = [Logged(1, seq, each) for seq, each in enumerate(last, stored(run.pk)[-1].seq + 1)]
    store_ending(Ending(facts_of(run), 1, folded, entries, claims_next=False))
    assert Message.objects.get(pk=run.message_id).kind == "patch"


def test_usage_of_work_is_counted_where_it_works(alice: User, project: Project) -> None:
    end(begin(alice, project=project))
    today = timezone.localdate()
    UsageDay.objects.update(day=today)
    Run.objects.update(ended_at=timezone.now())
    rebuild(today, today)
    day = UsageDay.objects.get()
    assert (day.organization_id, day.project_id, day.runs) == (project.organization_id, project.pk, 1)


# --- What people and operators do to it ------------------------------------------------------------------------------


def test_work_is_no_activity_of_its_chat(alice: User, chat: Chat) -> None:
    Chat.objects.update(last_activity_at=timezone.now() - timedelta(hours=1))
    end(begin(alice, chat=chat))
    assert Chat.objects.get().last_activity_at < timezone.now() - timedelta(minutes=59)


def test_a_chat_is_not_deleted_under_work_that_goes_on(alice: User, chat: Chat) -> None:
    run = begin(alice, chat=chat)
    with pytest.raises(Conflict, match=str(run.pk)):
        delete_chat(user=alice, chat=chat)
    cancel_run(user=alice, run=run)
    begin(alice, "title", chat=chat, subject=str(chat.pk), asked={"title": ""})
    delete_chat(user=alice, chat=chat)


def test_work_that_waits_is_stopped_at_once_also_of_a_kind_that_is_unknown_here(alice: User, project: Project) -> None:
    run = begin(alice, project=project)
    Run.objects.filter(pk=run.pk).update(kind="of tomorrow")
    assert cancel_run(user=alice, run=run).status == RunStatus.CANCELLED
    assert [each.event.type for each in stored(run.pk)] == ["run.queued", "run.cancelled"]


@pytest.mark.parametrize("page", ["", "act/stop/?id={}", "?kind=drill"])
def test_the_admin_shows_work_of_no_chat(client: Client, alice: User, project: Project, page: str) -> None:
    run = begin(alice, project=project)
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    client.force_login(User.objects.get(pk=alice.pk))
    address = "/admin/chat/run/" + (page.format(run.pk) if page else f"{run.pk}/change/")
    reply = client.get(address)
    assert reply.status_code == 200 and "drill" in reply.content.decode()


def test_what_cannot_be_loaded_is_work_that_fails(alice: User, project: Project) -> None:
    run = begin(alice, project=project, asked={"steps": "many"})
    assert lease.claim_queued(run.pk)
    loaded = load(run.pk, 1)
    assert loaded is not None and isinstance(loaded.work, Broken)


STANDS_ON_PAGE = {"queued": "waits for its turn", "running": "is being worked on", "failed": "has failed"}


@pytest.mark.parametrize(("status", "line"), STANDS_ON_PAGE.items())
def test_the_page_says_under_an_answer_how_the_work_stands_that_it_began(
    client: Client, alice: User, chat: Chat, status: str, line: str
) -> None:
    work = begin(alice, chat=chat, parent_id=answer(chat, alice).pk)
    client.force_login(alice)
    Run.objects.filter(pk=work.pk).update(status=status)
    assert f"What it began {line}." in client.get(f"/chats/{chat.pk}/").content.decode()
    Run.objects.filter(pk=work.pk).update(status="succeeded")
    assert '<p class="work" hidden></p>' in client.get(f"/chats/{chat.pk}/").content.decode()
