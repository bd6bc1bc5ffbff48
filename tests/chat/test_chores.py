"""Chores: each in one process at a time, on its own interval, and none is stopped by another's failure."""

import asyncio
import io
import json
import shutil
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as product
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from accounts.db import db
from chat.models import Chore
from chat.ops.chores import doing, lease
from chat.ops.chores.table import CHORES, Duty
from tests import environment
from tests.live import Server

WORK = CHORES[0]
LONG_AGO = timedelta(days=3)
EVERY = "CLEANUP_EVERY_S"


class Counting:
    """A chore of three batches, which says how many it did; `at` is called before each."""

    def __init__(self, at: Callable[[int], object] = lambda number: None) -> None:
        self.counts = {"pieces": 0, "others": 0}
        self._at = at

    def step(self) -> bool:
        self._at(self.counts["pieces"])
        self.counts["pieces"] += 1
        return self.counts["pieces"] < 3


def work(name: str, at: Callable[[int], object] = lambda number: None) -> Duty:
    return Duty(name, EVERY, lambda: Counting(at))


def breaks(number: int) -> None:
    if number == 1:
        raise ValueError("what somebody said")


def row(name: str) -> Chore:
    return Chore.objects.get(name=name)


def tell(*arguments: str) -> str:
    told = io.StringIO()
    call_command("chores", *arguments, stdout=told)
    return told.getvalue()


@pytest.mark.django_db(transaction=True)
def test_of_many_processes_one_gets_it() -> None:
    def at_once(ask: Callable[[Duty], bool]) -> int:
        got: list[bool] = []
        gate = threading.Barrier(8)

        def one() -> None:
            gate.wait()
            got.append(ask(WORK))
            connection.close()

        threads = [threading.Thread(target=one) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        return sum(got)

    assert at_once(lease.claim) == 1
    assert at_once(lease.claim) == at_once(lease.claim_early) == 0
    assert lease.renew(WORK)
    lease.finish(WORK, {"tickets": 3})
    done = row(WORK.name)
    assert (done.told, done.owner, done.held_until) == ({"tickets": 3}, None, None) and done.ended_at
    assert done.due_at - done.ended_at >= timedelta(seconds=WORK.every_s - 1)
    assert at_once(lease.claim) == 0  # not due yet
    assert at_once(lease.claim_early) == 1


@pytest.mark.django_db
def test_a_holder_that_froze_notices_that_another_took_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lease.claim(WORK)
    Chore.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    monkeypatch.setattr(lease, "PROCESS", uuid.uuid4())
    assert lease.claim(WORK)
    monkeypatch.undo()
    assert not lease.renew(WORK)
    lease.finish(WORK, {"tickets": 3}, "too late")
    assert row(WORK.name).owner is not None and row(WORK.name).error == ""


@pytest.mark.django_db
def test_a_lease_lost_in_the_middle_ends_the_work_and_tells_nothing() -> None:
    other = uuid.uuid4()
    mine = work("mine", lambda number: number == 1 and Chore.objects.update(owner=other))
    assert lease.claim(mine)
    assert sum(doing.batches(mine)) == 2
    assert (row("mine").owner, row("mine").told, row("mine").ended_at) == (other, {}, None)


@pytest.mark.django_db
def test_what_failed_is_in_its_row_without_what_people_said_and_goes_when_it_works() -> None:
    assert lease.claim(work("mine"))
    assert sum(doing.batches(work("mine", breaks))) == 1
    failed = row("mine")
    assert failed.error.startswith("ValueError in breaks, tests/chat/test_chores.py:") and "said" not in failed.error
    assert (failed.owner, failed.told) == (None, {"pieces": 1}) and failed.due_at > timezone.now()
    assert lease.claim_early(work("mine"))
    assert sum(doing.batches(work("mine"))) == 2
    assert (row("mine").error, row("mine").told) == ("", {"pieces": 3})


@pytest.mark.django_db
def test_one_that_cannot_even_begin_has_failed() -> None:
    broken = Duty("mine", EVERY, lambda: Counting(**{"nobody": 1}))  # type: ignore[arg-type]
    assert lease.claim(broken)
    assert not list(doing.batches(broken))
    assert row("mine").error.startswith("TypeError in ") and row("mine").owner is None


@pytest.mark.django_db
def test_a_database_that_is_away_leaves_the_lease_to_lapse() -> None:
    def away(number: int) -> None:
        raise OperationalError("The database does not answer.")

    assert lease.claim(work("mine"))
    with pytest.raises(OperationalError):
        list(doing.batches(work("mine", away)))
    assert row("mine").owner is not None and row("mine").error == ""


@pytest.mark.django_db(transaction=True)
async def test_one_that_fails_and_one_that_is_long_stop_no_other(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one whose interval is 0 is not done at all."""
    settings.CLEANUP_EVERY_S, settings.COMPACTION_EVERY_S = 0.05, 0.0
    goes_on = threading.Event()

    def long(number: int) -> None:
        assert goes_on.wait(20)

    off = Duty("off", "COMPACTION_EVERY_S", Counting)
    monkeypatch.setattr(doing, "CHORES", (work("broken", breaks), work("long", long), off, work("whole")))
    task = asyncio.create_task(doing.run())
    try:
        async with asyncio.timeout(20):
            await _have_told("whole", "broken")
            assert not await _told("long")
            goes_on.set()
            await _have_told("long")
    finally:
        goes_on.set()
        task.cancel()
        await asyncio.wait([task])
    assert await _told("whole") == await _told("long") == {"pieces": 3} and await _told("broken") == {"pieces": 1}
    assert not await db(Chore.objects.filter(name="off").exists)


async def _have_told(*names: str) -> None:
    """Return when each has ended once."""
    while not all([await _told(name) for name in names]):  # noqa: ASYNC110 - rows of a database
        await asyncio.sleep(0.05)


async def _told(name: str) -> dict[str, int]:
    return await db(Chore.objects.filter(name=name).values_list("told", flat=True).first) or {}


async def test_where_all_are_off_nothing_stays(settings: Any) -> None:
    for each in CHORES:
        setattr(settings, each.every, 0.0)
    async with asyncio.timeout(1):
        await doing.run()


def test_each_has_a_name_and_an_interval_of_its_own() -> None:
    assert len({each.name for each in CHORES}) == len({each.every for each in CHORES}) == len(CHORES)
    assert all(0 < len(each.name) <= 40 and hasattr(product, each.every) for each in CHORES)


@pytest.mark.django_db
def test_the_command_lists_and_does_what_is_due(settings: Any) -> None:
    settings.COMPACTION_EVERY_S = 0.0
    shutil.rmtree(storages["attachments"].path(""), ignore_errors=True)  # of rows that other tests have taken back
    told = [f"{each.name}{end}" for each in CHORES if each.every_s for end in (" ...", ": nothing to do")]
    first, *lines = tell().splitlines()
    assert first.split() == ["name", "due", "last", "by", "told"]
    assert [line.split()[0] for line in lines] == [each.name for each in CHORES]
    assert lines[1].split()[1:] == ["off", "never", "-", "-"]
    assert tell("--run").splitlines() == told
    Chore.objects.update(due_at=timezone.now() + LONG_AGO)  # some are due again after a second
    assert tell("--run") == "Nothing is due.\n"
    Chore.objects.update(due_at=timezone.now() - LONG_AGO)
    assert tell("--run").splitlines()[0] == "clean-up ..."
    assert tell("--run", "compaction").splitlines()[-1] == "compaction: nothing to do"  # off, but asked for by name
    states = [json.loads(line) for line in tell("--json").splitlines()]
    assert [(each["name"], each["told"]) for each in states] == [(each.name, "nothing to do") for each in CHORES]
    with pytest.raises(CommandError, match="invalid choice"):
        tell("--run", "cleanup")


@pytest.mark.django_db
def test_the_command_says_what_failed_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.management.commands.chores.CHORES", (work("broken", breaks), work("whole")))
    told = io.StringIO()
    with pytest.raises(CommandError, match="Not all is done"):
        call_command("chores", "--run", stdout=told)
    broken, whole = told.getvalue().splitlines()[1::2]
    assert broken.startswith("broken: failed: ValueError in breaks") and broken.endswith("(before: 1 pieces)")
    assert whole == "whole: 3 pieces"
    assert "failed: ValueError" in tell()


@pytest.fixture
def data() -> Iterator[Server]:
    server = Server(CLEANUP_BATCH="1")
    server.quickly("quickstart")
    yield server
    server.close()


OLD_TICKETS = """
from datetime import timedelta
from uuid import uuid4
from django.utils import timezone
from accounts.models import Ticket, User
old, user = timezone.now() - timedelta(days=1), User.objects.get()
Ticket.objects.bulk_create(
    Ticket(token_hash=uuid4().hex, user=user, token_version=0, run_id=uuid4(), expires_at=old) for _ in range({count}))
"""
LAPSE = "from chat.models import Chore; from django.db.models import F; from datetime import timedelta\n" \
        "Chore.objects.update(held_until=F('held_until') - timedelta(minutes=2))"  # fmt: skip


@pytest.mark.live
def test_a_holder_that_is_killed_keeps_it_until_its_lease_lapses_and_the_next_one_finishes(data: Server) -> None:
    data.quickly("shell", "-c", OLD_TICKETS.format(count=20))
    holder = subprocess.Popen(
        [sys.executable, "manage.py", "chores", "--run", "clean-up"],
        cwd=environment.ROOT, env=data.environ(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with holder:
        assert holder.stdout is not None and holder.stdout.readline() == "clean-up ...\n"
        holder.send_signal(signal.SIGKILL)
    assert "  process " in data.quickly("chores").splitlines()[1]
    with pytest.raises(AssertionError, match="Not all is done"):
        data.quickly("chores", "--run", "clean-up")
    assert data.quickly("chores", "--run").splitlines()[0] == "compaction ..."
    data.quickly("shell", "-c", LAPSE)
    told = data.quickly("chores", "--run").splitlines()
    assert told[0] == "clean-up ..." and told[1].endswith(" tickets")
    assert "clean-up" not in data.quickly("chores", "--run")
