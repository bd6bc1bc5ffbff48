"""A reader that waits is handed what happens in the very step in which it happens; all others are woken."""

import asyncio
import uuid

import pytest

from agents import events as ev
from agents.usage import Usage
from chat.eventlog import Logged
from chat.eventlog.feed import Feed, Hub
from chat.eventlog.tail import Heartbeat, Take, _Reader

RUN = uuid.uuid4()


def delta(seq: int) -> Logged:
    return Logged(1, seq, ev.TextDelta(at=1.0, text=str(seq)))


class Listening:
    """A reader of a feed that has events 1 and 2 and waits for the third."""

    def __init__(self, take: Take | None) -> None:
        self.feed = Feed(RUN)
        self.feed.restart(1, is_local=True)
        self.reader = _Reader(RUN, None, take)
        self.reader.feed, self.reader.heartbeat = self.feed, Heartbeat(self.reader)
        self.feed.bells.add(self.reader)
        self.feed.show([delta(1), delta(2)])
        self.reader.generation = self.feed.generation
        self.reader.has_read(delta(2))
        self.woken = 0

    async def wait(self) -> None:
        while True:
            await self.reader.wait()
            self.woken += 1

    async def __aenter__(self) -> "Listening":
        self.task = asyncio.create_task(self.wait())
        await settled()
        self.woken = 0  # it was rung for what came before it waited
        return self

    async def __aexit__(self, *error: object) -> None:
        self.reader.heartbeat.stop()
        self.task.cancel()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_it_takes_what_comes_next_and_sleeps_on() -> None:
    taken: list[int] = []

    def take(entries: list[Logged]) -> bool:
        taken.extend(each.seq for each in entries)
        return True

    async with Listening(take) as listening:
        listening.feed.show([delta(3)], are_deltas=True)
        assert taken == [3]
        listening.feed.show([delta(4), delta(5)], are_deltas=True)
        await settled()
        assert taken == [3, 4, 5] and listening.woken == 0
        assert await listening.reader.next() is None


@pytest.mark.parametrize(
    "reason", ["it cannot now", "it fails", "it has no way", "it is behind", "the end", "a new attempt"]
)
async def test_otherwise_it_is_woken_and_misses_nothing(reason: str) -> None:
    def take(entries: list[Logged]) -> bool:
        assert reason in ("it cannot now", "it fails"), "it must not be asked"
        return {"it cannot now": False}[reason]

    async with Listening(None if reason == "it has no way" else take) as listening:
        entry = delta(3)
        if reason == "it is behind":
            listening.reader.has_read(delta(1))
        if reason == "the end":
            entry = Logged(1, 3, ev.RunCompleted(at=1.0, reason="stop", usage=Usage()))
        if reason == "a new attempt":
            listening.reader.generation -= 1
        listening.feed.show([entry], are_deltas=reason != "the end")
        await settled()
        assert listening.woken == 1
        if reason != "a new attempt":  # then the rows say what follows
            batch = await listening.reader.next()
            assert batch is not None and batch.events[-1] == entry
            assert len(batch.events) == (2 if reason == "it is behind" else 1)


async def test_growth_is_told_of_runs_that_another_process_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[tuple[str, set[uuid.UUID]]] = []
    monkeypatch.setattr("chat.eventlog.feed.ring", lambda what, ids: rung.append((what, set(ids))))
    hub, other = Hub(), uuid.uuid4()
    hub.mine.add(RUN)
    assert hub.read_elsewhere([RUN]) == []
    hub.are_read([RUN, other])
    assert rung == [("grew", {RUN})], "what came before it was heard is told at once, of our own runs"
    assert hub.read_elsewhere([RUN, uuid.uuid4()]) == [RUN]


async def test_a_process_says_what_it_reads_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[tuple[str, list[uuid.UUID]]] = []
    monkeypatch.setattr("chat.eventlog.feed.ring", lambda what, ids: rung.append((what, list(ids))))
    hub, theirs = Hub(), uuid.uuid4()
    hub.mine.add(RUN)
    with hub.reading(RUN, _Reader(RUN, None, None)), hub.reading(theirs, _Reader(theirs, None, None)):
        assert rung == [("reading", [theirs])]
        hub.tell_reading()
    assert rung == [("reading", [theirs]), ("reading", [theirs])]
