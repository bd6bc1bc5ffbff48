"""The threads door over real sockets: threads, messages, and responses whole or streamed."""

import re
import uuid
from typing import Any

import pytest

from tests.doors.people import cookie_of, newcomer
from tests.live import Server
from tests.streams import Client, Stream, client, key
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live
AWKWARD = ["naïve “quotes” ", 'back\\slash "and"\n', "new line\r\n", "\U0001f600 done"]
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


@pytest.fixture(scope="module")
def charlie(server: Server) -> Client:
    """Outside: owner of another organization."""
    return newcomer(server)


@pytest.fixture
def thread(alice: Client) -> str:
    return str(alice.post("/chat/threads", {"title": "Test"})["thread"]["id"])


def stream(person: Client, thread: str, content: str, **headers: str) -> Stream:
    path = f"/chat/threads/{thread}/messages/stream"
    return Stream(person.server, path, {"content": content}, token=person.token, headers=headers)


def messages(person: Client, thread: str) -> list[dict[str, Any]]:
    return list(person.get(f"/chat/threads/{thread}/messages")["messages"])


def scripted(upstream: Upstream, *turns: Turn) -> str:
    mark = key()
    upstream.script(*turns, key=mark)
    return f"[[key={mark}]] go"


def test_a_thread_is_made_and_listed(alice: Client) -> None:
    title = f"Opening hours {key()}"
    made = alice.post("/chat/threads", {"title": title})["thread"]
    assert made["title"] == title and uuid.UUID(made["id"])
    assert made in alice.get("/chat/threads")["threads"]
    assert alice.get(f"/api/chats/{made['id']}/")["title"] == title
    assert alice.post("/chat/threads", {})["thread"]["title"] == ""


def test_the_list_comes_in_pages_newest_first(server: Server) -> None:
    dora = newcomer(server)
    made = [dora.post("/chat/threads", {"title": str(number)})["thread"]["id"] for number in range(5)]
    found, cursor = [], ""
    while cursor is not None:
        page = dora.get(f"/chat/threads?limit=2{cursor and f'&cursor={cursor}'}")
        found += [each["id"] for each in page["threads"]]
        cursor = page["next"]
    assert found == made[::-1]


def test_every_frame_has_type_data_and_time_in_the_order_of_the_wire(
    alice: Client, thread: str, upstream: Upstream
) -> None:
    with stream(alice, thread, scripted(upstream, Turn(text=AWKWARD))) as frames:
        head, found = frames.response.headers, frames.frames()
    assert head["Content-Type"].startswith("text/event-stream") and "no-cache" in head["Cache-Control"]
    assert all(
        set(each.json) == {"type", "data", "timestamp"} and ISO.fullmatch(each.json["timestamp"]) for each in found
    )
    assert all(not each.id and not each.event and each.data.isascii() for each in found)
    kinds = [each.json["type"] for each in found]
    assert kinds == ["connected", "message_saved", *["ai_response"] * (len(found) - 3), "done"]
    assert found[0].json["data"] == {"threadId": thread}
    question, answer = messages(alice, thread)
    saved = found[1].json["data"]["message"]
    assert (saved["id"], saved["role"], saved["content"]) == (question["id"], "user", question["content"])
    said = [each.json["data"] for each in found[2:-1]]
    assert [each["isComplete"] for each in said] == [False] * (len(said) - 1) + [True]
    assert "".join(each["content"] for each in said) == said[-1]["accumulated"] == answer["content"] == "".join(AWKWARD)
    assert found[-1].json["data"] == {"success": True}


def test_a_response_comes_whole_to_who_asks_without_stream(alice: Client, thread: str, upstream: Upstream) -> None:
    prompt = scripted(upstream, Turn(text=AWKWARD))
    got = alice.post(f"/chat/threads/{thread}/messages", {"content": prompt}, expect=(200,))
    question, answer = messages(alice, thread)
    assert got["response"] == answer["content"] == "".join(AWKWARD)
    assert got["message"] == answer and question["content"] == prompt


def test_a_failed_response_is_an_error_last_and_a_502(alice: Client, thread: str, upstream: Upstream) -> None:
    failing = [Turn(text=["Half"], fault="cut", at=2), *[Turn(fault="400")] * 3]
    with stream(alice, thread, scripted(upstream, *failing)) as frames:
        found = frames.frames()
    assert found[-1].json["type"] == "error" and found[-1].json["data"]["error"]
    assert "done" not in [each.json["type"] for each in found]
    prompt = scripted(upstream, *[Turn(fault="400")] * 4)
    error = alice.post(f"/chat/threads/{thread}/messages", {"content": prompt}, expect=(502,))["error"]
    assert error["message"] == messages(alice, thread)[-1]["error"]


def test_a_client_that_leaves_does_not_stop_the_response(alice: Client, thread: str, upstream: Upstream) -> None:
    gate = key()
    with stream(alice, thread, scripted(upstream, Turn(text=["one ", "two"], gate=gate, gate_at=2))) as frames:
        frames.take(3)
    upstream.release(gate)
    run = alice.get(f"/api/runs/?chat={thread}")["results"][0]["id"]
    alice.wait(run)
    assert messages(alice, thread)[1]["content"] == "one two"


def test_a_repeated_key_attaches_to_the_same_response(alice: Client, thread: str) -> None:
    mark = {"Idempotency-Key": key()}
    with stream(alice, thread, "Hello", **mark) as first, stream(alice, thread, "Hello", **mark) as second:
        assert first.frames() == second.frames()
    assert len(messages(alice, thread)) == 2


def test_a_thread_goes_on_at_other_doors_and_they_in_a_thread(alice: Client, thread: str) -> None:
    alice.wait(alice.start(thread, "At the native door")["run"]["id"])
    alice.post(f"/chat/threads/{thread}/messages", {"content": "In the thread"})
    told = [each["content"] for each in messages(alice, thread) if each["role"] == "user"]
    assert told == ["At the native door", "In the thread"]


def test_the_cookie_of_a_browser_is_enough_on_its_own_origin_only(alice: Client, thread: str) -> None:
    """System 3's React hook sends no token."""
    path, body = f"/chat/threads/{thread}/messages/stream", {"content": "Hello"}
    cookie = {"Cookie": cookie_of(alice)}
    with Stream(alice.server, path, body, headers={**cookie, "Origin": alice.server.url}) as frames:
        assert frames.frames()[-1].json["type"] == "done"
    with Stream(alice.server, path, body, headers={**cookie, "Origin": "https://evil.test"}) as frames:
        assert frames.status == 403
    assert len(messages(alice, thread)) == 2


def test_a_thread_is_for_its_people_only(alice: Client, charlie: Client, thread: str) -> None:
    for id in (thread, str(uuid.uuid4())):
        path = f"/chat/threads/{id}/messages"
        answers = [
            charlie.server.call("GET", path, token=charlie.token),
            charlie.server.call("POST", path, {"content": "x"}, token=charlie.token),
            charlie.server.call("POST", f"{path}/stream", {"content": "x"}, token=charlie.token),
        ]
        assert [each.status for each in answers] == [404] * 3
    assert messages(alice, thread) == [] and charlie.get("/chat/threads")["threads"] == []


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "content"),
        ({"content": ""}, "content"),
        ({"content": ["x"]}, "content"),
        ({"content": "x", "stream": True}, "stream"),
    ],
)
def test_what_is_not_right_is_refused_before_the_stream(alice: Client, thread: str, body: Any, named: str) -> None:
    for path in ("messages", "messages/stream"):
        error = alice.post(f"/chat/threads/{thread}/{path}", body, expect=(400,))["error"]
        assert list(error["fields"]) == [named]
    assert messages(alice, thread) == []


@pytest.mark.parametrize(
    ("body", "named"), [({"title": 5}, "title"), ({"title": "x" * 201}, "title"), ({"projectId": "x"}, "projectId")]
)
def test_a_thread_that_is_not_right_is_refused_by_name(alice: Client, body: Any, named: str) -> None:
    assert list(alice.post("/chat/threads", body, expect=(400,))["error"]["fields"]) == [named]


def test_a_project_that_one_does_not_see_is_not_found(alice: Client, charlie: Client) -> None:
    project = alice.get("/api/projects/")["results"][0]["id"]
    error = charlie.post("/chat/threads", {"projectId": project}, expect=(404,))["error"]
    assert list(error["fields"]) == ["projectId"]
    assert alice.post("/chat/threads", {"projectId": project})["thread"]["projectId"] == project
