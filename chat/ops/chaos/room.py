"""One profile from start to table: the provider, the installation, the runs, the faults, the checker."""

import asyncio
import contextlib
import pathlib
import time
from dataclasses import dataclass
from typing import Any

import aiohttp

from chat.ops.chaos.api import Api
from chat.ops.chaos.bar import Bar
from chat.ops.chaos.driver import Driver
from chat.ops.chaos.faults import Faults, Outage
from chat.ops.chaos.findings.checker import Checker, Findings
from chat.ops.chaos.history import History
from chat.ops.chaos.installation import CannotStart, Installation, embedded, scaled
from chat.ops.chaos.plan import RunPlan, Shape, plan
from chat.ops.chaos.upstream import Upstream


@dataclass(frozen=True)
class Order:
    """What to do."""

    profile: str
    seed: int
    folder: pathlib.Path
    faults: list[str]
    runs: int
    readers: int
    at_once: int
    seconds: int
    pace: float
    database_url: str = ""
    redis_url: str = ""
    pooler: bool = False  # a PgBouncer before its own PostgreSQL


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    found: Findings
    outages: list[Outage]
    asked: int  # model calls


async def run_room(order: Order, out: Any) -> Outcome:
    """Do it. Raises CannotStart."""
    shape = Shape(order.seed, order.runs, order.readers, "upstream" in order.faults, order.pace)
    plans = plan(shape)
    async with Upstream(plans).serving() as upstream:
        with await _opened(order, upstream.url) as closing:
            installation: Installation = closing.installation
            for process in installation.processes:
                await process.start()
            history = History()
            try:
                return await _run(order, plans, upstream, installation, history, Bar(out, order.runs))
            except* CannotStart as errors:
                raise _first(errors) from None
            finally:
                history.save(order.folder / "history.jsonl")


async def _run(
    order: Order, plans: list[RunPlan], upstream: Upstream, installation: Installation, history: History, bar: Bar
) -> Outcome:
    faults = Faults(installation, history, order.seed)
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        api = Api(installation, history, session)
        await api.sign_in()
        driver = Driver(api, history, seed=order.seed, at_once=order.at_once, has_slow="slow-readers" in order.faults)
        end = time.monotonic() + order.seconds
        async with bar.showing(driver, faults), asyncio.TaskGroup() as group:
            striking = group.create_task(faults.strike(order.faults))
            await driver.drive(plans, lambda: time.monotonic() < end)
            faults.stop()
            await striking
        checker = Checker(installation, api, upstream, history, driver.driven, faults.outages)
        found = await checker.check()
    return Outcome(found, faults.outages, len(upstream.asked))


def _first(errors: BaseExceptionGroup[CannotStart]) -> CannotStart:
    """The error inside, however many groups it lies in."""
    inner = errors.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


@dataclass
class _Opened:
    """The installation while it is open."""

    installation: Installation
    stack: contextlib.ExitStack

    def __enter__(self) -> "_Opened":
        return self

    def __exit__(self, *error: object) -> None:
        self.stack.close()


async def _opened(order: Order, upstream: str) -> _Opened:
    """Prepared in a thread: the provider answers meanwhile."""
    stack = contextlib.ExitStack()
    kind = (
        embedded(order.folder, upstream)
        if order.profile == "embedded"
        else scaled(order.folder, upstream, order.database_url, order.redis_url, is_pooled=order.pooler)
    )
    installation = await asyncio.to_thread(stack.enter_context, kind)
    return _Opened(installation, stack)
