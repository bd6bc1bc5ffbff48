"""How often one may start runs: the same at every door, each in its own words, over all processes."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from websockets.sync.client import connect

from tests import environment
from tests.deploy.test_limits import QUIET, SAYS, STARTING, post
from tests.doors.people import newcomer
from tests.live import Reply, Server
from tests.servers import Redis
from tests.streams import Client, client, key
from tests.upstream import Upstream

pytestmark = pytest.mark.live
OFF = {"LIMITS_USER": "0", "LIMITS_KEY": "0", "LIMITS_ORGANIZATION": "0"}
THREE = {**OFF, "LIMITS_USER": "1/3600s:3"}  # at once, and then none for as long as a test takes
DEFAULTS = {
    "LIMITS_USER": "120/60s:40",
    "LIMITS_KEY": "120/60s:40",
    "LIMITS_ORGANIZATION": "1200/60s:300",
    "CHAT_SESSION_PROMPTS": "10",
}
TOLD = ("ratelimit", "ratelimit-policy")
OPENAI = ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests")
TRPC = {
    "tRPC sendMessage": ("/trpc/chat.sendMessage", {"projectId": "{project}", "message": "go"}),
    "editorChat sendMessage": ("/api/trpc/editorChat.sendMessage", {"chatId": "{chat}", "content": "go"}),
    "editorChat regenerate": ("/trpc/editorChat.regenerate", {"chatId": "{chat}", "messageId": "{message}"}),
}
MORE = {
    "native, a new chat": post("/api/chats/runs", {"chat": {}, "content": "go"}),
    "regenerate": post("/api/messages/{message}/regenerate/", {}),
    "schedule": post("/api/schedules/{schedule}/run-now", {}),
    "conversations": post("/v1/conversations/conv_{chat}/messages", {"content": "go"}),
    "responses, compact": post("/v1/responses/compact", {"model": "demo", "input": "go"}),
    "llm": post("/api/llm/chat/completions", {"model": "demo", "messages": SAYS[:1]}),
    **{name: post(path, body) for name, (path, body) in TRPC.items()},
}
DOORS = {**STARTING, **{f"{name}, quietly": row for name, row in QUIET.items()}, **MORE}


@pytest.fixture(scope="module")
def slow(upstream: Upstream) -> Iterator[Server]:
    """A server where everybody may start three runs."""
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", AGENT_ALLOW_GUESTS="true", **THREE)
    server.start()
    yield server
    server.close()


def settled(server: Server) -> tuple[Client, dict[str, str]]:
    """Somebody new who has taken all three, and what the paths of the tables may name."""
    person = newcomer(server)
    home = person.get("/api/organizations/")["results"][0]["id"]
    project = person.post("/api/projects/", {"organization": home, "name": "Here"})["id"]
    chat = person.chat()
    said = [person.start(chat, "go") for _ in range(3)]
    for each in said:
        person.wait(each["run"]["id"])
    times = {"chat": chat, "prompt": "go", "cron": "0 4 * * *", "time_zone": "UTC"}
    schedule = person.post("/api/schedules/", times)["id"]
    names = {"chat": chat, "project": project, "message": said[0]["message"]["id"], "schedule": schedule}
    return person, {**names, "run": said[0]["run"]["id"]}


def called(person: Client, row: tuple[str, str, Any, Any], names: dict[str, str], **headers: str) -> Reply:
    method, path, body, _ = row
    text = json.dumps(body)
    for name, value in names.items():
        path, text = path.replace(f"{{{name}}}", value), text.replace(f"{{{name}}}", value)
    return person.server.call(method, path, json.loads(text), token=person.token, headers=headers)


def stored(person: Client) -> tuple[int, int]:
    return tuple(len(person.get(f"{path}?page_size=200")["results"]) for path in ("/api/runs/", "/api/chats/"))  # type: ignore[return-value]


def test_every_door_refuses_in_its_own_words_says_when_to_come_back_and_stores_nothing(slow: Server) -> None:
    person, names = settled(slow)
    home = person.get("/api/organizations/")["results"][0]["id"]
    person.post("/api/characters/", {"id": 7, "organization": home, "name": "Guide", "archetype": "generalist"})
    before = stored(person)
    for name, row in DOORS.items():
        reply = called(person, row, names)
        assert reply.status == 429, (name, reply)
        assert 3500 < int(reply.headers["retry-after"]) <= 3600, name
        assert reply.headers["ratelimit-policy"] == '"user";q=1;w=3600', name
        assert reply.headers["ratelimit"].startswith('"user";r=0;t='), name
        assert _code(row[1], reply) == _code_at(row[1]), (name, reply)
        is_openai = row[1].startswith(("/v1/", "/api/llm/"))
        assert all((each in reply.headers) == is_openai for each in (*OPENAI, "retry-after-ms")), name
    assert stored(person) == before


def _code(path: str, reply: Reply) -> str:
    error = reply.body["error"]
    return str(error["data"]["code"] if "/trpc/" in path else error["code"])


def _code_at(path: str) -> str:
    if "/trpc/" in path:
        return "TOO_MANY_REQUESTS"
    return "rate_limit_exceeded" if path.startswith(("/v1/", "/api/llm/")) else "rate_limited"


def test_a_socket_s_turn_is_refused_in_its_form_and_the_socket_stays(slow: Server) -> None:
    person, _ = settled(slow)
    address = slow.url.replace("http", "ws", 1) + "/v1/responses"
    with connect(address, additional_headers={"Authorization": f"Bearer {person.token}"}, legacy=True) as socket:
        for _ in range(2):
            socket.send(json.dumps({"type": "response.create", "model": "demo", "input": "go"}))
            told = json.loads(socket.recv(timeout=10))
            assert (told["type"], told["status"], told["error"]["code"]) == ("error", 429, "rate_limit_exceeded")
            assert "Try again in 3" in told["error"]["message"]


def test_a_tool_call_of_mcp_says_so_to_its_model_and_other_tools_go_on(slow: Server) -> None:
    person, _ = settled(slow)
    home = person.get("/api/organizations/")["results"][0]["id"]
    made = person.post("/api/users/me/keys/", {"name": "k", "organization": home, "scopes": ["mcp"]})
    agent = Client(slow, made["key"])

    def call(tool: str, arguments: dict[str, Any]) -> Any:
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        headers = {"Accept": "application/json, text/event-stream"}
        return slow.call("POST", "/mcp", message, token=agent.token, headers=headers)

    refused = call("ask", {"content": "go"})
    assert refused.body["result"]["isError"] is True, refused
    assert "Try again in 3" in refused.body["result"]["content"][0]["text"]
    assert refused.headers["ratelimit"].startswith('"user";r=0;')
    listed = call("list_chats", {})
    assert not listed.body["result"].get("isError") and "ratelimit" not in listed.headers


def test_a_repeated_key_takes_nothing_and_that_of_what_was_refused_is_free(
    new_server: Callable[..., Server], upstream: Upstream
) -> None:
    server = new_server(**{**OFF, "LIMITS_USER": "1/3s:2"}).start()
    alice = client(server)
    chat = alice.chat()

    def start(mark: str) -> Reply:
        return called(alice, post(f"/api/chats/{chat}/runs", {"content": "go"}), {}, **{"Idempotency-Key": mark})

    first, again = start("one"), [start("one") for _ in range(5)]
    assert {each.status for each in (first, *again)} == {201}
    assert {each.body["run"]["id"] for each in again} == {first.body["run"]["id"]}
    assert all(each.headers["ratelimit"].startswith('"user";r=1;') for each in (first, *again))
    assert start("two").status == 201
    refused = start("three")
    assert (refused.status, refused.body["error"]["code"]) == (429, "rate_limited")
    assert start("one").status == 201, "a repeat is answered all the same"
    time.sleep(int(refused.headers["retry-after"]))
    assert start("three").status == 201, "after Retry-After, with the same key"


def test_what_is_wrong_or_not_seen_takes_nothing_and_reading_is_not_limited(slow: Server) -> None:
    owner, charlie = newcomer(slow), newcomer(slow)
    home = owner.get("/api/organizations/")["results"][0]["id"]
    owner.post("/api/projects/", {"organization": home, "name": "Here"})
    path = f"/api/chats/{owner.chat()}/runs"
    for person, body, status in ((charlie, {"content": "go"}, 404), (owner, {"content": "go", "what": 1}, 400)):
        for _ in range(5):
            reply = called(person, post(path, body), {})
            assert (reply.status, reply.headers.get("ratelimit")) == (status, '"user";r=3;t=0')
    assert not set(TOLD) & slow.call("GET", path.removesuffix("runs"), token=owner.token).headers.keys()
    assert slow.call("POST", path, {"content": "go"}).status == 401
    assert called(owner, post(path, {"content": "go"}), {}).headers["ratelimit"].startswith('"user";r=2;')


def test_others_are_not_touched_and_a_page_elsewhere_may_read_the_headers(slow: Server) -> None:
    settled(slow)
    charlie, _ = settled(slow)  # who could not have begun three, had it taken theirs
    guests = [slow.call("POST", "/agent/chat", {"message": "go", "character_id": 1}) for _ in range(2)]
    assert {each.headers.get("ratelimit", "")[:11] for each in guests if each.status == 200} <= {'"user";r=2;'}
    options = {"Origin": slow.url, "Authorization": f"Bearer {charlie.token}"}
    exposed = slow.call("GET", "/api/users/me/", headers=options).headers.get("access-control-expose-headers", "")
    assert not exposed or {*TOLD, *OPENAI, "retry-after-ms", "retry-after"} <= {*exposed.split(", ")}


def test_the_defaults_let_seventeen_at_once_pass_as_the_suite_of_open_responses_sends_them(
    new_server: Callable[..., Server],
) -> None:
    server = new_server(**DEFAULTS).start()
    alice = client(server)
    home = alice.get("/api/organizations/")["results"][0]["id"]
    made = alice.post("/api/users/me/keys/", {"name": "k", "organization": home, "scopes": ["llm"]})
    suite = Client(server, made["key"])

    def send(_: int) -> Reply:
        return called(suite, post("/v1/responses", {"model": "demo", "input": "go"}), {})

    with ThreadPoolExecutor(17) as pool:
        replies = list(pool.map(send, range(17)))
    assert {each.status for each in replies} == {200}
    policy = '"user";q=120;w=60, "key";q=120;w=60, "organization";q=1200;w=60'
    assert {each.headers["ratelimit-policy"] for each in replies} == {policy}
    assert min(int(each.headers["x-ratelimit-remaining-requests"]) for each in replies) >= 40 - 17


# --- Ten prompts in a chat of the sessions door -----------------------------------------------------------------------


def test_the_eleventh_prompt_of_a_session_s_chat_is_refused_and_its_readers_go_on(
    new_server: Callable[..., Server],
) -> None:
    server = new_server(**{**DEFAULTS, "CHAT_SESSION_S": "30"}).start()
    alice = client(server)
    name = f"mine-{key()}"

    def prompt(mark: str, chat: str = name) -> Reply:
        body = {"modelId": "gpt-4o", "prompt": "go", "chatId": chat}
        return server.call("POST", "/api/chat/start", body, token=alice.token, headers={"Idempotency-Key": mark})

    begun = [prompt(str(number)) for number in range(10)]
    assert [each.status for each in begun] == [201] * 10
    assert '"session";r=0;t=30' in begun[-1].headers["ratelimit"]
    before = stored(alice)
    refused = prompt("eleventh")
    assert (refused.status, refused.body["error"]["code"]) == (429, "rate_limited")
    assert 0 < int(refused.headers["retry-after"]) <= 30
    assert refused.headers["ratelimit-policy"].startswith('"session";q=10;w=30')
    assert stored(alice) == before
    assert prompt("0").body == begun[0].body, "a repeat is no prompt more"
    assert prompt("other", f"other-{key()}").status == 201, "nor is it another chat's"
    for each in begun[:3] * 5:
        read = server.call("GET", f"/api/chat/stream?sessionId={each.body['sessionId']}")
        assert read.status == 200 and "rate_limited" not in str(read.body), "reading is not counted"
    assert alice.get(f"/api/chat/history?chatId={name}")["messages"]
    time.sleep(int(refused.headers["retry-after"]))
    assert prompt("eleventh").status == 201


# --- Several processes ------------------------------------------------------------------------------------------------

several = pytest.mark.skipif(environment.profile() != "scaled", reason="SQLite is for one process")


@several
def test_twenty_at_once_at_two_processes_start_as_many_as_may_and_no_more(new_server: Callable[..., Server]) -> None:
    first = new_server(**{**OFF, "LIMITS_USER": "1/3600s:5", "LIMITS_ORGANIZATION": "1/3600s:7"}).start()
    second = first.sibling().start_process()
    alice = client(first)
    home = alice.get("/api/organizations/")["results"][0]["name"]
    bob = newcomer(first, organization=home, role="editor")
    chats = [alice.chat() for _ in range(20)]

    def start(place: tuple[Client, Server, str]) -> int:
        person, server, chat = place
        return server.call("POST", f"/api/chats/{chat}/runs", {"content": "go"}, token=person.token).status

    with ThreadPoolExecutor(20) as pool:
        said = list(pool.map(start, [(alice, (first, second)[n % 2], chat) for n, chat in enumerate(chats)]))
    assert sorted(said) == [201] * 5 + [429] * 15
    assert len(alice.get("/api/runs/?page_size=200")["results"]) == 5
    theirs = [
        bob.server.call("POST", "/api/chats/runs", {"chat": {}, "content": "go"}, token=bob.token).status
        for _ in range(4)
    ]
    assert theirs == [201, 201, 429, 429], "two were left of the organization's seven"


@several
def test_a_redis_that_is_killed_stops_nobody_and_gives_nobody_more(
    new_server: Callable[..., Server], upstream: Upstream
) -> None:
    redis = Redis()
    try:
        server = new_server(**{**OFF, "LIMITS_USER": "1/3600s:5", "REDIS_URL": redis.url()}).start()
        alice = client(server)
        chat, body = alice.chat(), {"content": "go", "if_busy": "enqueue"}

        def start() -> int:
            return server.call("POST", f"/api/chats/{chat}/runs", body, token=alice.token).status

        assert [start() for _ in range(3)] == [201] * 3
        redis.kill()
        assert [start() for _ in range(4)] == [201, 201, 429, 429]
        redis.start()
        assert start() == 429
    finally:
        redis.close()
