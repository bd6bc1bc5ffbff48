"""Who is erased is in no store: a canary in each of them, and then a look at the disk, the database, and Redis."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.request import Request, urlopen

import pytest
from django.core.management import CommandError, call_command
from redis import Redis
from rest_framework.test import APIClient

from accounts.models import Membership, Organization, User
from chat.models import OPEN, Chat, ChatShare, Message, MessageStatus, Run, RunStatus, Schedule, UsageRecord
from chat.ops.erasure import Erasure
from chat.services import people, stores
from tests import environment
from tests.chat.rows import answer
from tests.chat.test_deletion import holders, say
from tests.live import PASSWORD, Server
from tests.streams import Client, client
from tests.upstream import Upstream

Api = Callable[[User], APIClient]


@pytest.fixture
def own(new_server: Any) -> Server:
    """A server of one's own, whose chores are done by command alone, and whose Redis forgets soon."""
    made: Server = new_server(ERASURE_EVERY_S="0", RETENTION_EVERY_S="0", CHAT_REPLAY_S="1").start()
    return made


def bob_of(server: Server, name: str) -> Client:
    """A second person in the first one's organization."""
    place = client(server).get("/api/organizations/")["results"][0]["id"]
    server.quickly("create_user", f"{name}@example.com", "--organization", place, "--name", name)
    return Client(server, server.token(f"{name}@example.com"))


def live_chat(person: Client, canary: str, upstream: Upstream) -> str:
    """A chat of theirs with canaries in it, and around it."""
    chat = person.chat(title=canary, metadata={"note": canary})
    say(person, chat, upstream, canary, f"{canary}.txt")
    person.post(f"/api/editorChat/{chat}/create-pr", {"title": canary})
    for used in (True, False):
        file = upload(person, canary)
        if used:
            sent = {"content": canary, "attachments": [{"type": "file", "id": file}]}
            person.wait(person.start(chat, **sent)["run"]["id"])
    person.wait(person.start(chat, f"/feedback {canary}")["run"]["id"])
    message = person.get(f"/api/chats/{chat}/messages/")["results"][0]
    note = {"start": 0, "end": 1, "quote": message["content"][0], "body": canary}
    person.post(f"/api/messages/{message['id']}/annotations/", note)
    place = person.get("/api/organizations/")["results"][0]["id"]
    person.post("/api/me/memories/", {"text": canary})
    person.server.call("PUT", "/api/me/preferences/", {"about": canary}, token=person.token)
    person.post("/api/users/me/keys/", {"name": canary, "organization": place, "scopes": ["chat"]})
    schedule = {"chat": chat, "prompt": canary, "cron": "0 9 1 1 *", "time_zone": "UTC", "title": canary}
    person.post("/api/schedules/", schedule, Idempotency_Key=canary)
    return chat


def upload(person: Client, canary: str) -> str:
    address = f"{person.server.url}/api/attachments/?name={canary}.txt"
    sent = {"Authorization": f"Bearer {person.token}", "Content-Type": "text/plain"}
    with urlopen(Request(address, canary.encode(), sent, method="POST")) as reply:
        return str(json.loads(reply.read())["id"])


def in_redis(server: Server, canary: str) -> list[str]:
    """Keys of the server's Redis that hold the text, in whatever they are."""
    if environment.profile() != "scaled":
        return []
    redis: Any = Redis.from_url(server.settings["REDIS_URL"])
    redis.config_set("rdbcompression", "no")
    return [str(key) for key in redis.scan_iter() if canary.encode() in (redis.dump(key) or b"") + key]


def everywhere(server: Server, canary: str) -> list[str]:
    return holders(server, canary) + in_redis(server, canary)


def test_an_erased_person_is_in_no_store(own: Server, upstream: Upstream) -> None:
    alice, canary = client(own), f"canary{uuid.uuid4().hex}"
    bob = bob_of(own, canary)
    live_chat(bob, canary, upstream)
    shared = alice.chat(sharing="project", project_access="write")
    bob.wait(bob.start(shared, f"[[key={canary[:10]}]] {canary}")["run"]["id"])
    assert len(everywhere(own, canary)) >= 8  # so the look finds it
    done = own.call("DELETE", "/api/users/me/", {"password": PASSWORD}, token=bob.token)
    assert done.status == 200 and done.body["stores"]["chats"] == 1 and done.body["erased_by"]
    assert done.body["stores"].keys() >= {
        "messages",
        "runs",
        "the log of a run",
        "remembered facts",
        "API keys",
        "feedback",
        "annotations",
    }
    time.sleep(1.5)  # CHAT_REPLAY_S
    own.manage("chores", "--run", "erasure")
    own.manage("chores", "--run", "attachments")
    assert everywhere(own, canary) == []
    left = alice.get(f"/api/chats/{shared}/messages/")["results"]
    assert {each["status"] for each in left} == {"deleted"} and len(left) == 2


def test_what_a_crash_left_the_chore_finishes(own: Server, upstream: Upstream) -> None:
    canary = f"canary{uuid.uuid4().hex}"
    bob = bob_of(own, canary)
    place = bob.get("/api/organizations/")["results"][0]["id"]
    for _ in range(40):
        bob.post("/api/chats/", {"organization": place, "title": canary})
    live_chat(bob, canary, upstream)
    erasing = subprocess.Popen(
        [sys.executable, "manage.py", "erase_person", f"{canary}@example.com"], cwd=own.root, env=own.environ(),
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    while own.call("GET", "/api/users/me/", token=bob.token).status == 200:
        assert erasing.poll() is None, "it ended before we could look"
    erasing.kill()
    erasing.wait()
    own.manage("chores", "--run", "erasure")
    own.manage("chores", "--run", "attachments")
    assert everywhere(own, canary) == []


# --- In this process --------------------------------------------------------------------------------------------------


@pytest.fixture
def shared(chat: Chat, alice: User, bob: User) -> Run:
    """An answer that Bob asked for in Alice's chat."""
    ChatShare.objects.create(chat=chat, user=bob, access="write")
    return answer(chat, bob, text="Planted words")


def test_what_they_said_elsewhere_becomes_tombstones(api: Api, shared: Run, chat: Chat, alice: User, bob: User) -> None:
    mine = answer(chat, alice, text="Hers")
    people.delete_oneself(bob)
    told = api(alice).get(f"/api/chats/{chat.pk}/messages/").json()["results"]
    assert [each["status"] for each in told] == ["deleted", "deleted", "completed", "completed"]
    assert "Planted words" not in str(told) and not Message.objects.filter(author__name="Deleted person").exists()
    assert Message.objects.get(pk=mine.message_id).content == "Hers"
    assert not User.objects.filter(email=bob.email).exists()


def test_or_stays_with_nobody_s_name_on_it(settings: Any, shared: Run, chat: Chat, bob: User) -> None:
    settings.ERASE_SHARED = "anonymise"
    people.delete_oneself(bob)
    question = Message.objects.get(pk=shared.input_id)
    assert (question.content, question.author) == ("What is in here?", None)
    assert not User.objects.filter(email=bob.email).exists()


def test_what_is_used_stays(shared: Run, chat: Chat, bob: User) -> None:
    used = dict.fromkeys(("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens"), 1)
    record = UsageRecord.objects.create(
        run=shared, user=bob, organization=chat.organization, turn=1, attempt=1, model="m", status="reported", **used
    )
    people.delete_oneself(bob)
    assert UsageRecord.objects.filter(pk=record.pk).exists()


def test_one_whose_answer_is_being_written_is_left_for_later(shared: Run, chat: Chat, alice: User, bob: User) -> None:
    """Alice has Bob's message answered anew meanwhile."""
    again = answer(chat, alice, RunStatus.RUNNING)
    Run.objects.filter(pk=again.pk).update(input=shared.input)
    people.delete_oneself(bob)
    assert Message.objects.get(pk=shared.input_id).status != MessageStatus.DELETED
    assert User.objects.get(pk=bob.pk).name == "Deleted person"
    Run.objects.filter(status__in=OPEN).update(status=RunStatus.CANCELLED)
    erasure = Erasure()
    while erasure.step():
        pass
    assert Message.objects.get(pk=shared.input_id).status == MessageStatus.DELETED
    assert erasure.counts["people erased"] == 1 and not User.objects.filter(pk=bob.pk).exists()


def test_what_takes_long_is_the_chore_s_and_is_told_where_it_is_late(
    settings: Any, chat: Chat, alice: User, bob: User, api: Api
) -> None:
    settings.ERASE_AT_ONCE_S = 0
    for _ in range(3):
        Chat.objects.create(organization=chat.organization, user=bob, model="m")
    people.delete_oneself(bob)
    assert Chat.objects.filter(user=bob).count() == 2 and not Chat.objects.visible_to(bob).exists()
    settings.ERASE_WITHIN_S = -1
    erasure = Erasure()
    assert erasure.step()
    while erasure.step():
        pass
    assert erasure.counts["people erased"] == 1 and erasure.counts["not erased in time"] == 0
    assert Chat.objects.get() == chat


def test_deleting_oneself_by_rest(api: Api, chat: Chat, alice: User, bob: User, charlie: User) -> None:
    path = "/api/users/me/"
    for wrong in ({}, {"password": "x"}, {"email": bob.email}, {"password": PASSWORD, "sure": True}):
        assert api(bob).delete(path, wrong, format="json").status_code == 400
    last = api(alice).delete(path, {"password": PASSWORD}, format="json")
    assert (last.status_code, last.json()["error"]["code"]) == (409, "last_owner")
    done = api(bob).delete(path, {"password": PASSWORD}, format="json")
    assert done.status_code == 200 and done.json()["stores"]["memberships"] == 1
    assert User.objects.filter(pk__in=[alice.pk, charlie.pk]).count() == 2
    assert not User.objects.filter(pk=bob.pk).exists() and Chat.objects.get() == chat


def test_the_command_says_what_was_found_and_removed(
    capsys: pytest.CaptureFixture[str], shared: Run, organization: Organization, alice: User, bob: User
) -> None:
    Schedule.objects.create(organization=organization, owner=bob, prompt="x", cron="0 9 * * *", time_zone="UTC")
    call_command("erase_person", bob.email, "--dry-run")
    assert "Nothing was changed" in capsys.readouterr().out and User.objects.filter(pk=bob.pk).exists()
    with pytest.raises(CommandError, match=r"last owner of: Acme.*Make somebody else an owner"):
        call_command("erase_person", alice.email)
    id, there = bob.pk, stores.found(bob.pk)
    assert there["messages"] == 2 and there["schedules"] == 1 and there["memberships"] == 1
    call_command("erase_person", bob.email, "--json")
    told = json.loads(capsys.readouterr().out)
    assert told == {"found": there, "removed": there, "left": {}}
    assert stores.found(id) == {} and not Membership.objects.filter(user=id).exists()
