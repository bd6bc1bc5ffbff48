"""What a reader in another process than the run's waits for: the first words, the bell, and the look at the rows."""

import asyncio
import itertools
import sys
import time
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.test import override_settings

from accounts.db import db
from accounts.models import User
from agents import events as ev
from agents.events import AnyEvent
from chat.eventlog import Writer, rows
from chat.eventlog.committer import Batch, Committer
from chat.eventlog.feed import Hub
from chat.eventlog.follower import Follower
from chat.eventlog.rows import Logged
from chat.models import Chat, RunStatus
from chat.sent.waiting import Waiting
from tests.chat.rows import answer

DELTA = ev.TextDelta(at=1.0, text="words")
TURN = ev.TurnStarted(at=1.0, agent="", turn=1, model="demo")
RETURNED = ev.TurnReset(at=1.0, agent="", turn=1, reason="retry")


class Woken:
    """A committer that only notes what is urgent."""

    def __init__(self) -> None:
        self.urgent: list[bool] = []

    def wake(self, writer: Writer, is_urgent: bool) -> None:
        self.urgent.append(is_urgent)

    def drop(self, writer: Writer) -> None:
        pass


def urgent(monkeypatch: pytest.MonkeyPatch, *events: AnyEvent, read_elsewhere: bool) -> list[bool]:
    """Which of them are stored at once when they come one after the other."""
    run, hub, woken = uuid4(), Hub(), Woken()
    monkeypatch.setattr("chat.eventlog.writer.hub", hub)
    monkeypatch.setattr("chat.eventlog.writer.committer", woken)
    if read_elsewhere:
        hub.are_read([run])
    writer = Writer(run, 1, 1)
    for event in events:
        writer.append([event])
    return woken.urgent


async def test_the_first_words_are_stored_at_once_where_another_process_reads_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = (TURN, DELTA, DELTA, DELTA, RETURNED, DELTA, DELTA)
    assert urgent(monkeypatch, *said, read_elsewhere=True) == [True, True, False, False, True, True, False]
    assert urgent(monkeypatch, *said, read_elsewhere=False) == [True, False, False, False, True, False, False]


async def test_deltas_wait_for_company_and_not_for_long_where_another_process_reads_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored: asyncio.Queue[set[UUID]] = asyncio.Queue()
    committer, hub = Committer(), Hub()

    async def store(batches: list[Batch], sent: Sequence[Waiting] = ()) -> set[UUID]:
        stored.put_nowait({run for run, _, _ in batches})
        return set()

    monkeypatch.setattr(committer, "_stored", store)
    monkeypatch.setattr("chat.eventlog.writer.committer", committer)
    for each in (Committer, Writer):
        monkeypatch.setattr(sys.modules[each.__module__], "hub", hub)
    alone, read = Writer(uuid4(), 1, 1), Writer(uuid4(), 1, 1)
    with override_settings(CHAT_COMMIT_S=0.01, CHAT_COMMIT_ALONE_S=60):
        alone.append([DELTA])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stored.get(), 0.1)
        hub.are_read([read.run_id])
        read._were_deltas = True  # not its first words, which are urgent
        read.append([DELTA])
        assert await asyncio.wait_for(stored.get(), 10) == {alone.run_id, read.run_id}
        alone.append([DELTA])
        committer.hurry()
        assert await asyncio.wait_for(stored.get(), 10) == {alone.run_id}
        alone.append([DELTA] * (int(settings.CHAT_UNSTORED_MAX_EVENTS) // 2 + 1))
        assert await asyncio.wait_for(stored.get(), 10) == {alone.run_id}


async def test_however_often_it_is_rung_there_is_one_look_in_each_commit_time(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[float] = []
    follower = Follower()

    async def look() -> None:
        looked_at.append(time.monotonic())
        await asyncio.sleep(0.02)

    monkeypatch.setattr(follower, "_look", look)
    with override_settings(CHAT_COMMIT_S=0.1, CHAT_SCAN_S=60):
        following = asyncio.create_task(follower.run())
        async with asyncio.timeout(10):
            while len(looked_at) < 4:
                await asyncio.sleep(0.005)
                follower.look()
        following.cancel()
    gaps = [later - earlier for earlier, later in itertools.pairwise(looked_at)]
    assert min(gaps) >= 0.099, gaps


@pytest.mark.django_db(transaction=True)
async def test_a_look_gives_what_each_run_has_stored_since(chat: Chat, alice: User) -> None:
    def fill() -> list[UUID]:
        runs = [answer(chat, alice, RunStatus.SUCCEEDED).pk for _ in range(2)]
        for run in runs:
            for first in (101, 103, 105):
                rows.insert(run, [Logged(1, first, DELTA), Logged(1, first + 1, DELTA)]).save()
        return runs

    one, other = await db(fill)
    found = await db(rows.grown, {other: 105, one: 103, uuid4(): 1})
    seqs = {run: [each.seq for each in entries] for run, entries in found.items()}
    assert seqs == {one: [103, 104, 105, 106], other: [105, 106]}
    assert await db(rows.grown, {one: 107}) == {}
