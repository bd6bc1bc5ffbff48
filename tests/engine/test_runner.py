"""The runner by itself: what must be in time waits for nothing else, and nothing that was claimed is forgotten."""

import asyncio
import threading
from datetime import timedelta
from typing import Any
from unittest.mock import Mock
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone

from accounts.db import db, threads
from accounts.models import User
from agents.providers import apis
from agents.vendors import VENDORS
from chat.bus.bell import PROCESS
from chat.eventlog import Fenced
from chat.metering import catalog
from chat.models import Chat, Run, RunStatus
from chat.runner.execution import Execution
from chat.runner.process import Runner
from tests.chat.rows import answer

pytestmark = pytest.mark.django_db(transaction=True)
WAIT_S = 10


@pytest.fixture
def run(chat: Chat, alice: User) -> Run:
    """A run that this process holds, and whose lease has lapsed: the process has slept."""
    run = answer(chat, alice, RunStatus.RUNNING)
    run.owner, run.lease_expires_at = PROCESS, timezone.now() - timedelta(seconds=3)
    run.save()
    return run


async def row(run: Run) -> Run:
    return await db(Run.objects.get, pk=run.pk)


def holding(run: Run) -> Runner:
    runner = Runner()
    runner.executions[run.pk] = Execution(runner, run.pk, run.attempt)
    return runner


async def test_a_process_that_slept_renews_before_a_tool_starts_and_goes_on(run: Run) -> None:
    await holding(run).hold(run.pk)
    kept = await row(run)
    assert kept.attempt == run.attempt and kept.lease_expires_at and kept.lease_expires_at > timezone.now()


async def test_where_another_has_taken_the_run_meanwhile_no_tool_starts(run: Run) -> None:
    await db(Run.objects.filter(pk=run.pk).update, owner=uuid4(), attempt=2)
    runner = holding(run)
    with pytest.raises(Fenced):
        await runner.hold(run.pk)
    assert runner.executions[run.pk].intent == "lost"


async def test_what_is_given_back_is_free_at_once_and_only_if_it_was_ours(run: Run) -> None:
    runner = Runner()
    await runner.give_back(run.pk, run.attempt + 1)
    assert (await row(run)).owner == PROCESS
    await runner.give_back(run.pk, run.attempt)
    assert (await row(run)).owner is None and runner._queued.is_set()


async def test_a_process_that_leaves_gives_back_what_it_is_still_handed(run: Run) -> None:
    runner = Runner()
    runner.is_leaving = True
    runner.start(run.pk, run.attempt)
    await asyncio.wait(runner.tasks, timeout=WAIT_S)
    assert (await row(run)).owner is None and not runner.executions


async def test_an_attempt_that_is_claimed_while_the_one_before_lets_go_is_begun_after_it(run: Run) -> None:
    runner = holding(run)
    runner.start(run.pk, run.attempt + 1)
    assert runner.executions[run.pk].attempt == run.attempt
    runner._ended(run.pk)
    assert runner.executions[run.pk].attempt == run.attempt + 1
    await asyncio.wait(runner.tasks, timeout=WAIT_S)


async def test_a_stop_does_not_queue_behind_other_database_work(run: Run, alice: User) -> None:
    await db(Run.objects.filter(pk=run.pk).update, cancel_requested_at=timezone.now(), cancel_requested_by=alice)
    runner, over = holding(run), threading.Event()
    busy = [asyncio.ensure_future(db(over.wait, WAIT_S)) for _ in range(settings.DB_THREADS + 1)]
    try:
        await runner._scan_stops()
        assert not any(each.done() for each in busy)
    finally:
        over.set()
        await asyncio.gather(*busy)
    assert runner.executions[run.pk].intent == "stop" and runner.stopped_by[run.pk] == str(alice.pk)


async def test_nothing_is_claimed_before_the_catalog_of_models_has_been_read(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run whose model's row is not known would be asked of another server than the row's."""
    monkeypatch.setattr(catalog._Looked, "is_done", False)
    await db(Run.objects.filter(pk=run.pk).update, status=RunStatus.QUEUED, owner=None, lease_expires_at=None)
    runner = Runner()
    runner.loop = asyncio.get_running_loop()
    await runner._scan()
    assert runner.owner_here() is None and not runner.executions
    await runner._know_models()
    assert runner.owner_here() == PROCESS
    await runner._scan()
    assert list(runner.executions) == [run.pk]
    await asyncio.wait(runner.tasks, timeout=WAIT_S)


@pytest.mark.parametrize(
    ("takes", "keys", "loaded"),
    [
        (True, ("OPENAI",), ["responses"]),
        (True, ("ANTHROPIC", "XAI"), ["chat", "messages"]),
        (True, (), []),  # the demo needs nothing
        (False, ("OPENAI",), []),
    ],
)
async def test_what_asks_the_configured_servers_is_loaded_beside_the_loop(
    takes: bool, keys: tuple[str, ...], loaded: list[str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHAT_RUN_HERE = takes
    for vendor in VENDORS:
        setattr(settings, f"{vendor.name.upper()}_API_KEY", "k" if vendor.name.upper() in keys else "")
        setattr(settings, f"{vendor.name.upper()}_BASE_URL", vendor.base_url)
    seen: list[tuple[str, bool]] = []
    here = threading.get_ident()
    monkeypatch.setattr(apis, "_class_of", lambda api: seen.append((api, threading.get_ident() != here)))
    runner = Runner()
    runner.loop = asyncio.get_running_loop()
    await runner._know_models()
    assert seen == [(api, True) for api in loaded] and (runner.owner_here() is not None) == takes


async def test_a_class_that_cannot_be_loaded_leaves_the_runner_at_work(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OPENAI_API_KEY = "k"
    monkeypatch.setattr(apis, "_class_of", Mock(side_effect=ImportError))
    runner = Runner()
    await runner._know_models()
    assert runner.is_ready and "cannot be loaded" in caplog.text


async def test_who_queued_up_behind_a_database_that_is_away_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads._Away, "at", float("inf"))
    with pytest.raises(OperationalError):
        await db(Run.objects.count)


async def test_an_error_of_the_driver_s_own_is_one_of_the_database() -> None:
    def broken() -> None:
        raise psycopg.OperationalError("the connection is lost")

    with pytest.raises(OperationalError):
        await db(broken)
