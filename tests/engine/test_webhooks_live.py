"""Webhooks of real servers: what is told is sent though a process dies, before it or after, and in any process."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from tests.live import Server
from tests.receiver import Receiver, says
from tests.streams import Client, client, key
from tests.upstream import ScriptedCall, Turn, Upstream

NewServer = Callable[..., Server]
# It dies when the receiver has the event, and nothing says so yet.
DIE_BEFORE_NOTING = """
import asyncio, os, signal
from chat.webhooks import claiming, sending
def die(*args): os.kill(os.getpid(), signal.SIGKILL)
sending.note = die
asyncio.run(sending.deliver(claiming.claim(1)[0]))
"""
LEASE_IS_OVER = """
from django.db.models import F
from datetime import timedelta
from chat.webhooks.claiming import LEASE
from chat.webhooks.models import WebhookDelivery
WebhookDelivery.objects.filter(owner__isnull=False).update(next_at=F("next_at") - LEASE)
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def hook(alice: Client, receiver: Receiver, *events: str) -> dict[str, Any]:
    """A webhook of Alice's organization; with `at`, its address in REST."""
    (organization,) = alice.get("/api/organizations/")["results"]
    at = f"/api/organizations/{organization['id']}/webhooks/"
    made = dict(alice.post(at, {"url": receiver.url, "events": list(events)}))
    return {**made, "at": f"{at}{made['id']}/"}


def test_a_run_is_told_of_at_once_and_signed(new_server: NewServer, upstream: Upstream, receiver: Receiver) -> None:
    server = new_server(OUTWARD_ALLOW=receiver.allow, WEBHOOKS_EVERY_S="60").start()
    alice, mark = client(server), key()
    made = hook(alice, receiver, "chat.created", "run.completed")
    upstream.script(
        Turn(tool_calls=[ScriptedCall("write_file", {"path": "a.md", "content": "x"})]), Turn(text="Done."), key=mark
    )
    chat = alice.chat(archetype="project_navigator")
    (created,) = receiver.wait(1)
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    assert alice.wait(run)["status"] == "succeeded"
    got = receiver.wait(2, seconds=5)
    told = [Verifier(made["secret"]).verify(each.body, each.headers) for each in (created, got[1])]
    assert [(each["type"], each["data"]["sequence"]) for each in told] == [("chat.created", 1), ("run.completed", 2)]
    assert (told[1]["data"]["chat"], told[1]["data"]["run"]) == (chat, run)
    assert told[1]["data"]["usage"]["output_tokens"] > 0 and mark not in got[1].body.decode()
    (event,) = alice.get(f"{made['at']}deliveries/?page_size=1")["results"]
    assert (event["event"], event["type"]) == (got[1].id, "run.completed")


def test_what_a_killed_process_left_is_sent_by_another_with_the_same_id(
    new_server: NewServer, upstream: Upstream, receiver: Receiver
) -> None:
    server = new_server(OUTWARD_ALLOW=receiver.allow, WEBHOOKS_EVERY_S="0").start()
    alice, mark = client(server), key()
    made = hook(alice, receiver, "run.completed")
    upstream.script(*[Turn(text="Done.")] * 2, key=mark)
    runs = [alice.start(alice.chat(), f"[[key={mark}]] go")["run"]["id"] for _ in range(2)]
    assert [alice.wait(each)["status"] for each in runs] == ["succeeded"] * 2
    waiting = alice.get(f"{made['at']}deliveries/")["results"]
    assert [each["status"] for each in waiting] == ["waiting"] * 2 and not receiver.got

    assert server.manage("shell", "-c", DIE_BEFORE_NOTING, check=False).returncode == -9
    (first,) = receiver.wait(1)
    server.kill()  # after the commit, and before anything was sent by it
    server.manage("shell", "-c", LEASE_IS_OVER)
    others = [server.sibling(WEBHOOKS_EVERY_S="0.2").start_process() for _ in range(2)]
    got = receiver.wait(3)
    assert sorted(each.id for each in got) == sorted([first.id, *(each["event"] for each in waiting)])
    assert {json.loads(each.body)["data"]["run"] for each in got} == set(runs)
    time.sleep(1)
    assert len(receiver.got) == 3, "two processes look, and each is sent by one"
    told = client(others[0]).get(f"{made['at']}deliveries/")["results"]
    assert {(each["status"], each["answer_status"]) for each in told} == {("delivered", 204)}
    assert sorted(each["tries"] for each in told) == [1, 2]


def test_a_receiver_that_is_away_keeps_nobody_from_an_answer(
    new_server: NewServer, upstream: Upstream, receiver: Receiver
) -> None:
    server = new_server(OUTWARD_ALLOW=receiver.allow).start()
    alice, mark = client(server), key()
    made = hook(alice, receiver, "run.completed")
    receiver.answers = [says(503)]
    upstream.script(Turn(text="Done."), key=mark)
    run = alice.start(alice.chat(), f"[[key={mark}]] go")["run"]["id"]
    assert alice.wait(run)["status"] == "succeeded"
    receiver.wait(2, seconds=15)  # 5 s later, it is there
    end = time.monotonic() + 10
    while (delivery := alice.get(f"{made['at']}deliveries/")["results"][0])["status"] == "waiting":
        assert time.monotonic() < end, delivery
        time.sleep(0.1)
    assert (delivery["status"], delivery["tries"]) == ("delivered", 2)
    assert len({each.id for each in receiver.got}) == 1 and len({each.body for each in receiver.got}) == 1
    assert receiver.got[0].headers["webhook-timestamp"] < receiver.got[1].headers["webhook-timestamp"]
