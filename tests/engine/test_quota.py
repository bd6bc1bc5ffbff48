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
COST = TURN * 10 / 1e6  # of a turn at its dearest, by the price of the server below
LIST = [ScriptedCall("list_files", {})]


@pytest.fixture(scope="module")
def priced(upstream: Upstream) -> Iterator[Server]:
    server = Server(
        OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", OPENAI_PRICES=f"{PRICED}=2/10", ORGANIZATION_TOKENS="0"
    )
    yield server.start()
    server.close()


def place(alice: Client, tokens: int = 0) -> dict[str, Any]:
    """A new organization of hers with that budget, if any: what a chat's body says of it."""
    made = alice.post("/api/organizations/", {"name": f"Org {key()}"})
    if tokens:
        alice.server.quickly("set_budget", made["id"], str(tokens), "--period", "ever")
    project = alice.post("/api/projects/", {"organization": made["id"], "name": "Project"})
    return {"organization": made["id"], "project": project["id"]}


def budget(alice: Client, where: dict[str, Any]) -> dict[str, Any]:
    return dict(alice.get(f"/api/organizations/{where['organization']}/budget/")["budget"])


def limited(alice: Client, where: dict[str, Any], scope: str, room: int) -> tuple[list[str], str]:
    """A budget with room for so many runs, or one of each kind: their ids, and a key by which runs are begun."""
    key_made = alice.post(
        "/api/users/me/keys/", {"name": "k", "organization": where["organization"], "scopes": ["chat"]}
    )
    me = alice.get("/api/users/me/")["id"]
    ids = {"project": where["project"], "user": me, "key": key_made["id"]}
    made = []
    for name, id in ids.items():
        for unit, amount in {"tokens": str(room * TURN), "money": f"{room * COST:.5f}"}.items():
            if scope in (name, "all"):
                body = {"scope": name, "scope_id": id, "unit": unit, "amount": amount, "period": "month"}
                made.append(str(alice.post(f"/api/organizations/{where['organization']}/budgets/", body)["id"]))
    if scope in ("organization", "all"):
        alice.server.quickly("set_budget", where["organization"], str(room * TURN), "--period", "ever")
        made.append("own")
    return made, key_made["key"]


def standings(alice: Client, where: dict[str, Any]) -> list[dict[str, Any]]:
    """How all budgets there stand, their amounts as numbers: of tokens, or of billionths."""
    found = alice.get(f"/api/organizations/{where['organization']}/budgets/")["results"]
    return [
        each | {name: int(each[name].replace(".", "")) for name in ("amount", "used", "reserved", "left")}
        for each in found
    ]


@pytest.mark.parametrize("scope", ["organization", "project", "user", "key", "all"])
def test_of_twenty_at_once_room_for_five_lets_five_begin(priced: Server, upstream: Upstream, scope: str) -> None:
    alice, gate, marks = client(priced), key(), [key() for _ in range(20)]
    where = place(alice)
    budgets, token = limited(alice, where, scope, 5)
    chats = [alice.chat(**where, model=PRICED) for _ in marks]
    for mark in marks:
        upstream.script(Turn(n=3, gate=gate, gate_at=1), key=mark)
    replies: list[Reply] = []
    start = threading.Barrier(len(marks))

    def send(chat: str, mark: str) -> None:
        start.wait()
        body = {"content": f"[[key={mark}]] go"}
        replies.append(priced.call("POST", f"/api/chats/{chat}/runs", body, token=token))

    threads = [threading.Thread(target=send, args=pair) for pair in zip(chats, marks, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(each.status for each in replies) == {201: 5, 402: 15}
    refused = [each.body["error"] for each in replies if each.status == 402]
    assert {each["code"] for each in refused} == {"quota_exceeded"}
    assert scope == "all" or {each["fields"]["scope"][0] for each in refused} == {scope}
    assert len(standings(alice, where)) == len(budgets) and {each["left"] for each in standings(alice, where)} == {0}
    upstream.release(gate)
    ended = [alice.wait(each.body["run"]["id"]) for each in replies if each.status == 201]
    assert [each["status"] for each in ended] == ["succeeded"] * 5
    asked = [seen for mark in marks for seen in upstream.requests(mark)]
    assert len(asked) == 5 and all(0 < _most(seen.body) <= TURN for seen in asked)
    used = sum(each["usage"]["input_tokens"] + each["usage"]["output_tokens"] for each in ended)
    for now in standings(alice, where):
        assert now["reserved"] == 0 and 0 < now["used"] == now["amount"] - now["left"]
        assert now["unit"] == "money" or now["used"] == used


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
        ({"max_tokens": 100_000}, "succeeded", "stop"),
        ({"max_tokens": 8_000}, "succeeded", "budget"),
        ({"max_tokens": 50}, "failed", "quota_exceeded"),
        ({"max_cost": "2"}, "succeeded", "stop"),
        ({"max_cost": "0.05"}, "succeeded", "budget"),
        ({"max_cost": "0.000001"}, "failed", "quota_exceeded"),
    ],
)
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
        ({"max_cost": 0.5}, 400, "max_cost"),
        ({"max_cost": "-1"}, 400, "max_cost"),
        ({"max_tokens": 0}, 400, "max_tokens"),
        ({"max_tokens": True}, 400, "max_tokens"),
        ({"max_cost": "1", "model": "gpt-4.1-mini"}, 402, "max_cost"),
    ],
)
def test_a_cap_that_is_none_is_refused(priced: Server, asked: dict[str, Any], status: int, field: str) -> None:
    alice = client(priced)
    chat = alice.chat(model=PRICED)
    said = priced.call("POST", f"/api/chats/{chat}/runs", {"content": "go", **asked}, token=alice.token)
    assert said.status == status and field in said.body["error"]["fields"], said.body


@pytest.mark.faults
def test_a_crash_between_reserving_and_settling_leaves_nothing_reserved(
    new_server: Callable[..., Server], upstream: Upstream
) -> None:
    server = new_server(OPENAI_PRICES=f"{PRICED}=2/10", ORGANIZATION_TOKENS="0").start()
    alice, mark, gate = client(server), key(), key()
    where = place(alice)
    _, token = limited(alice, where, "all", 2)
    upstream.script(Turn(n=10, gate=gate, gate_at=5), Turn(text="Whole."), key=mark)
    chat = alice.chat(**where, model=PRICED)
    run = Client(server, token).start(chat, f"[[key={mark}]] go")["run"]["id"]
    upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark)
    server.kill()
    server.start_process()
    for now in standings(alice, where):
        assert now["reserved"] * 2 >= now["amount"] > 0
    ended = alice.wait(run)
    used = ended["usage"]["input_tokens"] + ended["usage"]["output_tokens"]
    assert ended["status"] == "succeeded" and ended["attempt"] == 2
    assert len(standings(alice, where)) == 7
    for now in standings(alice, where):
        assert now["reserved"] == 0 and 0 < now["used"] == now["amount"] - now["left"]
        assert now["unit"] == "money" or now["used"] == used
    upstream.release(gate)
