"""Old objects that only hold one another are freed without waiting for Python's own look at all there are."""

import asyncio
import contextlib
import gc
import weakref
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from chat.eventlog.tail import Heartbeat, _Reader
from chat.ops import process_memory
from chat.runner import runner

WAIT_S = 10.0


class Ring:
    """Holds itself."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def only_by_hand(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Python does not collect by itself, and nothing stays left out of it."""
    monkeypatch.setattr(runner, "is_ready", True)
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


@pytest.mark.usefixtures("only_by_hand")
def test_what_has_become_old_in_a_ring_is_freed(settings: Any) -> None:
    settings.GARBAGE_EVERY_S = 0.05
    assert asyncio.run(_is_freed())


@pytest.mark.usefixtures("only_by_hand")
def test_at_0_python_alone_decides(settings: Any) -> None:
    settings.GARBAGE_EVERY_S = 0.0
    assert not asyncio.run(_is_freed(wait_s=0.5))


async def _is_freed(wait_s: float = WAIT_S) -> bool:
    """Whether a ring that was made while the process works, and has become old, goes."""
    keeping = asyncio.create_task(process_memory.keep_small())
    await asyncio.sleep(0.01)  # what is there by then is left out
    ring = Ring()
    gone = weakref.ref(ring)
    gc.collect(1)
    del ring
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            while gone() is not None:  # noqa: ASYNC110 - a collection tells nobody
                await asyncio.sleep(0.01)
    keeping.cancel()
    return gone() is None


@pytest.mark.usefixtures("only_by_hand")
def test_where_nothing_has_become_old_nothing_is_looked_at() -> None:
    gc.collect()
    ring = Ring()
    gone = weakref.ref(ring)
    del ring
    assert not process_memory.collect()
    assert gone() is not None


@pytest.mark.usefixtures("only_by_hand")
def test_a_reader_who_has_left_waits_for_no_collection() -> None:
    assert asyncio.run(_goes_at_once())


async def _goes_at_once() -> bool:
    reader = _Reader(uuid4(), None, None)
    reader.heartbeat = Heartbeat(reader)
    gone = weakref.ref(reader)
    reader.heartbeat.stop()
    del reader
    await asyncio.sleep(0)
    return gone() is None
