"""The sessions door over real sockets: one run for each start, read as often as one likes by who holds its id."""

import http.client
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tests.doors.people import cookie_of, newcomer
from tests.live import Server
from tests.streams import Client, Frame, Stream, client, key
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live
AWKWARD = ["naïve “quotes” ", 'back\\slash "and"\n', "new line\r\n", "\U0001f600 done"]
MODEL = "gpt-4o"


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


@pytest.fixture(scope="module")
def charlie(server: Server) -> Client:
    """Outside: owner of another organization."""
    return newcomer(server)


def start(person: Client, prompt: str, **fields: Any) -> dict[str, str]:
    return dict(person.post("/api/chat/start", {"modelId": MODEL, "prompt": prompt, **fields}))


def stream(server: Server, session: str, query: str = "", **headers: str) -> Stream:
    """As an EventSource opens it: no header but those of the browser."""
    return Stream(server, f"/api/chat/stream?sessionId={session}{query}", headers=headers)


def told(server: Server, session: str, query: str = "", **headers: str) -> list[Any]:
    with stream(server, session, query, **headers) as frames:
        assert frames.status == 200
        return [each.json for each in frames]


def text_of(frames: list[Frame]) -> str:
    return "".join(each.json["content"] for each in frames if each.json["type"] == "token")


def history(person: Client, chat: str, **query: Any) -> dict[str, Any]:
    more = "".join(f"&{name}={value}" for name, value in query.items())
    return dict(person.get(f"/api/chat/history?chatId={quote(chat)}{more}"))


def scripted(upstream: Upstream, *turns: Turn) -> str:
    mark = key()
    upstream.script(*turns, key=mark)
    return f"[[key={mark}]] go"


def error_of(server: Server, session: str, **headers: str) -> str:
    (frame,) = told(server, session, **headers)
    assert frame["type"] == "error" and frame["message"]
    return str(frame["code"])


def test_a_prompt_is_answered_token_by_token_and_stored(alice: Client, upstream: Upstream) -> None:
    begun = start(alice, scripted(upstream, Turn(text=AWKWARD)))
    with stream(alice.server, begun["sessionId"]) as frames:
        head, found = frames.response.headers, frames.frames()
    assert head["Content-Type"].startswith("text/event-stream") and "no-cache" in head["Cache-Control"]
    assert [each.json["type"] for each in found] == ["token"] * (len(found) - 1) + ["done"]
    assert all(each.id and not each.event and each.data.isascii() for each in found)
    question, answer = history(alice, begun["chatId"])["messages"]
    assert (question["role"], answer["role"]) == ("user", "assistant")
    assert text_of(found) == answer["content"] == alice.answer(begun["chatId"])["content"] == "".join(AWKWARD)


def test_the_paths_work_without_api_too(alice: Client) -> None:
    begun = alice.post("/chat/start", {"modelId": MODEL, "prompt": "Hello"})
    with Stream(alice.server, f"/chat/stream?sessionId={begun['sessionId']}") as frames:
        text = text_of(frames.frames())
    assert alice.get(f"/chat/history?chatId={begun['chatId']}")["messages"][1]["content"] == text


def test_the_history_is_there_while_the_answer_comes(alice: Client, upstream: Upstream) -> None:
    gate = key()
    begun = start(alice, scripted(upstream, Turn(text=["one ", "two ", "three"], gate=gate, gate_at=2)))
    with stream(alice.server, begun["sessionId"]) as frames:
        assert frames.take(1)[0].json == {"type": "token", "content": "one "}
        question, answer = history(alice, begun["chatId"])["messages"]
        assert question["content"].endswith("go") and answer["status"] == "in_progress"
        upstream.release(gate)
        assert frames.frames()[-1].json == {"type": "done"}


def test_reading_again_gives_the_same_and_starts_nothing(alice: Client, upstream: Upstream) -> None:
    prompt, gate = key(), key()
    upstream.script(Turn(n=20, gate=gate, gate_at=10), key=prompt)
    begun = start(alice, f"[[key={prompt}]] go")
    readers = [stream(alice.server, begun["sessionId"]) for _ in range(3)]
    first = readers[0].take(5)
    readers[0].close()
    upstream.release(gate)
    wholes = [each.frames() for each in readers[1:]]
    with stream(alice.server, begun["sessionId"]) as late:
        wholes.append(late.frames())
    assert wholes[0] == wholes[1] == wholes[2] and wholes[0][:5] == first
    assert len(history(alice, begun["chatId"])["messages"]) == 2
    assert len(upstream.requests(prompt)) == 1


def test_a_reader_who_comes_back_after_any_frame_misses_nothing(alice: Client, upstream: Upstream) -> None:
    begun = start(alice, scripted(upstream, Turn(text=AWKWARD)))
    with stream(alice.server, begun["sessionId"]) as frames:
        whole = frames.frames()
    for k in range(1, len(whole)):
        with stream(alice.server, begun["sessionId"], **{"Last-Event-ID": whole[k - 1].id}) as rest:
            assert whole[:k] + rest.frames() == whole
    assert told(alice.server, begun["sessionId"], **{"Last-Event-ID": whole[-1].id}) == [{"type": "done"}]


def test_typing_is_said_to_who_asks_for_it_until_the_first_token(alice: Client, upstream: Upstream) -> None:
    gate = key()
    begun = start(alice, scripted(upstream, Turn(text=["Hello", " you"], gate=gate)))
    with stream(alice.server, begun["sessionId"], "&typing=1") as frames:
        assert frames.take(1)[0].json == {"type": "typing"}
        upstream.release(gate)
        kinds = [each.json["type"] for each in frames]
    assert kinds[kinds.index("token") :] == ["token", "token", "done"]
    assert "typing" not in [each["type"] for each in told(alice.server, begun["sessionId"])]


def test_a_failed_answer_is_told_in_an_event(alice: Client, upstream: Upstream) -> None:
    begun = start(alice, scripted(upstream, Turn(text=["Half"], fault="cut", at=2), *[Turn(fault="400")] * 3))
    last = told(alice.server, begun["sessionId"])[-1]
    assert last["type"] == "error" and last["message"]
    assert history(alice, begun["chatId"])["messages"][1]["error"] == last["message"]


def test_an_unknown_session_is_told_in_an_event(server: Server) -> None:
    for session in ("", "x", "%00", "%ff", "a" * 64, str(uuid.uuid4())):
        assert error_of(server, session) == "session_unknown"
    begun = start(client(server), "Hello")
    assert error_of(server, begun["sessionId"], **{"Last-Event-ID": "nonsense"}) == "invalid"


def test_whoever_shows_credentials_must_be_the_one_who_started_it(alice: Client, charlie: Client) -> None:
    begun = start(alice, "Hello")
    session = begun["sessionId"]
    for headers in ({"Authorization": f"Bearer {charlie.token}"}, {"Cookie": cookie_of(charlie)}):
        assert error_of(alice.server, session, **headers) == "session_unknown"
    for headers in ({"Authorization": "Bearer made-up"}, {"Cookie": "access_token=made-up"}):
        assert error_of(alice.server, session, **headers) == "not_authenticated"
    with stream(alice.server, session, Cookie="access_token=made-up") as frames:
        assert 'access_token=""' in frames.response.headers["Set-Cookie"], "a cookie that holds nothing is dropped"
    for headers in (
        {"Authorization": f"Bearer {alice.token}"},
        {"Cookie": cookie_of(alice)},
        {"Cookie": "theme=dark"},
        {"Origin": "https://elsewhere.example"},
    ):
        assert told(alice.server, session, **headers)[-1] == {"type": "done"}


def test_a_session_opens_one_run_for_reading_and_nothing_else(alice: Client) -> None:
    begun = start(alice, "Hello")
    for path in (f"/api/chat/history?chatId={begun['chatId']}", f"/api/chats/{begun['chatId']}/", "/api/users/me/"):
        joint = "&" if "?" in path else "?"
        assert alice.server.call("GET", f"{path}{joint}sessionId={begun['sessionId']}").status == 401
    assert alice.server.call("POST", f"/api/chat/stream?sessionId={begun['sessionId']}").status == 405


def test_start_sets_no_cookie(alice: Client) -> None:
    reply = alice.server.call("POST", "/api/chat/start", {"modelId": MODEL, "prompt": "Hi"}, token=alice.token)
    assert reply.status == 201 and "set-cookie" not in reply.headers


def test_two_people_may_use_one_name_and_never_see_each_other(alice: Client, charlie: Client) -> None:
    name = f"conversation-{key()}"
    assert start(alice, "Alice was here", chatId=name)["chatId"] == name
    assert alice.server.call("GET", f"/api/chat/history?chatId={name}", token=charlie.token).status == 404
    begun = start(charlie, "Charlie was here", chatId=name)
    told(alice.server, begun["sessionId"])
    for person, said in ((alice, "Alice was here"), (charlie, "Charlie was here")):
        assert [each["content"] for each in history(person, name)["messages"] if each["role"] == "user"] == [said]
        assert history(person, name)["chatId"] == name


def test_a_named_chat_goes_on_and_is_in_lists(alice: Client, upstream: Upstream) -> None:
    name = f"conversation-{key()} ü/?"
    told(alice.server, start(alice, "My name is Alice.", chatId=name)["sessionId"])
    mark = key()
    upstream.script(Turn(text="Alice."), key=mark)
    told(alice.server, start(alice, f"[[key={mark}]] go", chatId=name)["sessionId"])
    (sent,) = upstream.requests(mark)
    assert "My name is Alice." in json.dumps(sent.messages)
    assert [each["role"] for each in history(alice, name)["messages"]] == ["user", "assistant"] * 2
    assert [each for each in alice.get("/api/chats/")["results"] if each["title"] == "My name is Alice."]


def test_a_chat_of_another_door_goes_on_by_its_id_and_somebody_elses_never_does(alice: Client, charlie: Client) -> None:
    chat = alice.chat()
    alice.wait(alice.start(chat, "Begun at the native door")["run"]["id"])
    told(alice.server, start(alice, "And here", chatId=chat)["sessionId"])
    assert len(history(alice, chat)["messages"]) == 4
    assert alice.server.call("GET", f"/api/chat/history?chatId={chat}", token=charlie.token).status == 404
    told(alice.server, start(charlie, "Mine", chatId=chat)["sessionId"])
    assert len(history(alice, chat)["messages"]) == 4
    assert next(each["content"] for each in history(charlie, chat)["messages"]) == "Mine"


def test_many_first_uses_of_a_name_at_once_make_one_chat(alice: Client) -> None:
    name = f"conversation-{key()}"
    with ThreadPoolExecutor(5) as pool:
        begun = list(pool.map(lambda number: start(alice, f"Prompt {number}", chatId=name), range(5)))
    for each in begun:
        assert told(alice.server, each["sessionId"])[-1] == {"type": "done"}
    said = history(alice, name)["messages"]
    assert [each["role"] for each in said] == ["user", "assistant"] * 5


def test_without_a_name_each_start_is_a_chat_of_its_own(alice: Client) -> None:
    chats = {start(alice, "Hello")["chatId"] for _ in range(2)}
    assert len(chats) == 2
    assert not chats & {each["id"] for each in alice.get("/api/chats/?page_size=200")["results"]}


def test_the_same_key_gets_the_same_session(alice: Client) -> None:
    mark, body = key(), {"modelId": MODEL, "prompt": "Hello"}
    first, second = (alice.post("/api/chat/start", body, Idempotency_Key=mark) for _ in range(2))
    assert first == second and told(alice.server, first["sessionId"])[-1] == {"type": "done"}
    alice.post("/api/chat/start", {**body, "prompt": "Other"}, expect=(422,), Idempotency_Key=mark)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"modelId": "gpt-99"}, "modelId"),
        ({"modelId": None}, "modelId"),
        ({"prompt": " "}, "prompt"),
        ({"prompt": ["x"]}, "prompt"),
        ({"chatId": "x" * 201}, "chatId"),
        ({"chatId": ""}, "chatId"),
        ({"projectId": "x"}, "projectId"),
        ({"temperature": 1}, "temperature"),
    ],
)
def test_what_is_not_right_is_refused_by_the_clients_own_name(alice: Client, fields: Any, named: str) -> None:
    body = {"modelId": MODEL, "prompt": "Hello", **fields}
    error = alice.post("/api/chat/start", body, expect=(400,))["error"]
    assert list(error["fields"]) == [named] and "content" not in error["message"]


def test_null_is_as_good_as_left_out(alice: Client) -> None:
    start(alice, "Hello", chatId=None, projectId=None, taskId=None)


def task_of(person: Client, **fields: Any) -> dict[str, Any]:
    project = person.get("/api/projects/")["results"][0]["id"]
    return dict(person.post("/api/tasks/", {"project": project, "title": "Opening hours", **fields}))


def test_a_task_is_kept_on_both_messages_and_names_the_project(alice: Client) -> None:
    task, chat = task_of(alice, external_id=f"OPS-{key()}"), f"chat-{key()}"
    told(alice.server, start(alice, "Hello", taskId=task["id"], chatId=chat)["sessionId"])
    assert [each["taskId"] for each in history(alice, chat)["messages"]] == [task["id"]] * 2
    (made,) = alice.get(f"/api/chats/?task={task['id']}")["results"]
    assert made["project"] == task["project"]
    assert {each["task"] for each in alice.get(f"/api/chats/{made['id']}/messages/")["results"]} == {task["id"]}
    assert [each["id"] for each in alice.get(f"/api/tasks/?chat={made['id']}")["results"]] == [task["id"]]
    start(alice, "By its name elsewhere", taskId=task["external_id"], chatId=chat)
    start(alice, "By its name elsewhere", taskId=task["external_id"], projectId=task["project"])
    assert {each["taskId"] for each in history(alice, chat)["messages"]} == {task["id"]}


def test_a_task_that_one_does_not_see_or_of_another_project_starts_nothing(alice: Client, charlie: Client) -> None:
    task = task_of(alice)
    body = {"modelId": MODEL, "prompt": "Hello", "taskId": task["id"]}
    unseen = charlie.post("/api/chat/start", body, expect=(404,))
    missing = charlie.post("/api/chat/start", {**body, "taskId": str(uuid.uuid4())}, expect=(404,))
    assert unseen == missing and list(unseen["error"]["fields"]) == ["taskId"]
    organization = alice.get("/api/organizations/")["results"][0]["id"]
    other = alice.post("/api/projects/", {"organization": organization, "name": "Other"})["id"]
    error = alice.post("/api/chat/start", {**body, "projectId": other}, expect=(400,))["error"]
    assert list(error["fields"]) == ["taskId"]
    elsewhere = alice.post("/api/chats/", {"organization": organization, "project": other})["id"]
    error = alice.post("/api/chat/start", {**body, "chatId": elsewhere}, expect=(400,))["error"]
    assert list(error["fields"]) == ["taskId"]
    assert history(alice, elsewhere)["messages"] == []
    unseen = charlie.post("/api/chat/start", {**body, "taskId": None, "projectId": task["project"]}, expect=(404,))
    assert list(unseen["error"]["fields"]) == ["projectId"]


def test_the_history_of_all_chats_comes_in_pages_newest_first_and_oldest_first_inside(server: Server) -> None:
    dora, bob = newcomer(server), newcomer(server)
    told(server, start(bob, "Bob's own")["sessionId"])
    for number in range(5):
        told(server, start(dora, f"Prompt {number}", chatId=f"chat-{number % 2}")["sessionId"])
    pages, cursor = [], ""
    while cursor is not None:
        page = dora.get(f"/api/chat/history?limit=4{cursor and f'&cursor={cursor}'}")
        pages.append([(each["chatId"], each["role"], each["content"]) for each in page["messages"]])
        cursor = page["next"]
    assert [len(each) for each in pages] == [4, 4, 2]
    said = [each for page in reversed(pages) for each in page]
    assert [each[2] for each in said[::2]] == [f"Prompt {number}" for number in range(5)]
    assert [each[:2] for each in said] == [(f"chat-{n // 2 % 2}", ("user", "assistant")[n % 2]) for n in range(10)]
    assert next(each["content"] for each in bob.get("/api/chat/history")["messages"]) == "Bob's own"


def test_the_history_of_a_chat_comes_in_pages_too(alice: Client, charlie: Client) -> None:
    chat = f"chat-{key()}"
    for number in range(3):
        told(alice.server, start(alice, f"{number}", chatId=chat)["sessionId"])
    whole = history(alice, chat)
    assert whole["next"] is None and len(whole["messages"]) == 6
    newest = history(alice, chat, limit=4)
    rest = history(alice, chat, limit=4, cursor=newest["next"])
    assert rest["messages"] + newest["messages"] == whole["messages"] and rest["next"] is None
    for query in (f"cursor={newest['next']}", "cursor=x", "limit=0", "limit=x"):
        assert charlie.server.call("GET", f"/api/chat/history?{query}", token=charlie.token).status == 400


def test_a_regenerated_answer_takes_the_place_of_the_first(alice: Client) -> None:
    begun = start(alice, "Hello")
    told(alice.server, begun["sessionId"])
    first = history(alice, begun["chatId"])["messages"][1]["id"]
    alice.wait(alice.post(f"/api/messages/{first}/regenerate/", {})["id"])
    question, answer = history(alice, begun["chatId"])["messages"]
    assert question["content"] == "Hello" and answer["role"] == "assistant" and answer["id"] != first


def test_nothing_of_a_session_is_in_an_answer_that_a_stranger_gets(alice: Client) -> None:
    """A browser of another origin may read the stream by its id, but is sent no header that shares cookies."""
    begun = start(alice, "Hello")
    connection = http.client.HTTPConnection(urlsplit(alice.server.url).netloc, timeout=30)
    connection.request(
        "GET", f"/api/chat/stream?sessionId={begun['sessionId']}", headers={"Origin": "https://evil.test"}
    )
    answered = connection.getresponse()
    assert answered.status == 200 and "Access-Control-Allow-Origin" not in answered.headers
    assert begun["sessionId"].encode() not in answered.read()
