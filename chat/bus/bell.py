"""Small messages between processes: which runs grew, are read, were queued or shall stop. Ids only, never content.

They are published in Redis, where there is one: one round trip for who rings, none for who hears. A lost one costs
latency and nothing else: every process also looks at the database once a second.
"""

import asyncio
import contextvars
import functools
import logging
import uuid
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

log = logging.getLogger(__name__)
MAX_IDS = 500  # in one message
PROCESS = uuid.uuid4()  # this process, since its start: the owner in its leases

SEND_S = 2.0  # for a message, and for all that wait when the process ends
SILENCE_S = 5.0  # after that Redis is asked whether it is there; after as much again it is away
AWAY_S = (0.1, 1.0)  # how soon a Redis that is away is tried again: first, at last

Listener = Callable[[str, list[UUID]], None]


class Message(msgspec.Struct):
    """One ring."""

    by: UUID  # the process
    what: str
    ids: list[UUID]


def grew(run_ids: Iterable[UUID]) -> None:
    """Tell the other processes that these runs' logs have grown. Call it on the loop."""
    ring("grew", run_ids)


def ring(what: str, run_ids: Iterable[UUID]) -> None:
    """Send without waiting, and without minding a Redis that is away. What is rung meanwhile is sent together."""
    if settings.REDIS_URL:
        _outbox.add(what, run_ids)


async def sent() -> None:
    """Return when all that was rung has been sent, or after SEND_S: before the loop ends."""
    if _outbox.task is not None and not _outbox.task.done():
        await asyncio.wait([_outbox.task], timeout=SEND_S)


class _Outbox:
    """What waits to be sent: one message is on its way at a time, however much is rung meanwhile."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self._waiting: dict[str, dict[UUID, None]] = {}

    def add(self, what: str, run_ids: Iterable[UUID]) -> None:
        """Send this soon."""
        if ids := dict.fromkeys(run_ids):
            self._waiting.setdefault(what, {}).update(ids)
            if self.task is None or self.task.done():
                self.task = asyncio.get_running_loop().create_task(self._send(), context=contextvars.Context())

    async def _send(self) -> None:
        while self._waiting:
            what = next(iter(self._waiting))
            ids = list(self._waiting.pop(what))
            for start in range(0, len(ids), MAX_IDS):
                await _publish(Message(PROCESS, what, ids[start : start + MAX_IDS]))


_outbox = _Outbox()


async def _publish(message: Message) -> None:
    try:
        async with asyncio.timeout(SEND_S):
            redis = _sender(asyncio.get_running_loop())
            await redis.publish(channel_of(redis), msgspec.json.encode(message))
    except Exception as error:  # whatever the client raises: the database is looked at anyway
        log.info("no bell: %s", type(error).__name__)


@functools.lru_cache(maxsize=1)
def _sender(loop: asyncio.AbstractEventLoop) -> Redis:
    """The connection of this loop, there is one in a process, for all that it rings."""
    return _client()


def _client() -> Redis:
    """A client that fails at once: whoever uses it has patience of their own."""
    return Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=SEND_S, socket_timeout=SEND_S, retry=Retry(NoBackoff(), 0)
    )


def channel_of(redis: Redis) -> str:
    """Where bells are published: what is published in one database of a Redis is heard in all."""
    return f"parley.runs.{redis.connection_pool.connection_kwargs.get('db', 0)}"


async def listen(hear: Listener) -> None:
    """Call `hear(what, ids)` for every message of another process, until cancelled; joins again after a failure.

    Without Redis there is nobody to hear, and it returns.
    """
    delay_s = AWAY_S[0]
    while settings.REDIS_URL and not _is_cancelled():
        try:
            async with _client() as redis, redis.pubsub() as subscribed:
                await subscribed.subscribe(channel_of(redis))
                delay_s = AWAY_S[0]
                await _hear(subscribed, hear)
        except Exception as error:  # as above
            if delay_s == AWAY_S[0]:
                log.warning("bells cannot be heard: %s", type(error).__name__)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, AWAY_S[1])


async def _hear(subscribed: PubSub, hear: Listener) -> None:
    """Until cancelled. Raises when Redis says nothing: where it was cut off, nobody else would tell."""
    is_asked = False
    while not _is_cancelled():
        heard: Any = await subscribed.get_message(timeout=SILENCE_S)
        if heard is None and is_asked:
            raise TimeoutError
        is_asked = heard is None
        if is_asked:
            await subscribed.ping()
        elif heard["type"] == "message":
            message = msgspec.json.decode(heard["data"], type=Message)
            if message.by != PROCESS:
                hear(message.what, message.ids)


def _is_cancelled() -> bool:
    """Whether somebody has ended this task: the client may keep that to itself, and say that nothing came."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
