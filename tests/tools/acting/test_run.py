"""Runs of Alice's on a real server, whose model obeys somebody else: it asks the shop's tools for everything."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.doors.people import newcomer
from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import ScriptedCall, Turn, Upstream

FILL = """
from accounts.models import User
from tests.tools.acting.shop.rows import fill, make_tables
make_tables()
made = fill(User.objects.get(), User.objects.create_user("bob@example.com"))
print("bob's:", made["BOB-1"].pk, "customer:", made["ALICE-1"].customer_id)
"""


@pytest.fixture(scope="module")
def shop(upstream: Upstream) -> Iterator[tuple[Client, dict[str, int]]]:
    """Alice at a server with the shop, and the ids of a row of Bob's and of a customer of hers."""
    server = Server(
        OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", DJANGO_SETTINGS_MODULE="tests.tools.acting.shop.settings"
    )
    server.start()
    words = server.manage("shell", "-c", FILL).stdout.split("bob's:")[1].split()
    yield client(server), {"bob": int(words[0]), "customer": int(words[2])}
    server.close()


def asked(alice: Client, upstream: Upstream, *calls: ScriptedCall, chat: str = "") -> tuple[str, str]:
    """A chat and its run, whose model makes these calls and then ends."""
    mark = key()
    upstream.script(Turn(tool_calls=list(calls)), Turn(text="Done."), key=mark)
    chat = chat or alice.chat()
    return chat, alice.start(chat, f"[[key={mark}]] go")["run"]["id"]


def results(alice: Client, chat: str, run: str) -> list[dict[str, Any]]:
    """In the order of the calls: those that only read run side by side, and end as they do."""
    assert alice.wait(run)["status"] == "succeeded"
    parts = alice.answer(chat)["parts"]
    asked = [part["call"] for part in parts if part["type"] == "tool_call"]
    found = [part for part in parts if part["type"] == "tool_result"]
    return sorted(found, key=lambda part: asked.index(part["call"]))


def test_a_chat_answers_from_her_rows_and_never_from_the_others(
    shop: tuple[Client, dict[str, int]], upstream: Upstream
) -> None:
    alice, ids = shop
    calls = [
        ScriptedCall("orders_list", {"page_size": 3}),
        ScriptedCall("find_orders", {"page_size": 100}),
        ScriptedCall("orders_retrieve", {"pk": ids["bob"]}),
        ScriptedCall("orders_list", {"user": "bob"}),
        ScriptedCall("find_orders", {"search": "likes"}),
        ScriptedCall("read_order", {"number": "ALICE-2"}),
    ]
    chat, run = asked(alice, upstream, *calls)
    parts = results(alice, chat, run)
    assert [part["is_error"] for part in parts] == [False, False, True, True, False, False]
    told = json.dumps(parts)
    assert all(f"ALICE-{place}" in told for place in (1, 2, 3))
    with alice.events(run) as stream:
        shown = json.dumps([frame.json for frame in stream.frames()])
    assert "BOB" not in told and "BOB" not in shown


def test_what_writes_is_asked_for_first_and_done_once(shop: tuple[Client, dict[str, int]], upstream: Upstream) -> None:
    alice, ids = shop
    new = {"number": "ALICE-9", "customer": ids["customer"], "note": "Two of them."}
    chat, run = asked(alice, upstream, ScriptedCall("orders_create", new))
    with alice.events(run) as stream:
        (call,) = [frame.json["call"] for frame in stream.until("approval.requested")[-1:]]
    until(lambda: alice.get(f"/api/runs/{run}/")["status"] == "waiting")
    assert numbers(alice, upstream) == ["ALICE-1", "ALICE-2", "ALICE-3"], "nobody has allowed it yet"
    alice.post(f"/api/runs/{run}/approvals/{call}", {"decision": "allow"})
    (part,) = results(alice, chat, run)
    assert part["result"]["number"] == "ALICE-9"
    assert numbers(alice, upstream) == ["ALICE-1", "ALICE-2", "ALICE-3", "ALICE-9"]


def test_what_a_person_denies_is_not_done(shop: tuple[Client, dict[str, int]], upstream: Upstream) -> None:
    alice, _ = shop
    before = numbers(alice, upstream)
    (row,) = [each for each in listed(alice, upstream) if each["number"] == "ALICE-1"]
    chat, run = asked(alice, upstream, ScriptedCall("orders_destroy", {"pk": row["id"]}))
    with alice.events(run) as stream:
        (call,) = [frame.json["call"] for frame in stream.until("approval.requested")[-1:]]
    until(lambda: alice.get(f"/api/runs/{run}/")["status"] == "waiting")
    alice.post(f"/api/runs/{run}/approvals/{call}", {"decision": "deny"})
    (part,) = results(alice, chat, run)
    assert part["is_error"] and numbers(alice, upstream) == before


def test_who_may_write_in_the_chat_may_deny_what_is_done_as_her_and_not_allow_it(
    shop: tuple[Client, dict[str, int]], upstream: Upstream
) -> None:
    alice, ids = shop
    new = {"number": "ALICE-10", "customer": ids["customer"], "note": "Somebody else's idea."}
    shared = alice.chat(sharing="project", project_access="write")
    chat, run = asked(alice, upstream, ScriptedCall("orders_create", new), chat=shared)
    organization = alice.get(f"/api/chats/{chat}/")["organization"]
    editor = newcomer(alice.server, organization=organization, role="editor")
    with editor.events(run) as stream:
        (request,) = [frame.json for frame in stream.until("approval.requested")[-1:]]
    assert request["as_person"] is True
    until(lambda: alice.get(f"/api/runs/{run}/")["status"] == "waiting")
    path = f"/api/runs/{run}/approvals/{request['call']}"
    refused = editor.post(path, {"decision": "allow"}, expect=(403,))
    assert refused["error"]["code"] == "only_theirs" and "only they" in refused["error"]["message"]
    assert alice.get(f"/api/runs/{run}/")["status"] == "waiting"
    editor.post(path, {"decision": "deny"})
    (part,) = results(alice, chat, run)
    assert part["is_error"] and "ALICE-10" not in numbers(alice, upstream)


def numbers(alice: Client, upstream: Upstream) -> list[str]:
    chat, run = asked(alice, upstream, ScriptedCall("find_orders", {"ordering": "number"}))
    (part,) = results(alice, chat, run)
    return [row["number"] for row in part["result"]["rows"]]


def listed(alice: Client, upstream: Upstream) -> list[dict[str, Any]]:
    chat, run = asked(alice, upstream, ScriptedCall("orders_list", {}))
    (part,) = results(alice, chat, run)
    return list(part["result"]["results"])


def until(condition: Any) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
