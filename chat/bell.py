"""Small messages between processes: which runs grew, are read, were queued or shall stop. Ids only, never content.

They go through the channel layer, to one group. A lost one costs latency and nothing else: every process also looks
at the database once a second.
"""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer

log = logging.getLogger(__name__)
GROUP = "parley.runs"
MAX_IDS = 500  # in one message
PROCESS = uuid.uuid4()  # this process, since its start: the owner in its leases

# A member of a group is forgotten after a day, and at once where the layer is flushed: so it joins again and again.
JOIN_EVERY_S = 2.0
WAIT_S = 5.0  # for a message: whoever ends the listener waits no longer, also where the layer goes on waiting
AWAY_S = (0.1, 1.0)  # how soon a layer that is away is tried again: first, at last

Listener = Callable[[str, list[UUID]], None]
_tasks: set[asyncio.Task[None]] = set()


def grew(run_ids: Iterable[UUID]) -> None:
    """Tell the other processes that these runs' logs have grown. Call it on the loop."""
    ring("grew", run_ids)


def ring(what: str, run_ids: Iterable[UUID]) -> None:
    """Send without waiting, and without minding a layer that is away."""
    ids = [str(each) for each in run_ids]
    for start in range(0, len(ids), MAX_IDS):
        task = asyncio.get_running_loop().create_task(_send(what, ids[start : start + MAX_IDS]))
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)


async def _send(what: str, ids: list[str]) -> None:
    message = {"type": "runs.bell", "from": str(PROCESS), "what": what, "ids": ids}
    try:
        async with asyncio.timeout(2.0):
            await get_channel_layer().group_send(GROUP, message)
    except Exception as error:  # whatever the layer's client raises: the database is looked at anyway
        log.info("no bell: %s", type(error).__name__)


async def sent() -> None:
    """Return when all that was rung has been sent: before the loop ends."""
    if _tasks:
        await asyncio.wait(_tasks, timeout=2.0)


async def listen(hear: Listener) -> None:
    """Call `hear(what, ids)` for every message of another process, until cancelled; joins again after a failure."""
    delay_s = AWAY_S[0]
    while not _is_cancelled():
        try:
            layer: Any = get_channel_layer()
            channel = await layer.new_channel()
            await layer.group_add(GROUP, channel)
            delay_s = AWAY_S[0]
            await _listen(layer, channel, hear)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # as above
            if delay_s == AWAY_S[0]:
                log.warning("the channel layer is away: %s", type(error).__name__)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, AWAY_S[1])


async def _listen(layer: Any, channel: str, hear: Listener) -> None:
    joining = asyncio.create_task(_stay_joined(layer, channel))
    try:
        while not _is_cancelled():
            try:
                async with asyncio.timeout(WAIT_S):
                    message = await layer.receive(channel)
            except TimeoutError:
                continue
            if message["from"] != str(PROCESS):
                hear(message["what"], [UUID(each) for each in message["ids"]])
    finally:
        joining.cancel()


async def _stay_joined(layer: Any, channel: str) -> None:
    while not _is_cancelled():
        await asyncio.sleep(JOIN_EVERY_S)
        with contextlib.suppress(Exception):  # where it is away, whoever waits for a message is told
            await layer.group_add(GROUP, channel)


def _is_cancelled() -> bool:
    """Whether somebody has ended this task: the layer may keep that to itself, and give a last message or an error."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
