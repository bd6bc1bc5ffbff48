"""Metrics of real processes: totals never fall whoever is asked and whatever dies, and gauges are of who is up."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from chat.runner.presence import GONE_S
from tests import environment
from tests.deploy.holding import Held, Holder
from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live
TOKEN = "of-the-scraper"
SCRAPES = 50
Numbers = dict[tuple[str, ...], float]


def scrape(server: Server) -> dict[str, Metric]:
    reply = server.call("GET", "/api/metrics", token=TOKEN)
    assert reply.status == 200
    return {each.name: each for each in text_string_to_metric_families(reply.body)}


def rising(found: dict[str, Metric]) -> Numbers:
    """What may not fall as long as whom it is of is up: counters, and histograms, which are made of such."""
    kinds = ("counter", "histogram")
    every = [sample for each in found.values() if each.type in kinds for sample in each.samples]
    return {(each.name, *sorted(f"{k}={v}" for k, v in each.labels.items())): each.value for each in every}


def processes(found: dict[str, Metric]) -> set[str]:
    family = found.get("parley_process_info")
    return {each.labels["process"] for each in family.samples} if family else set()


class Watch:
    """Scrapes again and again, and remembers the most that was seen of each."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.most: Numbers = {}

    def look(self) -> dict[str, Metric]:
        found = scrape(self.server)
        now = rising(found)
        fallen = {name: (before, now.get(name)) for name, before in self.most.items() if _fell(name, before, now)}
        assert fallen == {}
        self.most.update(now)
        return found


def _fell(name: tuple[str, ...], before: float, now: Numbers) -> bool:
    """A process that is not up any more takes its own with it; a total stays."""
    is_gone = name not in now and any(each.startswith("process=") for each in name)
    return not is_gone and now.get(name, -1) < before


def talk(alice: Client, upstream: Upstream) -> None:
    upstream.script(Turn(text="Good evening."), key=(mark := key()))
    alice.wait(alice.start(alice.chat(), f"[[key={mark}]] go")["run"]["id"])


@pytest.fixture
def held(upstream: Upstream) -> Iterator[Held]:
    holder = Holder()
    settings: dict[str, Any] = {"OPENAI_BASE_URL": upstream.url, "OPENAI_API_KEY": "none", "METRICS_TOKEN": TOKEN}
    server = Held(**settings).hold(holder)
    yield server
    server.close()
    holder.close()


@pytest.mark.skipif(environment.profile() != "scaled", reason="SQLite is for one process")
def test_two_processes_on_one_socket_tell_the_same_whatever_happens_to_one(held: Held, upstream: Upstream) -> None:
    held.start()
    other = held.another()
    other.start_process()
    alice, watch = client(held), Watch(held)
    for number in range(SCRAPES):
        if number % 5 == 0:
            talk(alice, upstream)
        both = processes(watch.look())
    assert len(both) == 2
    other.kill()
    killed_at = time.monotonic()
    while len(left := processes(watch.look())) == 2:
        assert time.monotonic() - killed_at < 30
        time.sleep(0.5)
    assert time.monotonic() - killed_at > GONE_S - 10 - 5 and left < both
    held.stop()
    held.start_process()
    found = watch.look()
    assert processes(found).isdisjoint(both)
    assert sum(each.value for each in found["parley_runs"].samples) >= SCRAPES / 5


def test_what_happens_is_told_at_once(new_server: Callable[..., Server], upstream: Upstream) -> None:
    server = new_server(METRICS_TOKEN=TOKEN).start()
    alice = client(server)
    upstream.script(Turn(text=["One ", "two ", "three."], delay_ms=1_000), key=(mark := key()))
    run = alice.start(alice.chat(), f"[[key={mark}]] go")["run"]["id"]
    with alice.events(run) as stream:
        stream.until("text.delta")
        found = scrape(server)
        [one] = [each for each in found["parley_open_streams"].samples if each.value]
        assert one.value == 1 and one.labels["door"] == "native"
        assert [each.value for each in found["parley_runs_here"].samples] == [1]
        stream.frames()
    alice.wait(run)
    found = scrape(server)
    [ended] = [each for each in found["parley_runs"].samples if each.labels["door"] == "native"]
    assert ended.value == 1 and ended.labels["status"] == "succeeded"
    assert [each.value for each in found["parley_open_streams"].samples] == [0]
    count = {each.name: each.value for each in found["parley_run_duration_seconds"].samples if "le" not in each.labels}
    assert count["parley_run_duration_seconds_count"] >= 1 and count["parley_run_duration_seconds_sum"] > 1
