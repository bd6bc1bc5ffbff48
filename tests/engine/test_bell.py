"""The bell between processes: what is rung together goes together, and who listens stays where Redis comes and goes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID, uuid4

import msgspec
import pytest
from django.test import override_settings
from redis.asyncio import Redis as Client
from redis.asyncio.client import PubSub

from chat.bus import bell
from tests.servers import Redis

Heard = list[tuple[str, list[UUID]]]
WITH_REDIS = override_settings(REDIS_URL="redis://localhost:1/0")


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Heard, asyncio.Event]]:
    """What was sent, each only when the event is set."""
    sent: Heard = []
    may_go = asyncio.Event()

    async def publish(message: bell.Message) -> None:
        sent.append((message.what, message.ids))
        await may_go.wait()

    monkeypatch.setattr(bell, "_outbox", bell._Outbox())
    monkeypatch.setattr(bell, "_publish", publish)
    with WITH_REDIS:
        yield sent, may_go


async def test_what_is_rung_while_a_message_is_on_its_way_is_sent_together(
    published: tuple[Heard, asyncio.Event],
) -> None:
    sent, may_go = published
    first, second, third = uuid4(), uuid4(), uuid4()
    bell.grew([first])
    await asyncio.sleep(0)
    assert sent, "the first is on its way at once"
    for ids in ([second], [first, second], [third], []):
        bell.grew(ids)
    bell.ring("stop", [first])
    may_go.set()
    await bell.sent()
    assert sent == [("grew", [first]), ("grew", [second, first, third]), ("stop", [first])]


async def test_many_ids_are_several_messages(published: tuple[Heard, asyncio.Event]) -> None:
    sent, may_go = published
    may_go.set()
    bell.grew(uuid4() for _ in range(bell.MAX_IDS + 1))
    await bell.sent()
    assert [len(ids) for _, ids in sent] == [bell.MAX_IDS, 1]


@override_settings(REDIS_URL="")
async def test_without_redis_there_is_nobody_to_tell_and_nobody_to_hear() -> None:
    bell.grew([uuid4()])
    await bell.sent()
    await asyncio.wait_for(bell.listen(lambda what, ids: None), 10)


class Silent:
    """A subscription on which these arrive, and then nothing for ever."""

    def __init__(self, *arrive: dict[str, Any] | None) -> None:
        self.arrive = list(arrive)
        self.pings = 0

    async def get_message(self, timeout: float) -> dict[str, Any] | None:
        return self.arrive.pop(0) if self.arrive else None

    async def ping(self) -> None:
        self.pings += 1


async def test_a_redis_that_does_not_answer_is_left() -> None:
    silent = Silent(None, {"type": "pong"}, None, {"type": "pong"})
    with pytest.raises(TimeoutError):
        await bell._hear(cast(PubSub, silent), lambda what, ids: None)
    assert silent.pings == 3, "one that answers is not left"


@pytest.fixture
def redis() -> Iterator[Redis]:
    made = Redis()
    with override_settings(REDIS_URL=made.url()):
        yield made
    made.close()


async def test_who_listens_hears_others_also_after_redis_was_flushed_and_killed(redis: Redis) -> None:
    async with listening() as heard:
        await rung_until_heard(heard)
        async with bell._client() as client:
            await client.flushall()
        await rung_until_heard(heard)
        redis.kill()
        redis.start()
        await rung_until_heard(heard)


async def test_databases_of_one_redis_do_not_hear_each_other(redis: Redis) -> None:
    async with listening() as heard:
        await rung_until_heard(heard)
        with override_settings(REDIS_URL=redis.url(1)):
            async with bell._client() as elsewhere:
                assert await publish(elsewhere, uuid4()) == 0
                assert bell.channel_of(elsewhere) == "parley.runs.1"


async def test_who_listens_ends_when_told(redis: Redis) -> None:
    async with listening() as heard:
        await rung_until_heard(heard)
        redis.kill()


async def test_who_listens_ends_also_where_the_client_takes_that_for_silence(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A timeout that is over at the same moment makes redis-py say that nothing came."""
    get_message = PubSub.get_message

    async def deaf(self: PubSub, **asked: float) -> Any:
        try:
            return await get_message(self, **asked)  # type: ignore[arg-type]
        except asyncio.CancelledError:
            return None

    monkeypatch.setattr(PubSub, "get_message", deaf)
    async with listening() as heard:
        await rung_until_heard(heard)


@asynccontextmanager
async def listening() -> AsyncIterator[Heard]:
    """What another process is heard to ring."""
    heard: Heard = []
    task = asyncio.create_task(bell.listen(lambda what, ids: heard.append((what, ids))))
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=10)
        assert task.done()


async def rung_until_heard(heard: Heard) -> None:
    run = uuid4()
    async with asyncio.timeout(10):
        while ("stop", [run]) not in heard:
            async with bell._client() as client:
                await publish(client, run)
            await asyncio.sleep(0.02)


async def publish(client: Client, run: UUID) -> int:
    """Ring as another process; how many were listening."""
    message = bell.Message(uuid4(), "stop", [run])
    return int(await client.publish(bell.channel_of(client), msgspec.json.encode(message)))
