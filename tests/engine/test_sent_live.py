"""What a live server keeps of what it sends: the very bytes, turn by turn, while a run is under way and after it."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = pytest.mark.live


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


def kept(alice: Client, run: str) -> list[dict[str, Any]]:
    """All of it, oldest first."""
    rows = alice.get(f"/api/runs/{run}/sent/")["results"]
    return [alice.get(f"/api/runs/{run}/sent/{each['id']}/") for each in rows]


def test_each_turn_is_kept_as_the_server_got_it(alice: Client, upstream: Upstream) -> None:
    mark = key()
    asks = Turn(tool_calls=[ScriptedCall("list_files", {})])
    upstream.script(Turn(fault="503"), asks, Turn(text="Two files."), key=mark)
    run = alice.start(alice.chat(), f"[[key={mark}]] Which files?")["run"]["id"]
    assert alice.wait(run)["status"] == "succeeded"
    rows, seen = kept(alice, run), upstream.requests(mark)
    assert [each["request"] for each in rows] == [each.body for each in seen]
    assert [(each["turn"], each["attempt"], each["agent"]) for each in rows] == [(1, 1, ""), (1, 1, ""), (2, 1, "")]
    assert len(rows[-1]["request"]["messages"]) > len(rows[0]["request"]["messages"]) and rows[0]["request"]["tools"]
    for each, got in zip(rows, seen, strict=True):
        assert each["size"] == int(got.headers["content-length"]) and not each["is_cut"]
        assert each["server"] == f"chat@{upstream.url.removesuffix('/v1')}"
        assert "Bearer" not in json.dumps(each)


def test_of_a_run_under_way_it_is_there_with_its_first_words(alice: Client, upstream: Upstream) -> None:
    mark, gate = key(), key()
    upstream.script(Turn(text=["So"] * 9, gate=gate, gate_at=6), key=mark)
    begun = alice.start(alice.chat(), f"[[key={mark}]] Go on.")
    upstream.wait_for(lambda seen: seen and seen[0].waits_at, key=mark)
    run = begun["run"]["id"]
    rows = until(lambda: kept(alice, run))
    assert alice.get(f"/api/runs/{run}/")["status"] == "running"
    upstream.release(gate)
    alice.wait(run)
    assert kept(alice, run) == rows and len(rows) == 1


def until(look: Callable[[], Any], within_s: float = 10) -> Any:
    """What it gives, once it gives something."""
    end = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.1)
    return found


def test_what_is_told_of_the_person_goes_to_the_model_and_is_kept_nowhere(alice: Client, upstream: Upstream) -> None:
    mark = key()
    upstream.script(Turn(text="Good."), key=mark)
    said = {"about": 'Runs a\n"green" bakery.', "use_in_prompts": True}
    assert alice.server.call("PUT", "/api/me/preferences/", said, token=alice.token).status == 200
    try:
        run = alice.start(alice.chat(), f"[[key={mark}]] Go.")["run"]["id"]
        assert alice.wait(run)["status"] == "succeeded"
    finally:
        assert alice.server.call("DELETE", "/api/me/preferences/", token=alice.token).status == 204
    (row,), (seen,) = kept(alice, run), upstream.requests(mark)
    assert "bakery" in json.dumps(seen.body) and "bakery" not in json.dumps(row) and row["is_cut"]
    assert "lets models know of them: " in row["request"]["messages"][0]["content"]
    assert row["request"]["messages"][1:] == seen.body["messages"][1:]


def test_what_a_server_refused_is_there(alice: Client, upstream: Upstream) -> None:
    mark = key()
    upstream.script(Turn(fault="400"), key=mark)
    run = alice.start(alice.chat(), f"[[key={mark}]] Go.")["run"]["id"]
    assert alice.wait(run)["status"] == "failed"
    assert [each["request"] for each in kept(alice, run)] == [each.body for each in upstream.requests(mark)] != []
