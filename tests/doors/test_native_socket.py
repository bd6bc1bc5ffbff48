"""The WebSocket of a chat, between two people and a real server."""

import http.cookiejar
import json
import statistics
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests import environment
from tests.doors.people import cookie_of, newcomer
from tests.live import OWNER, PASSWORD, Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live
SOON_S = 0.2


class Feed:
    """One person's socket in a chat, or of another thing."""

    def __init__(self, server: Server, chat: str, *, query: str = "", of: str = "chats", **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"{server.url.replace('http', 'ws', 1)}/ws/{of}/{chat}/{query}"
        self.connection: ClientConnection = connect(url, additional_headers=named, open_timeout=30, legacy=True)
        self.seen: list[dict[str, Any]] = []

    def __enter__(self) -> "Feed":
        return self

    def __exit__(self, *error: object) -> None:
        self.connection.close()

    def send(self, **message: Any) -> None:
        self.connection.send(json.dumps(message))

    def next(self, timeout_s: float = 10) -> dict[str, Any]:
        found = dict(json.loads(self.connection.recv(timeout=timeout_s)))
        self.seen.append(found)
        return found

    def until(self, type: str, timeout_s: float = 10, **fields: Any) -> dict[str, Any]:
        """The next message of this type with these fields."""
        end = time.monotonic() + timeout_s
        while True:
            found = self.next(max(0.01, end - time.monotonic()))
            if found["type"] == type and all(found.get(name) == value for name, value in fields.items()):
                return found

    def close_code(self) -> int:
        """With which the server ends it."""
        try:
            while True:
                self.next()
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            return closed.rcvd.code


def feed(person: Client, chat: str) -> Feed:
    """The person's socket, welcomed."""
    opened = Feed(person.server, chat, Authorization=f"Bearer {person.token}")
    opened.until("welcome")
    return opened


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


@pytest.fixture
def bob(alice: Client) -> Client:
    place = alice.get("/api/organizations/")["results"][0]["name"]
    return newcomer(alice.server, organization=place, role="editor")


@pytest.fixture
def chat(alice: Client) -> str:
    return alice.chat(sharing="project", project_access="write")


@pytest.fixture
def two(alice: Client, bob: Client, chat: str) -> Iterator[tuple[Feed, Feed]]:
    with feed(alice, chat) as first, feed(bob, chat) as second:
        first.until("presence", is_here=True)
        second.until("presence", is_here=True)
        yield first, second


def timed(look: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.monotonic()
    return look(), time.monotonic() - begun


def typical(times: list[float]) -> float:
    """One slow moment of a busy machine says nothing."""
    return statistics.median(times)


def test_both_see_what_is_said_of_a_message(alice: Client, bob: Client, two: tuple[Feed, Feed], chat: str) -> None:
    run = alice.start(chat, content="Hello")
    answer = run["message"]["id"]
    alice.wait(run["run"]["id"])
    place = f"/api/messages/{answer}"
    alice.server.call("PUT", f"{place}/feedback/", {"rating": "up"}, token=alice.token)
    own = {"rating": "up", "reasons": [], "comment": ""}
    for feed, mine in zip(two, (own, None), strict=True):
        told = feed.until("message.said_of", message=answer)
        assert told["feedback"] == {"up": 1, "down": 0, "mine": mine}, "each is told of their own only"
        assert set(told) == {"type", "message", "feedback", "reactions", "annotations"}
    bob.server.call("PUT", f"{place}/reactions/%F0%9F%9A%80/", token=bob.token)
    bob.post(f"{place}/annotations/", {"start": 0, "end": 1, "quote": first_of(bob, answer), "body": "Hm"})
    for feed, is_mine in zip(two, (False, True), strict=True):
        told = feed.until("message.said_of", annotations=1)
        assert told["reactions"] == [{"emoji": "🚀", "count": 1, "mine": is_mine}]


def first_of(person: Client, message: str) -> str:
    """The first character of a message."""
    return str(person.get(f"/api/messages/{message}/")["content"][0])


def test_the_second_sees_the_firsts_message_within_200_ms(alice: Client, two: tuple[Feed, Feed], chat: str) -> None:
    _, second = two
    times = []
    for number in range(5):
        alice.post(f"/api/chats/{chat}/messages/", {"content": f"Number {number}"})
        said, took_s = timed(lambda: second.until("message.created"))
        assert said["message"]["content"] == f"Number {number}"
        times.append(took_s)
    assert typical(times) < SOON_S


def test_the_second_sees_the_stream_within_200_ms_and_then_the_whole(
    alice: Client, two: tuple[Feed, Feed], chat: str, upstream: Upstream
) -> None:
    mark, gate = key(), key()
    upstream.script(Turn(n=10, delay_ms=20, gate=gate), key=mark)
    _, second = two
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    created = second.until("message.created"), second.until("message.created")
    assert [each["message"]["role"] for each in created] == ["user", "assistant"]
    assert second.until("run.created")["run"]["id"] == run
    second.send(type="follow", run=run)
    second.until("run.event")
    upstream.release(gate)
    times = []
    while (event := second.until("run.event")["event"])["type"] != "run.completed":
        if event["type"] == "text.delta":
            times.append(time.time() - event["at"])
    assert len(times) == 10 and typical(times) < SOON_S
    while "run.changed" not in [each["type"] for each in second.seen]:  # it comes behind the message
        second.next()
    told = {each["type"]: each for each in second.seen}
    assert told["message.changed"]["message"] == alice.answer(chat)
    assert told["message.changed"]["message"]["content"] == "0 1 2 3 4 5 6 7 8 9 "
    assert told["run.changed"]["run"]["status"] == "succeeded"


def test_typing_is_seen_within_200_ms_and_only_by_the_others(two: tuple[Feed, Feed]) -> None:
    first, second = two
    times = []
    for is_typing in (True, False, True, False, True):
        first.send(type="typing", is_typing=is_typing)
        seen, took_s = timed(lambda: second.until("typing"))
        assert seen["is_typing"] is is_typing and seen["user"]["name"]
        times.append(took_s)
    assert typical(times) < SOON_S
    first.send(type="ping")
    first.until("pong")
    assert "typing" not in [each["type"] for each in first.seen]


def test_coming_and_going_is_seen_within_200_ms(alice: Client, bob: Client, chat: str) -> None:
    times = []
    with feed(alice, chat) as first:
        for _ in range(3):
            second = feed(bob, chat)
            came, took_s = timed(lambda: first.until("presence"))
            assert came["is_here"] is True
            times.append(took_s)
            feed(bob, chat).connection.close()  # a second tab changes nothing
            second.connection.close()
            left, took_s = timed(lambda: first.until("presence"))
            assert left == {"type": "presence", "user": came["user"], "is_here": False}
            times.append(took_s)
    assert typical(times) < SOON_S


def test_a_runs_events_are_those_of_sse_with_the_same_cursors(alice: Client, chat: str, upstream: Upstream) -> None:
    mark = key()
    upstream.script(Turn(n=6, text="naïve “quotes”\r\n\U0001f600 "), key=mark)
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    alice.wait(run)
    with alice.events(run) as stream:
        expected = [(frame.id, frame.json) for frame in stream.frames()]
    with feed(alice, chat) as opened:
        opened.send(type="follow", run=run)
        opened.until("run.event", event=expected[-1][1])
        got = [(each["id"], each["event"]) for each in opened.seen if each["type"] == "run.event"]
        assert got == expected
        for number in (0, 3, len(expected) - 2):
            opened.seen.clear()
            opened.send(type="follow", run=run, after=expected[number][0])
            opened.until("run.event", event=expected[-1][1])
            rest = [(each["id"], each["event"]) for each in opened.seen if each["type"] == "run.event"]
            assert rest == expected[number + 1 :]
        opened.send(type="follow", run=run, after=expected[-1][0])
        assert opened.until("run.over")["run"] == run


def test_what_services_do_is_told(alice: Client, two: tuple[Feed, Feed], chat: str) -> None:
    _, second = two
    said = alice.post(f"/api/chats/{chat}/messages/", {"content": "Just so"})
    assert second.until("message.created")["message"] == said
    path = f"/api/messages/{said['id']}/"
    edited = alice.server.call("PATCH", path, {"content": "Just this"}, token=alice.token).body
    assert second.until("message.changed")["message"]["content"] == edited["content"] == "Just this"
    alice.server.call("DELETE", path, token=alice.token)
    assert second.until("message.changed")["message"]["status"] == "deleted"
    alice.server.call("PATCH", f"/api/chats/{chat}/", {"title": "Renamed"}, token=alice.token)
    assert second.until("chat.changed")["chat"]["title"] == "Renamed"
    alice.server.call("DELETE", f"/api/chats/{chat}/", token=alice.token)
    assert second.close_code() == 4404


def refused(server: Server, chat: str, **headers: str) -> int:
    query = headers.pop("query", "")
    with pytest.raises(InvalidStatus) as error:
        Feed(server, chat, query=query, **headers)
    return error.value.response.status_code


def test_nobody_else_gets_in_and_foreign_looks_like_unknown(alice: Client, chat: str) -> None:
    charlie = newcomer(alice.server)
    known = refused(alice.server, chat, Authorization=f"Bearer {charlie.token}")
    unknown = refused(alice.server, str(uuid.uuid4()), Authorization=f"Bearer {charlie.token}")
    assert known == unknown == 403
    assert refused(alice.server, chat) == refused(alice.server, chat, Authorization="Bearer no") == 403
    assert refused(alice.server, "no-chat", Authorization=f"Bearer {alice.token}") == 403


def test_a_cookie_needs_an_origin_that_is_ours(alice: Client, chat: str) -> None:
    cookie = cookie_of(alice)
    for origin in ("https://evil.example", "null"):
        assert refused(alice.server, chat, Cookie=cookie, Origin=origin) == 403
    assert refused(alice.server, chat, Cookie=cookie) == 403
    with Feed(alice.server, chat, Cookie=cookie, Origin=alice.server.url) as opened:
        assert opened.next()["type"] == "welcome"


def test_a_session_opens_it_from_our_own_page_only(alice: Client, chat: str) -> None:
    cookie = session_of(alice.server)
    assert refused(alice.server, chat, Cookie=cookie, Origin="https://evil.example") == 403
    with Feed(alice.server, chat, Cookie=cookie, Origin=alice.server.url) as opened:
        assert opened.next()["type"] == "welcome"


def session_of(server: Server) -> str:
    """The cookie of the owner who has signed in on the page."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    browser.open(f"{server.url}/login/")
    token = next(each.value for each in jar if each.name == "csrftoken")
    form = {"username": OWNER, "password": PASSWORD, "csrfmiddlewaretoken": token}
    browser.open(f"{server.url}/login/", urllib.parse.urlencode(form).encode())
    return next(f"{each.name}={each.value}" for each in jar if each.name == "sessionid")


def test_a_ticket_opens_its_own_chat_once(alice: Client, chat: str) -> None:
    ticket = alice.post("/api/auth/ticket", {"chat": chat})["ticket"]
    assert refused(alice.server, alice.chat(), query=f"?ticket={ticket}") == 403
    with Feed(alice.server, chat, query=f"?ticket={ticket}") as opened:
        assert opened.next()["type"] == "welcome"
    assert refused(alice.server, chat, query=f"?ticket={ticket}") == 403


def test_who_only_reads_cannot_type(alice: Client) -> None:
    place = alice.get("/api/organizations/")["results"][0]["name"]
    viewer = newcomer(alice.server, organization=place, role="viewer")
    with feed(viewer, alice.chat(sharing="project", project_access="write")) as opened:
        opened.send(type="typing")
        told = opened.until("error")
        assert (told["of"], told["error"]["code"]) == ("typing", "not_allowed")


def test_a_run_of_another_chat_is_not_found(alice: Client, chat: str) -> None:
    run = alice.start(alice.chat(), "demo")["run"]["id"]
    with feed(alice, chat) as opened:
        for bad in (run, str(uuid.uuid4()), "x", None):
            opened.send(type="follow", run=bad)
            assert list(opened.until("error")["error"]["fields"]) == ["run"]
        opened.send(type="follow", run=run, after="nonsense")
        assert opened.until("error")["error"]["code"] == "invalid"


@pytest.mark.parametrize("bad", ["", "x", "[]", "{}", '{"type":"no"}', '{"type":"ping","x":1}', '{"type":NaN}'])
def test_a_message_that_is_not_right_is_refused_and_the_socket_stays(alice: Client, chat: str, bad: str) -> None:
    with feed(alice, chat) as opened:
        opened.connection.send(bad)
        assert opened.until("error")["error"]["message"]
        opened.send(type="ping")
        opened.until("pong")


def test_too_large_and_too_many_are_cut(alice: Client, chat: str) -> None:
    with feed(alice, chat) as opened:
        opened.connection.send("x" * 20_000)
        assert opened.close_code() == 1009
    with feed(alice, chat) as opened:
        for _ in range(200):
            try:
                opened.send(type="ping")
            except ConnectionClosed:
                break
        assert opened.close_code() == 4429


def test_a_right_that_ends_closes_the_socket(new_server: Callable[..., Server]) -> None:
    alice = client(new_server(CHAT_HEARTBEAT_S="0.3").start())
    organization = alice.get("/api/organizations/")["results"][0]
    bob = newcomer(alice.server, organization=organization["name"], role="editor")
    chat = alice.chat(sharing="project")
    with feed(bob, chat) as opened:
        beat = opened.until("heartbeat")
        assert (beat["position"], beat["live_run"]) == (0, None)
        members = alice.get(f"/api/organizations/{organization['id']}/members/")["results"]
        (membership,) = [each for each in members if each["user"]["id"] == bob.get("/api/users/me/")["id"]]
        alice.server.call(
            "DELETE", f"/api/organizations/{organization['id']}/members/{membership['id']}/", token=alice.token
        )
        assert opened.close_code() == 4404
    assert refused(alice.server, chat, Authorization=f"Bearer {bob.token}") == 403


def test_at_the_next_message_a_lost_right_is_noticed(alice: Client, bob: Client, chat: str) -> None:
    with feed(bob, chat) as opened:
        alice.server.call("PATCH", f"/api/chats/{chat}/", {"sharing": "private"}, token=alice.token)
        assert opened.close_code() == 4404


@pytest.mark.skipif(environment.profile() == "embedded", reason="SQLite is for one process")
def test_two_processes_show_each_other_what_happens(new_server: Callable[..., Server], upstream: Upstream) -> None:
    alice = client(new_server().start())
    there = Client(alice.server.sibling().start_process(), alice.token)
    try:
        place = alice.get("/api/organizations/")["results"][0]["name"]
        bob = Client(there.server, newcomer(alice.server, organization=place, role="editor").token)
        chat, mark = alice.chat(sharing="project", project_access="write"), key()
        upstream.script(Turn(n=5, delay_ms=20), key=mark)
        with feed(alice, chat) as first, feed(bob, chat) as second:
            assert first.until("presence")["is_here"] and second.until("presence")["is_here"]
            first.send(type="typing")
            assert second.until("typing")["is_typing"]
            run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
            second.until("run.created")
            second.send(type="follow", run=run)
            while second.until("run.event")["event"]["type"] != "run.completed":
                pass
            texts = [each["event"].get("text", "") for each in second.seen if each["type"] == "run.event"]
            assert "".join(texts) == "0 1 2 3 4 "
            if not any(each["type"] == "run.changed" for each in second.seen):
                second.until("run.changed")
    finally:
        there.server.close()
