"""Work begun, claimed, ended and stopped by several at once: nobody waits for ever, and no place is given twice."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.errors import RequestError
from accounts.models import Project, User
from agents import events as ev
from chat.eventlog import Fenced, Logged, stored
from chat.eventlog.projection import fold
from chat.models import OPEN, Budget, Chat, Run, RunStatus
from chat.models.facts import facts_of
from chat.ops.chaos import drill
from chat.runner import capacity, kinds, runner
from chat.runner.beginning import WorkOrder
from chat.runner.ending import Ending, last_events, store_ending
from chat.services.runs import cancel_run
from chat.services.work import start_work
from tests.chat.rows import answer

PEOPLE, ROUNDS = 4, 25
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def drills(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(runner, "owner_here", lambda: None)
    with kinds.also(drill.KIND):
        yield


def test_nobody_waits_for_ever_and_no_place_is_given_twice(
    settings: Any, alice: User, project: Project, chat: Chat
) -> None:
    settings.WORK_PER_PROJECT = 2
    Budget.objects.create(organization=project.organization, amount=10**9)
    parent = answer(chat, alice)
    faults: list[str] = []
    most = [0]

    def begin() -> None:
        order = WorkOrder(user_id=alice.pk, project=project, parent_id=parent.pk, asked={"steps": 1, "pause_ms": 0})
        start_work(user=alice, kind=drill.NAME, order=order)

    def claim() -> None:
        capacity.find_waiting(list(kinds.DRIVERS))
        most[0] = max(most[0], Run.objects.work().filter(status=RunStatus.RUNNING).count())

    def stop() -> None:
        if run := Run.objects.work().filter(status=RunStatus.QUEUED).order_by("?").first():
            cancel_run(user=alice, run=run)

    def end() -> None:
        run = Run.objects.work().filter(status=RunStatus.RUNNING).order_by("?").first()
        if run is not None:
            ended(run)

    def one(seed: int) -> None:
        dice = random.Random(seed)
        try:
            for _ in range(ROUNDS):
                _tried(dice.choice((begin, claim, stop, end)), faults)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(seed,)) for seed in range(PEOPLE)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert faults == []
    assert most[0] == 2, "more than may, or never as many as may"
    while Run.objects.work().filter(status__in=OPEN).exists():
        claim()
        end()
    assert all(len([each for each in stored(run.pk) if isinstance(each.event, ev.TERMINALS)]) == 1 for run in ran())


def ended(run: Run) -> None:
    """As its process ends it, and takes what has room then."""
    entries = stored(run.pk)
    folded = fold(each.event for each in entries)
    last = last_events(folded, None, lambda usage: ev.RunCompleted(at=time.time(), reason="stop", usage=usage))
    logged = [Logged(run.attempt, seq, each) for seq, each in enumerate(last, entries[-1].seq + 1)]
    try:
        with transaction.atomic():
            store_ending(Ending(facts_of(run), run.attempt, folded, logged, claims_next=True))
    except Fenced:
        pass  # somebody else has ended it


def ran() -> list[Run]:
    return list(Run.objects.work())


def _tried(what: Callable[[], None], faults: list[str]) -> None:
    try:
        what()
    except RequestError:
        pass  # it is full, or over
    except Exception as error:
        faults.append(f"{what.__name__}: {error!r}")
