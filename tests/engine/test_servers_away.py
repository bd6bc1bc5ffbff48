"""PostgreSQL or Redis goes away in mid-answer: nothing is lost, nobody hangs, and it goes on when they are back."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests import environment
from tests.live import Server
from tests.servers import Postgres, Redis
from tests.streams import Client, Frame, client, key, text_of
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.skipif(environment.profile() != "scaled", reason="it needs PostgreSQL and Redis to stop")
NewServer = Callable[..., Server]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    postgres = Postgres(is_durable=True)  # it is stopped as by a crash: what was committed must be there after
    yield postgres
    postgres.close()


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    redis = Redis()
    yield redis
    redis.close()


@pytest.fixture(scope="module")
def pair(upstream: Upstream, postgres: Postgres, redis: Redis) -> Iterator[tuple[Client, Client]]:
    """One person at two web processes on one database."""
    where = {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url()}
    first = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", CHAT_HEARTBEAT_S="1", **where).start()
    second = first.sibling()
    second.start_process()
    alice = client(first)
    yield alice, Client(second, alice.token)
    second.close()
    first.close()


def follow(alice: Client, run: str, frames: list[Frame]) -> None:
    end = time.monotonic() + 30
    while (not frames or not frames[-1].is_end) and time.monotonic() < end:
        try:
            with alice.events(run, after=frames[-1].id if frames else "") as stream:
                for frame in stream:
                    if frame.id:
                        frames.append(frame)
        except OSError:
            pass
        time.sleep(0.05)


def test_a_restart_of_the_database_in_mid_answer_loses_and_doubles_nothing(
    pair: tuple[Client, Client], upstream: Upstream, postgres: Postgres
) -> None:
    here, there = pair
    mark = key()
    upstream.script(Turn(n=150, delay_ms=20), key=mark)
    chat = here.chat()
    run = here.start(chat, f"[[key={mark}]] go")["run"]["id"]
    seen: list[list[Frame]] = [[], []]
    readers = [
        threading.Thread(target=follow, args=(alice, run, frames)) for alice, frames in zip(pair, seen, strict=True)
    ]
    for reader in readers:
        reader.start()
    while len(seen[0]) < 30:
        time.sleep(0.01)
    postgres.restart()
    for reader in readers:
        reader.join(40)
    whole = "".join(f"{number} " for number in range(150))
    assert there.answer(chat)["content"] == whole
    for frames in seen:
        assert text_of(frames) == whole
        assert sum(each.is_end for each in frames) == 1
        assert [each.json["seq"] for each in frames] == list(range(1, len(frames) + 1))
    assert len(upstream.requests(mark)) == 1


def test_while_the_database_is_down_submits_are_told_to_come_back_and_readers_keep_their_stream(
    pair: tuple[Client, Client], upstream: Upstream, postgres: Postgres
) -> None:
    here, _ = pair
    mark, gate = key(), key()
    # An outage longer than the lease takes the run to the other process, which asks the model again.
    upstream.script(*[Turn(n=9, gate=gate, gate_at=5)] * 3, key=mark)
    chat, other = here.chat(), here.chat()
    run = here.start(chat, f"[[key={mark}]] go")["run"]["id"]
    with here.events(run) as stream:
        while '"3 "' not in stream.until("text.delta")[-1].data:
            pass
        postgres.stop()
        try:
            for _ in range(3):
                asked = time.monotonic()
                reply = here.server.call("POST", f"/api/chats/{other}/runs", {"content": "x"}, token=here.token)
                assert reply.status == 503 and int(reply.headers["retry-after"]) >= 1
                assert time.monotonic() - asked < 3
            assert stream.response.readline().startswith(b":")
        finally:
            postgres.start()
        upstream.release(gate)
        assert stream.frames()[-1].json["type"] == "run.completed"
    assert here.answer(chat)["status"] == "completed"


def test_when_redis_dies_in_mid_answer_readers_elsewhere_get_everything_from_the_database(
    pair: tuple[Client, Client], upstream: Upstream, redis: Redis
) -> None:
    here, there = pair
    mark = key()
    upstream.script(Turn(n=100, delay_ms=20), key=mark)
    chat = here.chat()
    run = here.start(chat, f"[[key={mark}]] go")["run"]["id"]
    frames: list[Frame] = []
    late = []
    with there.events(run) as stream:
        for frame in stream:
            frames.append(frame)
            late.append(time.time() - frame.json["at"])
            if len(frames) == 30:
                redis.kill()
    redis.start()
    assert text_of(frames) == here.answer(chat)["content"] == "".join(f"{number} " for number in range(100))
    assert max(late) < 2
    asked = time.monotonic()
    assert there.wait(there.start(there.chat(), "again")["run"]["id"])["status"] == "succeeded"
    assert time.monotonic() - asked < 5
