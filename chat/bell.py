"""Small messages between processes: which runs grew, were queued or shall stop. Ids only, never content.

They go through the channel layer, to one group. A lost one costs latency and nothing else: every process also looks
at the database once a second.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer

log = logging.getLogger(__name__)
GROUP = "parley.runs"
MAX_IDS = 500  # in one message
PROCESS = uuid.uuid4()  # this process, since its start: the owner in its leases

Listener = Callable[[str, list[UUID]], Awaitable[None]]
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


async def listen(hear: Listener) -> None:
    """Call `hear(what, ids)` for every message of another process, for ever; joins again after a failure."""
    while True:
        try:
            await _listen(hear)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # as above
            log.warning("the channel layer is away: %s", type(error).__name__)
            await asyncio.sleep(1.0)


async def _listen(hear: Listener) -> None:
    layer: Any = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    while True:
        message = await layer.receive(channel)
        if message["from"] != str(PROCESS):
            await hear(message["what"], [UUID(each) for each in message["ids"]])
