"""Search over real sockets: what a run said is found within seconds, and by nobody whom it is not for."""

import time
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.live import PASSWORD, Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live
WITHIN_S = 10.0  # two, but for a machine that has much to do


def found(person: Client, q: str, **more: Any) -> list[Any]:
    results: list[Any] = person.get(f"/api/search/?{urlencode({'q': q, **more})}")["results"]
    return results


def wait_for(person: Client, q: str, count: int) -> list[Any]:
    end = time.monotonic() + WITHIN_S
    while len(results := found(person, q)) != count:
        assert time.monotonic() < end, f"{q}: {len(results)}, and not {count}"
        time.sleep(0.2)
    return results


def test_what_a_run_said_is_found_within_seconds_and_what_is_erased_at_once_no_more(
    server: Server, upstream: Upstream
) -> None:
    alice, mark = client(server), key()
    upstream.script(Turn(text=[f"Die grüne Straße {mark}."]), key=mark)
    chat = alice.chat()
    alice.post(f"/api/editorChat/stream/{chat}", {"content": f"[[key={mark}]] Go", "enableStreaming": False})
    answer, question = wait_for(alice, mark, 2)
    assert (answer["role"], question["role"], answer["chat"]["id"]) == ("assistant", "user", chat)
    assert {"text": "Straße", "hit": True} in found(alice, f"STRASSE {mark}")[0]["snippet"]
    server.quickly("create_user", f"{mark}@example.com", "--organization", "Outside", "--role", "owner")
    stranger = Client(server, server.token(f"{mark}@example.com", PASSWORD))
    assert found(stranger, mark) == []
    assert server.call("DELETE", f"/api/messages/{answer['message']}/", token=alice.token).status == 200
    assert [each["message"] for each in found(alice, mark)] == [question["message"]]


def test_it_goes_on_where_a_process_was_killed(new_server: Any, upstream: Upstream) -> None:
    server = new_server(SEARCH_EVERY_S="0").start()
    alice, mark = client(server), key()
    chat = alice.chat()
    for number in range(5):
        alice.post(f"/api/chats/{chat}/messages/", {"content": f"{mark} {number}"})
    time.sleep(1.5)
    assert found(alice, mark) == []
    server.kill()
    server.settings["SEARCH_EVERY_S"] = "1"
    server.start_process()
    wait_for(client(server), mark, 5)
