"""P13: what is reserved is never more than the budget, however many ask at once and whoever dies meanwhile."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.live import Reply, Server
from tests.streams import Client, client, key
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = pytest.mark.live
TURN = 16_384  # AGENTS_BUDGET_TURN_TOKENS
PRICED = "gpt-4o"
LIST = [ScriptedCall("list_files", {})]


@pytest.fixture(scope="module")
def priced(upstream: Upstream) -> Iterator[Server]:
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", OPENAI_PRICES=f"{PRICED}=2/10")
    yield server.start()
    server.close()


def place(alice: Client, tokens: int) -> dict[str, Any]:
    """A new organization of hers with that budget: what a chat's body says of it."""
    made = alice.post("/api/organizations/", {"name": f"Org {key()}"})
    alice.server.quickly("set_budget", made["id"], str(tokens), "--period", "ever")
    project = alice.post("/api/projects/", {"organization": made["id"], "name": "Project"})
    return {"organization": made["id"], "project": project["id"]}


def budget(alice: Client, where: dict[str, Any]) -> dict[str, Any]:
    return dict(alice.get(f"/api/organizations/{where['organization']}/budget/")["budget"])


def test_of_twenty_at_once_a_budget_of_five_lets_five_begin(server: Server, upstream: Upstream) -> None:
    alice, gate, marks = client(server), key(), [key() for _ in range(20)]
    where = place(alice, 5 * TURN)
    chats = [alice.chat(**where) for _ in marks]
    for mark in marks:
        upstream.script(Turn(n=3, gate=gate, gate_at=1), key=mark)
    replies: list[Reply] = []
    start = threading.Barrier(len(marks))

    def send(chat: str, mark: str) -> None:
        start.wait()
        body = {"content": f"[[key={mark}]] go"}
        replies.append(server.call("POST", f"/api/chats/{chat}/runs", body, token=alice.token))

    threads = [threading.Thread(target=send, args=pair) for pair in zip(chats, marks, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(each.status for each in replies) == {201: 5, 402: 15}
    assert {each.body["error"]["code"] for each in replies if each.status == 402} == {"quota_exceeded"}
    assert budget(alice, where)["left"] == 0
    upstream.release(gate)
    ended = [alice.wait(each.body["run"]["id"]) for each in replies if each.status == 201]
    assert [each["status"] for each in ended] == ["succeeded"] * 5
    asked = [seen for mark in marks for seen in upstream.requests(mark)]
    assert len(asked) == 5 and all(0 < _most(seen.body) <= TURN for seen in asked)
    used = sum(each["usage"]["input_tokens"] + each["usage"]["output_tokens"] for each in ended)
    now = budget(alice, where)
    assert (now["used"], now["reserved"], now["left"]) == (used, 0, 5 * TURN - used)


def _most(body: dict[str, Any]) -> int:
    return int(body.get("max_completion_tokens") or body.get("max_tokens") or 0)


def test_the_last_turn_that_is_covered_is_told_to_conclude(server: Server, upstream: Upstream) -> None:
    alice, mark = client(server), key()
    where = place(alice, 2 * TURN)
    upstream.script(Turn(text="I look. ", tool_calls=LIST), Turn(text="So far: nothing."), key=mark)
    chat = alice.chat(**where, archetype="project_navigator")
    run = alice.wait(alice.start(chat, f"[[key={mark}]] go")["run"]["id"])
    assert (run["status"], run["end_reason"]) == ("succeeded", "budget")
    assert alice.answer(chat)["content"].endswith("So far: nothing.")
    first, last = (seen.body for seen in upstream.requests(mark))
    assert first["tools"] and "last turn" not in str(first["messages"][0])
    assert "tools" not in last and "last turn" in str(last["messages"][0])
    now = budget(alice, where)
    assert (now["reserved"], now["left"]) == (0, 2 * TURN - now["used"]) and now["used"] > 0


@pytest.mark.parametrize(
    ("asked", "status", "end"),
    [
        ({"max_tokens": 100_000}, "succeeded", "stop"), ({"max_tokens": 8_000}, "succeeded", "budget"),
        ({"max_tokens": 50}, "failed", "quota_exceeded"), ({"max_cost": "2"}, "succeeded", "stop"),
        ({"max_cost": "0.05"}, "succeeded", "budget"), ({"max_cost": "0.000001"}, "failed", "quota_exceeded"),
    ],
)  # fmt: skip
def test_a_run_uses_no_more_than_its_request_lets_it(
    priced: Server, upstream: Upstream, asked: dict[str, Any], status: str, end: str
) -> None:
    alice, mark = client(priced), key()
    upstream.script(Turn(text="I look. ", tool_calls=LIST), Turn(text="Done."), key=mark)
    chat = alice.chat(archetype="project_navigator", model=PRICED)
    run = alice.wait(alice.start(chat, f"[[key={mark}]] go", **asked)["run"]["id"])
    assert (run["status"], run["end_reason"] or run["error"]["code"]) == (status, end)
    most = [int(_most(each.body)) for each in upstream.requests(mark)]
    assert sum(most) <= asked.get("max_tokens", 100_000)
    assert sum(most) * 10 / 1e6 <= float(asked.get("max_cost", 9))


@pytest.mark.parametrize(
    ("asked", "status", "field"),
    [
        ({"max_cost": 0.5}, 400, "max_cost"), ({"max_cost": "-1"}, 400, "max_cost"), ({"max_tokens": 0}, 400, "max_tokens"),
        ({"max_tokens": True}, 400, "max_tokens"), ({"max_cost": "1", "model": "gpt-4.1-mini"}, 402, "max_cost"),
    ],
)  # fmt: skip
def test_a_cap_that_is_none_is_refused(priced: Server, asked: dict[str, Any], status: int, field: str) -> None:
    alice = client(priced)
    chat = alice.chat(model=PRICED)
    said = priced.call("POST", f"/api/chats/{chat}/runs", {"content": "go", **asked}, token=alice.token)
    assert said.status == status and field in said.body["error"]["fields"], said.body


@pytest.mark.faults
def test_a_crash_between_reserving_and_settling_leaves_nothing_reserved(
    new_server: Callable[..., Server], upstream: Upstream
) -> None:
    server = new_server().start()
    alice, mark, gate = client(server), key(), key()
    where = place(alice, 2 * TURN)
    upstream.script(Turn(n=10, gate=gate, gate_at=5), Turn(text="Whole."), key=mark)
    run = alice.start(alice.chat(**where), f"[[key={mark}]] go")["run"]["id"]
    upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark)
    server.kill()
    server.start_process()
    assert budget(alice, where)["reserved"] >= TURN
    ended = alice.wait(run)
    used = ended["usage"]["input_tokens"] + ended["usage"]["output_tokens"]
    now = budget(alice, where)
    assert ended["status"] == "succeeded" and ended["attempt"] == 2
    assert (now["used"], now["reserved"], now["left"]) == (used, 0, 2 * TURN - used)
    upstream.release(gate)
