"""Usage by day: counted with the end of each run, and the same when it is worked out anew."""

import threading
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.models import User
from agents import events as ev
from agents.usage import Usage
from chat.eventlog import Logged, stored
from chat.eventlog.projection import fold
from chat.models import Chat, Run, RunStatus, UsageDay, UsageRecord
from chat.models.facts import facts_of
from chat.runner.ending import Ending, last_events, store_ending
from tests import transcripts
from tests.chat.rows import answer

FIELDS = ("day", "organization", "project", "model", "user", "runs", "failed", "input_tokens", "output_tokens")


def end(run: Run, *extra: ev.AnyEvent, failed: bool = False) -> None:
    """End a running run as its process would: two turns, the second by another model."""
    entries = stored(run.pk)
    at = entries[-1].event.at
    more = [
        *extra,
        ev.ReplyCompleted(at=at, turn=1, finish_reason="stop", usage=Usage(10, 4, 5, 1)),
        ev.TurnStarted(at=at, agent="content:1", turn=1, model="other"),
        ev.ReplyCompleted(at=at, agent="content:1", turn=1, finish_reason="stop", usage=Usage(100, 0, 50)),
    ]
    folded = fold([*(each.event for each in entries), *more])

    def last(usage: Usage) -> ev.Terminal:
        if failed:
            return ev.RunFailed(at=at, code="internal", message="x", retryable=False, usage=usage)
        return ev.RunCompleted(at=at, reason="stop", usage=usage)

    ended = [*more, *last_events(folded, run.message_id, last)]
    log = [Logged(1, seq, event) for seq, event in enumerate(ended, entries[-1].seq + 1)]
    store_ending(Ending(facts_of(run), 1, folded, log, claims_next=False))


def rows() -> list[tuple[object, ...]]:
    return sorted(UsageDay.objects.values_list(*FIELDS), key=str)


@pytest.mark.django_db
def test_the_end_of_a_run_counts_it_once_a_model_and_day(chat: Chat, alice: User, bob: User) -> None:
    end(answer(chat, alice, RunStatus.RUNNING))
    end(answer(chat, alice, RunStatus.RUNNING), failed=True)
    end(answer(chat, bob, RunStatus.RUNNING))
    today = timezone.localdate()
    place = (chat.organization_id, chat.project_id)
    assert rows() == sorted(
        [
            (today, *place, chat.model, alice.pk, 2, 1, 20, 10),
            (today, *place, "other", alice.pk, 0, 0, 200, 100),
            (today, *place, chat.model, bob.pk, 1, 0, 10, 5),
            (today, *place, "other", bob.pk, 0, 0, 100, 50),
        ],
        key=str,
    )


@pytest.mark.django_db
def test_a_chat_without_a_project_has_one_row_a_day_too(chat: Chat, alice: User) -> None:
    chat.project = None
    chat.save()
    end(answer(chat, alice, RunStatus.RUNNING))
    end(answer(chat, alice, RunStatus.RUNNING))
    assert list(UsageDay.objects.filter(model=chat.model).values_list("project", "runs")) == [(None, 2)]


@pytest.mark.django_db
def test_what_is_worked_out_anew_is_what_was_counted(chat: Chat, alice: User, bob: User) -> None:
    end(answer(chat, alice, RunStatus.RUNNING))
    end(answer(chat, bob, RunStatus.RUNNING), failed=True)
    before = rows()
    assert before
    today = timezone.localdate()
    lasting = UsageDay.objects.create(day=today - timedelta(days=90), organization=chat.organization, user=bob, runs=3)
    UsageDay.objects.filter(day=today).update(runs=77, input_tokens=77)
    out = StringIO()
    call_command("rebuild_usage", "--from", str(today - timedelta(days=1)), stdout=out)
    assert UsageDay.objects.filter(pk=lasting.pk).exists(), "days before the first one are left alone"
    lasting.delete()
    assert rows() == before
    assert "4 rows" in out.getvalue()


@pytest.mark.django_db
def test_a_day_that_has_begun_somewhere_is_worked_out_too(chat: Chat, alice: User) -> None:
    end(answer(chat, alice, RunStatus.RUNNING))
    tomorrow = timezone.localdate() + timedelta(days=1)
    UsageRecord.objects.update(day=tomorrow)
    UsageDay.objects.update(day=tomorrow)
    before = rows()
    UsageDay.objects.update(runs=77)
    call_command("rebuild_usage", "--from", str(tomorrow), stdout=StringIO())
    assert rows() == before
    with pytest.raises(CommandError, match="yet to come"):
        call_command("rebuild_usage", "--from", str(tomorrow + timedelta(days=1)))


@pytest.mark.django_db
@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", ""])
def test_a_bad_day_is_refused(day: str) -> None:
    with pytest.raises(CommandError, match="--from"):
        call_command("rebuild_usage", "--from", day)


@pytest.mark.django_db(transaction=True)
def test_runs_that_end_at_once_are_all_counted(organization: object, chat: Chat, alice: User) -> None:
    """Eight chats of one person end a run at the same time: one row, eight runs."""
    runs = []
    for _ in range(8):
        each = Chat.objects.create(
            organization=chat.organization, project=chat.project, user=alice, model="m", archetype="a"
        )
        runs.append(answer(each, alice, RunStatus.RUNNING))
    ready = threading.Barrier(len(runs))

    def ends(run: Run) -> None:
        ready.wait()
        end(run)
        connection.close()

    threads = [threading.Thread(target=ends, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(row.runs, row.input_tokens) for row in UsageDay.objects.filter(model="m")] == [(8, 80)]


@pytest.mark.parametrize(("name", "retries"), [("plain", 0), ("retried", 1), ("taken_over", 1)])
def test_the_fold_counts_retries_and_turns_taken_back(name: str, retries: int) -> None:
    assert fold(each.event for each in transcripts.ALL[name]()).retries == retries
