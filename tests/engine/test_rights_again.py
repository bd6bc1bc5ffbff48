"""Who left has nothing done in their name: rights are asked again whenever a run is claimed, before the provider is."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import ApiKey, Membership, Role, User
from agents.errors import NoRights
from chat.models import Chat, Run, RunStatus
from chat.runner import lease
from chat.runner.beginning import WorkOrder, begin_work
from chat.runner.kinds import DRIVERS
from chat.runner.kinds.base import Broken
from chat.runner.loading import load
from tests.chat.rows import answer
from tests.doors.people import newcomer
from tests.live import Server
from tests.streams import client, key
from tests.upstream import ScriptedCall, Turn, Upstream

NewServer = Callable[..., Server]
WRITE = ScriptedCall("write_file", {"path": "notes.txt", "content": "x"})


class Room:
    """A chat of Alice's in which Bob may write, until he leaves."""

    def __init__(self, server: Server) -> None:
        self.alice = client(server)
        self.chat = self.alice.chat(sharing="project", project_access="write")
        self.organization = self.alice.get(f"/api/chats/{self.chat}/")["organization"]
        self.bob = newcomer(server, organization=self.organization, role="editor")

    def bob_leaves(self) -> None:
        me = self.bob.get("/api/users/me/")["id"]
        path = f"/api/organizations/{self.organization}/members/"
        (row,) = [each for each in self.alice.get(path)["results"] if each["user"]["id"] == me]
        assert self.alice.server.call("DELETE", f"{path}{row['id']}/", token=self.alice.token).status == 204

    def refused(self, run: str, upstream: Upstream, mark: str, asked: int) -> None:
        """The run failed for want of rights; its provider was asked that often, all of it before."""
        ended = self.alice.wait(run)
        assert (ended["status"], ended["error"]["code"]) == ("failed", "no_rights")
        assert len(upstream.requests(mark)) == asked

    def goes_on(self, upstream: Upstream) -> None:
        """The chat itself is as usable as ever."""
        mark = key()
        upstream.script(Turn(text="Yes."), key=mark)
        assert self.alice.wait(self.alice.start(self.chat, f"[[key={mark}]] go")["run"]["id"])["status"] == "succeeded"


def test_a_run_that_waited_behind_another(server: Server, upstream: Upstream) -> None:
    room, mark, other, gate = Room(server), key(), key(), key()
    upstream.script(Turn(n=5, gate=gate, gate_at=2), key=other)
    first = room.alice.start(room.chat, f"[[key={other}]] go")["run"]["id"]
    second = room.bob.start(room.chat, f"[[key={mark}]] go")["run"]["id"]
    room.bob_leaves()
    upstream.release(gate)
    assert room.alice.wait(first)["status"] == "succeeded"
    room.refused(second, upstream, mark, asked=0)
    assert room.alice.get(f"/api/runs/{second}/")["usage"]["total_tokens"] == 0
    room.goes_on(upstream)


@pytest.mark.parametrize("way", ["killed", "handed over"])
def test_a_run_that_another_process_takes_over(way: str, new_server: NewServer, upstream: Upstream) -> None:
    server = new_server(CHAT_LEASE_S="1", CHAT_LEASE_RENEW_S="0.3", CHAT_DRAIN_S="0.5").start()
    room, mark, gate = Room(server), key(), key()
    upstream.script(Turn(n=10, gate=gate, gate_at=5), key=mark)
    run = room.bob.start(room.chat, f"[[key={mark}]] go")["run"]["id"]
    upstream.wait_for(lambda seen: seen and seen[0].waits_at == gate, key=mark)
    room.bob_leaves()
    if way == "killed":
        server.kill()
    else:
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        stopping.join(20)
    server.start_process()
    room.refused(run, upstream, mark, asked=1)
    upstream.release(gate)


def test_a_run_that_waited_for_an_approval(new_server: NewServer, upstream: Upstream) -> None:
    room, mark = Room(new_server(TOOLS_ASK_FIRST="write_file").start()), key()
    upstream.script(Turn(text="May I?", tool_calls=[WRITE]), Turn(text="Done."), key=mark)
    run = room.bob.start(room.chat, f"[[key={mark}]] go")["run"]["id"]
    with room.alice.events(run) as stream:
        call = stream.until("approval.requested")[-1].json["call"]
    room.bob_leaves()
    path = f"/api/runs/{run}/approvals/{call}"
    while room.alice.get(f"/api/runs/{run}/")["status"] != "waiting":
        pass
    room.alice.post(path, {"decision": "allow"})
    room.refused(run, upstream, mark, asked=1)
    results = [each for each in room.alice.answer(room.chat)["parts"] if each["type"] == "tool_result"]
    assert not any("error" not in each for each in results), "the tool was not run"


def left(user: User) -> None:
    Membership.objects.filter(user=user).delete()


def demoted(user: User) -> None:
    Membership.objects.filter(user=user).update(role=Role.VIEWER)


def deactivated(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("kind", ["answer", "title", "summary"])
@pytest.mark.parametrize("what", [left, demoted, deactivated])
def test_any_kind_of_run_is_refused_before_it_is_read(
    kind: str, what: Callable[[User], None], alice: User, chat: Chat
) -> None:
    run = answer(chat, alice, RunStatus.QUEUED)
    if kind != "answer":
        asked: dict[str, Any] = {"title": chat.title, "position": 1}
        run, _ = begin_work(DRIVERS[kind], WorkOrder(user_id=alice.pk, chat=chat, asked=asked), claims=False)
    assert lease.claim_queued(run.pk)
    run.refresh_from_db()
    before = load(run.pk, run.attempt)
    assert before is not None and not isinstance(before.work, Broken)
    what(alice)
    after = load(run.pk, run.attempt)
    assert after is not None and isinstance(after.work, Broken) and isinstance(after.work.error, NoRights)


def test_a_revoked_key_stops_nothing_that_it_began(alice: User, chat: Chat) -> None:
    run = answer(chat, alice, RunStatus.QUEUED)
    ApiKey.objects.all().delete()
    assert lease.claim_queued(run.pk)
    run = Run.objects.get(pk=run.pk)
    loaded = load(run.pk, run.attempt)
    assert loaded is not None and not isinstance(loaded.work, Broken)
