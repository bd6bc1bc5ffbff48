"""P13: what is reserved is never more than the budget, however many ask at once and whoever dies meanwhile."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.live import Reply, Server
from tests.streams import Client, client, key
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = pytest.mark.live
TURN = 16_384  # AGENTS_BUDGET_TURN_TOKENS
LIST = [ScriptedCall("list_files", {})]


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


def test_a_turn_that_is_not_covered_ends_the_run_and_what_was_said_stays(server: Server, upstream: Upstream) -> None:
    alice, mark = client(server), key()
    where = place(alice, TURN)
    upstream.script(Turn(text="I look. ", tool_calls=LIST), key=mark)
    chat = alice.chat(**where, archetype="project_navigator")
    run = alice.wait(alice.start(chat, f"[[key={mark}]] go")["run"]["id"])
    assert (run["status"], run["error"]["code"]) == ("failed", "quota_exceeded")
    assert alice.answer(chat)["content"] == "I look. "
    assert len(upstream.requests(mark)) == 1
    now = budget(alice, where)
    assert (now["reserved"], now["left"]) == (0, TURN - now["used"]) and now["used"] > 0


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
