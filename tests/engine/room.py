"""Processes and people who do to the runs of one chat whatever may happen, in any order: for test_races.

No process is real here. Each is what it believes to hold, and does with rows what a real one does: claim, renew, write,
wait, end, give back. It may sleep over its lease or die at any moment, and then still write as if nothing had been.
"""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.test import TestCase
from django.utils import timezone

from accounts.errors import Conflict, NotFound
from accounts.models import User
from agents import events as ev
from agents.events import AnyEvent
from agents.loop import ledger
from chat.eventlog import Fenced, Logged, stored
from chat.eventlog.committer import store
from chat.eventlog.projection import Fold, fold
from chat.models import ANSWER, LIVE, OPEN, Chat, Run, RunStatus
from chat.models.facts import facts_of
from chat.run_request import RunRequest
from chat.runner import lease, runner, waiting
from chat.runner.ending import Ending, last_events, store_ending
from chat.runner.waiting import open_approvals, store_waiting
from chat.services.approvals import resolve_approval
from chat.services.runs import cancel_run, start_run


@dataclass
class Held:
    """An attempt as its process sees it: what it has written, and what number comes next."""

    run: UUID
    attempt: int
    next_seq: int
    fold: Fold


@dataclass
class Process:
    """One process: who it is, and what it believes to hold."""

    id: UUID = field(default_factory=uuid4)
    held: dict[UUID, Held] = field(default_factory=dict)


class Room:
    """A chat, three processes, and dice that say who does what next."""

    def __init__(self, chat: Chat, user: User, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.chat = chat
        self.user = user
        self.dice = random.Random(seed)
        self.monkeypatch = monkeypatch
        self.processes = [Process() for _ in range(3)]
        self.done: list[str] = []
        self.fenced = 0

    def step(self) -> None:
        """Somebody does something."""
        weighted = {
            self.submit: 3, self.speak: 6, self.end: 3, self.wait: 2, self.decide: 2, self.expire: 1, self.stop: 2,
            self.mind: 3, self.look: 5, self.sleep: 3, self.die: 1, self.give_back: 1, self.take_away: 1,
        }  # fmt: skip
        what = self.dice.choices(list(weighted), list(weighted.values()))[0]
        self.be(self.dice.choice(self.processes))
        self.done.append(what.__name__)
        self._do(what)

    def settle(self) -> None:
        """Nothing bad happens any more: a process looks, works and ends, and people decide what waits for them."""
        self.be(self.processes[0])
        for other in self.processes[1:]:
            other.held.clear()
        for _ in range(100):
            if not Run.objects.filter(chat=self.chat, status__in=OPEN).exists():
                return
            Run.objects.filter(status=RunStatus.RUNNING).exclude(pk__in=self.me.held).update(
                lease_expires_at=timezone.now() - timedelta(seconds=1)
            )
            for what in (self.look, self.mind, self.end, self.decide):
                self._do(what)

    def _do(self, what: Callable[[], None]) -> None:
        with TestCase.captureOnCommitCallbacks(execute=True):  # the test itself is in a transaction that never ends
            what()

    def be(self, process: Process) -> None:
        """Act as this process from now on."""
        self.me = process
        self.monkeypatch.setattr(lease, "PROCESS", process.id)
        self.monkeypatch.setattr(runner, "owner_here", lambda: process.id)
        self.monkeypatch.setattr(runner, "wake", self._wake)
        self.monkeypatch.setattr(runner, "stop", lambda run_id, by: None)  # `mind` sees it

    # What people do.

    def submit(self) -> None:
        """A message, whatever else is going on in the chat."""
        ask = RunRequest(content="go", if_busy=self.dice.choice(("enqueue", "enqueue", "interrupt")))
        start_run(user=self.user, chat=self.chat, ask=ask)

    def stop(self) -> None:
        if run := self._any(OPEN):
            cancel_run(user=self.user, run=run)

    def decide(self) -> None:
        if run := self._any((RunStatus.WAITING,)):
            calls = open_approvals(run)
            with suppress(Conflict, NotFound):
                resolve_approval(user=self.user, run=run, call=self.dice.choice([*calls]), decision="allow")

    def expire(self) -> None:
        """Nobody decided in time."""
        Run.objects.filter(status=RunStatus.WAITING).update(waits_until=timezone.now() - timedelta(seconds=1))
        waiting.expire()

    def take_away(self) -> None:
        """An operator releases a run."""
        if run := self._any((RunStatus.RUNNING,)):
            lease.take_away(run.pk, run.attempt)

    # What processes do.

    def look(self) -> None:
        """Look for work."""
        for run_id, attempt in lease.find_lying(set(self.me.held), [ANSWER]):
            self._begin(run_id, attempt)

    def mind(self) -> None:
        """Renew what is held, leave what is lost, and end what shall stop."""
        kept = lease.renew(set(self.me.held))
        self.me.held = {run_id: each for run_id, each in self.me.held.items() if run_id in kept}
        for run_id, by in lease.stop_requests():
            if run_id in self.me.held:
                self._end(
                    self.me.held[run_id], lambda usage, by=by: ev.RunCancelled(at=time.time(), by=by, usage=usage)
                )

    def speak(self) -> None:
        """The model says something."""
        if held := self._mine():
            self._write(held, [ev.TextDelta(at=time.time(), text=f"{held.attempt}.{held.next_seq} ")])

    def end(self) -> None:
        """The model is done."""
        if held := self._mine():
            self._end(held, lambda usage: ev.RunCompleted(at=time.time(), reason="stop", usage=usage))

    def wait(self) -> None:
        """A tool asks a person first."""
        if held := self._mine():
            now = time.time()
            asked = ev.ApprovalRequested(at=now, call=uuid4().hex, name="x", arguments={}, expires_at=now + 60)
            if self._write(held, [asked]):
                self._or_fenced(held, lambda: store_waiting(held.run, held.attempt, asked.expires_at))
                self.me.held.pop(held.run, None)

    def give_back(self) -> None:
        if held := self._mine():
            lease.release(held.run, held.attempt)
            self.me.held.pop(held.run)

    def sleep(self) -> None:
        """It is away for longer than its lease, another looks for work meanwhile, and it knows of nothing."""
        sleeper = self.me
        self._lapse()
        self.be(self.dice.choice([each for each in self.processes if each is not sleeper]))
        self.look()
        self.be(sleeper)

    def die(self) -> None:
        self._lapse()
        self.me.held.clear()

    def _lapse(self) -> None:
        Run.objects.filter(owner=self.me.id).update(lease_expires_at=timezone.now() - timedelta(seconds=1))

    def _wake(self, run_id: UUID, attempt: int | None, *told: object) -> None:
        if attempt is not None:
            self._begin(run_id, attempt)

    def _begin(self, run_id: UUID, attempt: int) -> None:
        entries = stored(run_id)
        held = Held(run_id, attempt, entries[-1].seq + 1, fold(each.event for each in entries))
        self.me.held[run_id] = held
        now = time.time()
        events: list[AnyEvent] = [
            ev.TurnReset(at=now, turn=turn.number, reason="taken_over")
            for _, turn in ledger.read([each.event for each in entries]).open_turns()
        ]
        if held.fold.attempt != attempt:
            events.append(ev.RunStarted(at=now, attempt=attempt))
        self._write(held, [*events, ev.TurnStarted(at=now, turn=held.fold.turns + 1, model="m")])

    def _write(self, held: Held, events: list[AnyEvent]) -> bool:
        """Store as the committer does. False where the run is another's by now."""
        entries = [Logged(held.attempt, seq, event) for seq, event in enumerate(events, held.next_seq)]
        if store([(held.run, held.attempt, entries)]):
            self.fenced += 1
            self.me.held.pop(held.run, None)
            return False
        held.next_seq += len(entries)
        for event in events:
            held.fold.apply(event)
        return True

    def _end(self, held: Held, end: Callable[..., ev.Terminal]) -> None:
        run = Run.objects.select_related("chat").get(pk=held.run)
        events = last_events(held.fold, run.message_id, end)
        entries = [Logged(held.attempt, seq, event) for seq, event in enumerate(events, held.next_seq)]
        ending = Ending(facts_of(run), held.attempt, held.fold, entries, claims_next=self.dice.random() < 0.7)
        self.me.held.pop(held.run)
        following: list[lease.Claimed] = []
        self._or_fenced(held, lambda: following.extend(store_ending(ending).claimed))
        for claimed in following:
            self._begin(*claimed)

    def _or_fenced(self, held: Held, change: Callable[[], None]) -> None:
        """Do it, or give back what may still be ours: as an execution does."""
        try:
            change()
        except Fenced:
            self.fenced += 1
            lease.release(held.run, held.attempt)

    def _mine(self) -> Held | None:
        return self.dice.choice([*self.me.held.values()]) if self.me.held else None

    def _any(self, statuses: tuple[RunStatus, ...]) -> Run | None:
        runs = list(Run.objects.select_related("chat").filter(chat=self.chat, status__in=statuses).order_by("position"))
        return self.dice.choice(runs) if runs else None

    # What must be so after every step.

    def check(self) -> None:
        """One live run at most; a run that waits has no owner, and is not one that somebody asked to stop."""
        live = list(Run.objects.filter(chat=self.chat, status__in=LIVE))
        assert len(live) <= 1
        for run in live:
            if run.status == RunStatus.WAITING:
                assert run.owner is None and run.lease_expires_at is None
                assert run.cancel_requested_at is None, "nobody executes it: nobody would end it"
                assert open_approvals(run), "nobody could decide anything"
