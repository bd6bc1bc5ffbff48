"""Restarts under load: no request fails, nothing is lost, and who read an answer reads it to its end."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chat.serving.listening import CannotListen, listener
from tests import environment
from tests.deploy.holding import Held, Holder
from tests.deploy.load import LONG, SHORT, Load, whole
from tests.deploy.nginx import Nginx, needs_nginx
from tests.live import Server
from tests.streams import Client, client
from tests.upstream import Upstream

pytestmark = pytest.mark.live
RESTARTS = 3
DRAIN_S = "1"  # shorter than some of the runs: those are handed over
scaled = pytest.mark.skipif(environment.profile() != "scaled", reason="SQLite is for one process")
embedded = pytest.mark.skipif(environment.profile() == "scaled", reason="one process on SQLite is enough")


@pytest.fixture
def holder() -> Iterator[Holder]:
    holder = Holder()
    yield holder
    holder.close()


@pytest.fixture
def held(holder: Holder, upstream: Upstream) -> Iterator[Held]:
    """A server on the holder's socket."""
    server = Held(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", CHAT_DRAIN_S=DRAIN_S).hold(holder)
    yield server
    server.close()


def check(load: Load, person: Client) -> None:
    """Nothing failed, every submit that was answered has its answer, and no other run is there."""
    assert load.failed == [] and load.differ == []
    assert len(load.acked) == len(set(load.acked)) > 10 and load.resumed > 0
    runs = ended(person, set(load.acked))
    assert Counter(each["status"] for each in runs) == {"succeeded": len(load.acked)}
    for each in runs:
        assert person.get(f"/api/messages/{each['message']}/")["content"] in (whole(SHORT), whole(LONG))
    print(f"{load.requests} requests, {len(load.acked)} runs, {load.resumed} resumed: 0 failed, 0 lost", end=" ")


def ended(person: Client, acked: set[str]) -> list[dict[str, Any]]:
    """All of the person's runs once they are over: those that were acked, and no other."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found: list[dict[str, Any]] = []
        path = "/api/runs/?page_size=200"
        while path:
            page = person.get(path)
            found += page["results"]
            path = page["next"] or ""
            path = path[path.index("/api/") :] if path else ""
        if all(each["ended_at"] for each in found):
            break
        time.sleep(0.5)
    assert {each["id"] for each in found} == acked
    return found


@embedded
def test_a_held_socket_keeps_who_comes_while_the_process_is_away(held: Held) -> None:
    """What comes on a connection that the old process took is answered by it, what comes later by the new one."""
    held.start()
    early = client(held)
    waiting = Client(held, early.token)
    held.stop()
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(waiting.server.call("GET", "/healthz").status))
    asking.start()
    held.start_process()
    asking.join(30)
    assert answers == [200]
    assert "Traceback" not in held.log()


@embedded
def test_two_sockets_are_one_too_many(settings: Any) -> None:
    settings.LISTEN_FDS = "2"
    with pytest.raises(CannotListen, match="expected 1"):
        listener("127.0.0.1", 0)


@pytest.mark.faults
@embedded
def test_one_process_restarted_under_load(held: Held) -> None:
    """On SQLite there is only one: requests wait in the socket until the next one serves."""
    held.start()
    person = client(held)
    with Load(person) as load:
        for _ in range(RESTARTS):
            time.sleep(2)
            held.stop()
            held.start_process()
        time.sleep(2)
    check(load, person)


@pytest.mark.faults
@scaled
def test_two_processes_on_one_socket_restarted_in_turn_under_load(held: Held) -> None:
    held.start()
    other = held.another()
    try:
        roll(held, other.start_process(), client(held))
    finally:
        other.close()


@pytest.mark.faults
@scaled
@needs_nginx
def test_two_processes_behind_nginx_restarted_in_turn_under_load(
    new_server: Callable[..., Server], upstream: Upstream
) -> None:
    first = new_server(CHAT_DRAIN_S=DRAIN_S).start()
    second = first.sibling().start_process()
    nginx = Nginx([first.port, second.port]).start()
    through = first.sibling()
    through.url, through.port = nginx.url, nginx.port
    try:
        roll(first, second, Client(through, first.token()))
    finally:
        nginx.close()
        second.close()


def roll(first: Server, second: Server, person: Client) -> None:
    """Restart both in turn, three times, while people work."""
    with Load(person) as load:
        for _ in range(RESTARTS):
            for server in (first, second):
                time.sleep(1)
                server.stop()
                server.start_process()
        time.sleep(2)
    check(load, person)
