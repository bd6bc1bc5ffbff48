"""Old logs are made small without a reader noticing more than a reset: at every place, on the real rows."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.models import User
from agents import events as ev
from chat.eventlog import Logged, rows, stored
from chat.eventlog.compact import cut_to_answer, due_for_cutting, due_for_merging, merge_deltas, merged
from chat.eventlog.cursor import Cursor
from chat.eventlog.projection import fold
from chat.eventlog.rows import clean, event_at, first_of, insert, page
from chat.models import Chat, LogState, Run, RunEvent, RunStatus
from chat.ops.log_check import audit
from tests import transcripts
from tests.chat.rows import answer

ROW = 3  # events in a row as the committer leaves them


def written(chat: Chat, user: User, log: list[Logged]) -> Run:
    """An ended run with this log, in rows of ROW events."""
    run = answer(chat, user)
    RunEvent.objects.filter(run=run).delete()
    for attempt in sorted({each.attempt for each in log}):
        own = [each for each in log if each.attempt == attempt]
        for start in range(0, len(own), ROW):
            insert(run.pk, own[start : start + ROW]).save()
    return run


@pytest.mark.parametrize("name", transcripts.ALL)
def test_every_place_of_the_old_log_goes_on_exactly_or_begins_again(name: str, chat: Chat, alice: User) -> None:
    log = transcripts.ALL[name]()
    run = written(chat, alice, log)
    before = {each.seq: page(run.pk, at(run, each)).events for each in log}
    assert merge_deltas(run.pk) and not merge_deltas(run.pk)
    small = merged(log)
    assert stored(run.pk) == small
    assert (audit(run).gaps, audit(run).doubles) == (0, 0)
    kept = {each.seq for each in small}
    for each in log:
        found = page(run.pk, at(run, each))
        assert found.is_reset == (each.seq not in kept)
        assert text(found.events) == text(clean(log, after=0) if found.is_reset else before[each.seq])
        assert found.is_over == (each is log[-1])
        assert (event_at(at(run, each)) is None) == found.is_reset


def test_a_run_that_ends_while_a_place_is_looked_for_goes_on_from_there(
    chat: Chat, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = next(iter(transcripts.ALL.values()))()
    run = written(chat, alice, log[:-ROW])
    Run.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING, attempt=1)
    looked = rows._may_come

    def end_between(run_id: UUID, after: Cursor) -> bool:
        insert(run.pk, log[-ROW:]).save()
        Run.objects.filter(pk=run.pk).update(status=RunStatus.SUCCEEDED)
        return looked(run_id, after)

    monkeypatch.setattr(rows, "_may_come", end_between)
    shown = log[-2]  # by its process, before it was stored
    found = page(run.pk, at(run, shown))
    assert not found.is_reset and found.events == log[-1:]


def test_many_events_are_few_rows_which_follow_each_other(chat: Chat, alice: User) -> None:
    script = transcripts.Script().begin().turn(1, *"abcdefghij" * 50)
    run = written(chat, alice, script.reply(1).add(ev.TurnCompleted, turn=1).end())
    merge_deltas(run.pk)
    rows = list(RunEvent.objects.filter(run=run).values_list("first_seq", "last_seq"))
    assert rows == [(1, 507)] and len(stored(run.pk)) == 8


@pytest.mark.parametrize("name", transcripts.ALL)
def test_a_log_cut_to_its_answer_still_tells_it_from_any_place(name: str, chat: Chat, alice: User) -> None:
    log = transcripts.ALL[name]()
    run = written(chat, alice, log)
    assert cut_to_answer(run.pk) and not cut_to_answer(run.pk) and not merge_deltas(run.pk)
    run.refresh_from_db()
    assert (audit(run).gaps, audit(run).doubles, audit(run).ends) == (0, 0, 1)
    assert "parts" not in audit(run).fold_differs
    whole = page(run.pk, None).events
    assert fold(each.event for each in whole).content == fold(each.event for each in log).content
    assert (whole[0], whole[-1]) == (log[0], log[-1])
    for each in log:
        found = page(run.pk, at(run, each))
        if found.is_reset:
            assert found.events == whole
        elif each.seq < log[-1].seq:
            assert found.events == [later for later in stored(run.pk) if first_of(later) > each.seq]


def test_only_what_has_ended_long_enough_is_due(chat: Chat, alice: User) -> None:
    run = answer(chat, alice)
    now = timezone.now()
    Run.objects.filter(pk=run.pk).update(ended_at=now - timedelta(hours=2))
    assert list(due_for_merging(now - timedelta(hours=1))) == list(due_for_cutting(now - timedelta(hours=1))) == [run]
    assert not due_for_merging(now - timedelta(hours=3))
    merge_deltas(run.pk)
    assert not due_for_merging(now) and list(due_for_cutting(now)) == [run]
    Run.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING, log_state=LogState.WHOLE)
    assert not due_for_merging(now) and not merge_deltas(run.pk) and not cut_to_answer(run.pk)


def at(run: Run, entry: Logged) -> Cursor:
    return Cursor(run.pk, entry.attempt, entry.seq)


def text(entries: list[Logged]) -> str:
    return "".join(each.event.text for each in entries if isinstance(each.event, ev.DELTAS))  # type: ignore[union-attr]
