"""The agent door over real sockets: sessions, answers whole or streamed, the history, characters, guests."""

import re
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.doors.people import cookie_of, newcomer
from tests.live import Reply, Server
from tests.streams import Client, Stream, client, key
from tests.upstream import Turn, Upstream
from tests.upstream_turns import ScriptedCall

pytestmark = pytest.mark.live
AWKWARD = ["naïve “quotes” ", 'back\\slash "and"\n', "new line\r\n", "\U0001f600 done"]
SESSION = re.compile(r"sess-[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
NOBODY = "00000000-0000-4000-8000-000000000000"
MESSAGE = re.compile(r"msg-[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


@pytest.fixture(scope="module")
def open_server(upstream: Upstream) -> Iterator[Server]:
    """A server that takes guests, who may say three things."""
    server = Server(
        OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", AGENT_ALLOW_GUESTS="on", AGENT_GUEST_MESSAGES="3",
        AGENT_GUESTS_PER_HOUR="1000",
    )  # fmt: skip
    yield server.start()
    server.close()


def body(message: str, session: str | None = None, character: int = 1, **fields: Any) -> dict[str, Any]:
    return {"message": message, "session_id": session, "character_id": character, **fields}


def scripted(upstream: Upstream, *turns: Turn) -> str:
    mark = key()
    upstream.script(*turns, key=mark)
    return f"[[key={mark}]] go"


def ask(person: Client, message: str, session: str | None = None, character: int = 1) -> dict[str, Any]:
    return dict(person.post("/agent/chat", body(message, session, character), expect=(200,)))


def stream(person: Client, message: str, session: str | None = None, **fields: Any) -> Stream:
    return Stream(person.server, "/agent/chat/stream", body(message, session, **fields), token=person.token)


def history(person: Client, session: str, query: str = "") -> dict[str, Any]:
    return dict(person.get(f"/agent/chat/history/{session}{query}"))


def status_of(person: Client, sent: dict[str, Any]) -> int:
    return person.server.call("POST", "/agent/chat", sent, token=person.token).status


# --- Answers ----------------------------------------------------------------------------------------------------------


def test_a_message_is_answered_once_it_is_stored_and_the_text_is_in_the_history(
    alice: Client, upstream: Upstream
) -> None:
    prompt = scripted(upstream, Turn(text=AWKWARD))
    answered = ask(alice, prompt)
    assert set(answered) == {"session_id", "status"} and answered["status"] == "idle"
    assert SESSION.fullmatch(answered["session_id"])
    found = history(alice, answered["session_id"])
    question, answer = found["messages"]
    assert found["session_id"] == answered["session_id"] and found["message_count"] == 2
    assert (question["role"], question["content"], question["token_usage"]) == ("user", prompt, None)
    assert question["content_blocks"] == [{"type": "text", "text": prompt}]
    assert (answer["role"], answer["content"]) == ("assistant", "".join(AWKWARD))
    assert answer["content_blocks"] == [{"type": "text", "text": "".join(AWKWARD)}]
    assert set(answer["token_usage"]) == {"input_tokens", "output_tokens"} and answer["token_usage"]["output_tokens"]
    assert all(MESSAGE.fullmatch(each["id"]) and "T" in each["created_at"] for each in found["messages"])


def test_a_session_goes_on_and_the_model_reads_what_was_said(alice: Client, upstream: Upstream) -> None:
    first = ask(alice, scripted(upstream, Turn(text="One.")))["session_id"]
    mark = key()
    upstream.script(Turn(text="Two."), key=mark)
    assert ask(alice, f"[[key={mark}]] and", first)["session_id"] == first
    assert [each["content"] for each in history(alice, first)["messages"]][1::2] == ["One.", "Two."]
    assert "One." in str(upstream.requests(mark)[0].messages)


def test_a_stream_is_text_then_done_with_the_stored_message(alice: Client, upstream: Upstream) -> None:
    with stream(alice, scripted(upstream, Turn(text=AWKWARD))) as frames:
        head, found = frames.response.headers, [each.json for each in frames.frames()]
    assert head["Content-Type"].startswith("text/event-stream") and "no-cache" in head["Cache-Control"]
    assert [each["type"] for each in found] == ["text"] * len(AWKWARD) + ["done"]
    done = found[-1]
    _, answer = history(alice, done["session_id"])["messages"]
    assert done["message_id"] == answer["id"] and done["token_usage"] == answer["token_usage"]
    assert "".join(each["text"] for each in found[:-1]) == answer["content"] == "".join(AWKWARD)


def test_a_stream_is_ascii_and_each_frame_one_line_of_data(alice: Client, upstream: Upstream) -> None:
    with stream(alice, scripted(upstream, Turn(text=AWKWARD))) as frames:
        raw = frames.response.read()
    assert raw.isascii() and b"[DONE]" not in raw and b"\r" not in raw and raw.endswith(b"\n\n")
    assert b"event:" not in raw and b"id:" not in raw
    assert all(line.startswith((b"data: ", b":")) for line in raw.split(b"\n") if line)


def test_a_retry_is_told_before_the_text(alice: Client, upstream: Upstream) -> None:
    with stream(alice, scripted(upstream, Turn(fault="503", retry_after="0"), Turn(text="At last."))) as frames:
        found = [each.json for each in frames.frames()]
    assert found[0] == {"type": "retry", "attempt": 1, "max_attempts": 3}
    assert [each["type"] for each in found] == ["retry", "text", "done"]


def test_a_failure_is_an_error_event_or_the_status_error(alice: Client, upstream: Upstream) -> None:
    with stream(alice, scripted(upstream, Turn(text="I begin", fault="cut"))) as frames:
        found = [each.json for each in frames.frames()]
    assert found[0] == {"type": "text", "text": "I begin"} and found[-1]["type"] == "error" and found[-1]["error"]
    session = found[-1]["session_id"]
    assert history(alice, session)["messages"][1]["content"] == "I begin"
    assert ask(alice, scripted(upstream, Turn(fault="400")), session) == {"session_id": session, "status": "error"}


def test_leaving_a_stream_does_not_stop_the_answer(alice: Client, upstream: Upstream) -> None:
    gate, mark = key(), key()
    upstream.script(Turn(n=5, gate=gate, gate_at=3), key=mark)
    session = ask(alice, scripted(upstream, Turn(text="Yes.")))["session_id"]
    with stream(alice, f"[[key={mark}]] go", session) as frames:
        frames.take(1)
    upstream.release(gate)
    assert until(lambda: history(alice, session)["messages"][-1]["status"] == "completed")
    assert history(alice, session)["messages"][-1]["content"] == "0 1 2 3 4 "


def test_while_another_answer_is_written_the_status_is_thinking_and_the_message_waits_its_turn(
    alice: Client, upstream: Upstream
) -> None:
    gate, first = key(), key()
    upstream.script(Turn(n=2, gate=gate), key=first)
    session = ask(alice, scripted(upstream, Turn(text="Yes.")))["session_id"]
    with stream(alice, f"[[key={first}]] go", session) as frames:
        second = ask(alice, scripted(upstream, Turn(text="After.")), session)
        assert second == {"session_id": session, "status": "thinking"}
        upstream.release(gate)
        frames.frames()
    assert until(lambda: history(alice, session)["messages"][-1]["content"] == "After.")
    assert history(alice, session)["message_count"] == 6


def test_in_a_tool_the_status_is_executing(upstream: Upstream, new_server: Callable[..., Server]) -> None:
    """A call that waits for a person is the tool call that can be held as long as a test wants."""
    server = new_server(TOOLS_ASK_FIRST="list_files", CHAT_ANSWER_TIMEOUT_S="6").start()
    alice = client(server)
    chat = alice.chat()
    prompt = scripted(upstream, Turn(tool_calls=[ScriptedCall("list_files")]), Turn(text="Done."))
    assert ask(alice, prompt, f"sess-{chat}") == {"session_id": f"sess-{chat}", "status": "executing"}


def test_tools_are_blocks_of_the_history(alice: Client, upstream: Upstream) -> None:
    chat = alice.chat()
    prompt = scripted(upstream, Turn(text="I look.", tool_calls=[ScriptedCall("list_files")]), Turn(text="A README."))
    assert ask(alice, prompt, f"sess-{chat}")["status"] == "idle"
    blocks = history(alice, f"sess-{chat}")["messages"][1]["content_blocks"]
    assert [each["type"] for each in blocks] == ["text", "tool_use", "tool_result", "text"]
    assert (blocks[1]["name"], blocks[1]["id"]) == ("list_files", blocks[2]["tool_use_id"])
    assert blocks[2]["is_error"] is False


def test_the_same_key_asks_once(alice: Client, upstream: Upstream) -> None:
    sent, once = body(scripted(upstream, Turn(text="Once."))), key()
    first, again = (alice.post("/agent/chat", sent, expect=(200,), Idempotency_Key=once) for _ in range(2))
    assert first == again and history(alice, first["session_id"])["message_count"] == 2


def until(condition: Callable[[], bool], timeout_s: float = 10) -> bool:
    end = time.monotonic() + timeout_s
    while not (is_so := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return is_so


# --- History ----------------------------------------------------------------------------------------------------------


def test_the_history_comes_in_pages_of_the_last_ones_before_a_message(alice: Client, upstream: Upstream) -> None:
    session = ask(alice, scripted(upstream, Turn(text="0")))["session_id"]
    for number in range(1, 4):
        ask(alice, scripted(upstream, Turn(text=str(number))), session)
    whole = history(alice, session)
    assert whole["message_count"] == len(whole["messages"]) == 8 and whole["has_more"] is False
    last = history(alice, session, "?limit=3")
    assert last["messages"] == whole["messages"][-3:] and last["message_count"] == 8 and last["has_more"]
    rest = history(alice, session, f"?limit=100&before={last['messages'][0]['id']}")
    assert rest["messages"] + last["messages"] == whole["messages"] and not rest["has_more"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "limit=x", "limit=1001", "before=x", f"before={NOBODY}",
              f"before=msg-{NOBODY}"],
)  # fmt: skip
def test_a_page_that_cannot_be_is_refused_by_name(alice: Client, upstream: Upstream, query: str) -> None:
    session = ask(alice, scripted(upstream, Turn(text="Yes.")))["session_id"]
    reply = alice.server.call("GET", f"/agent/chat/history/{session}?{query}", token=alice.token)
    assert reply.status == 400 and list(reply.body["error"]["fields"]) == [query.partition("=")[0]]


def test_a_session_is_a_chat_at_every_other_door(alice: Client, upstream: Upstream) -> None:
    session = ask(alice, scripted(upstream, Turn(text="From here.")))["session_id"]
    chat = session.removeprefix("sess-")
    assert alice.answer(chat)["content"] == "From here."
    elsewhere = alice.chat()
    alice.wait(alice.start(elsewhere, scripted(upstream, Turn(text="From there.")))["run"]["id"])
    assert history(alice, f"sess-{elsewhere}")["messages"][1]["content"] == "From there."
    assert ask(alice, scripted(upstream, Turn(text="Here.")), f"sess-{elsewhere}", 5)["status"] == "idle"
    assert status_of(alice, body("no", f"sess-{elsewhere}", 6)) == 404


WRONG: dict[str, tuple[Any, ...]] = {
    "message": ("", "  \n", "x" * 10_001, None, 5, ["x"]),
    "character_id": ("1", 1.5, True, None, -1, 2**53),
    "session_id": (5, [], True),
}


# --- Bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/agent/chat", "/agent/chat/stream"])
@pytest.mark.parametrize(
    ("field", "value"),
    [(field, value) for field, values in WRONG.items() for value in values],
)
def test_what_is_not_right_is_refused_by_name_before_any_stream(
    alice: Client, path: str, field: str, value: Any
) -> None:
    reply = alice.server.call("POST", path, {**body("Hello"), field: value}, token=alice.token)
    assert reply.status == 400 and list(reply.body["error"]["fields"]) == [field]
    assert reply.body["detail"] == reply.body["error"]["message"]


def test_ten_thousand_characters_are_taken(alice: Client) -> None:
    assert ask(alice, "x" * 10_000)["status"] == "idle"


@pytest.mark.parametrize("session", ["", "x", f"sess-{NOBODY}", NOBODY, "sess-" + "0" * 32])
def test_a_session_that_is_none_is_not_found(alice: Client, session: str) -> None:
    assert status_of(alice, body("Hello", session)) == 404
    if session:
        reply = alice.server.call("GET", f"/agent/chat/history/{session}", token=alice.token)
        assert reply.status == 404 and reply.body["detail"]


def test_a_session_is_found_by_its_own_user_only(alice: Client, server: Server, upstream: Upstream) -> None:
    session = ask(alice, scripted(upstream, Turn(text="Mine.")))["session_id"]
    charlie = newcomer(server)
    assert status_of(charlie, body("Hello", session)) == 404
    theirs = server.call("GET", f"/agent/chat/history/{session}", token=charlie.token)
    assert theirs.status == 404 and "Mine." not in str(theirs.body)


def test_without_credentials_there_is_nothing_unless_guests_are_allowed(server: Server) -> None:
    for reply in (
        server.call("POST", "/agent/chat", body("Hello")),
        server.call("POST", "/agent/chat/stream", body("Hello")),
        server.call("GET", f"/agent/chat/history/sess-{NOBODY}"),
    ):
        assert reply.status == 401 and reply.headers["www-authenticate"].startswith("Bearer") and reply.body["detail"]


def test_a_cookie_is_enough_for_a_page_of_the_same_origin(alice: Client, upstream: Upstream) -> None:
    headers = {"Cookie": cookie_of(alice), "Sec-Fetch-Site": "same-origin"}
    reply = alice.server.call("POST", "/agent/chat", body(scripted(upstream, Turn(text="Yes."))), headers=headers)
    assert reply.status == 200
    elsewhere = {**headers, "Sec-Fetch-Site": "cross-site"}
    assert alice.server.call("POST", "/agent/chat", body("Hello"), headers=elsewhere).status == 403


# --- Characters -------------------------------------------------------------------------------------------------------


def number() -> int:
    return uuid.uuid4().int % 10**15


def register(person: Client, id: int, **fields: Any) -> Reply:
    place = person.get("/api/organizations/")["results"][0]["id"]
    sent = {"id": id, "organization": place, "name": "Guide", "archetype": "generalist", **fields}
    return person.server.call("POST", "/api/characters/", sent, token=person.token)


def test_a_session_stays_with_its_character(alice: Client, upstream: Upstream) -> None:
    session = ask(alice, scripted(upstream, Turn(text="Yes.")), character=3)["session_id"]
    assert ask(alice, scripted(upstream, Turn(text="Yes.")), session, 3)["status"] == "idle"
    assert status_of(alice, body("Hello", session, 4)) == 404
    assert history(alice, session)["message_count"] == 4


def test_a_registered_character_answers_with_its_archetype_in_its_organization(
    alice: Client, upstream: Upstream
) -> None:
    id, mark = number(), key()
    assert register(alice, id, archetype="project_navigator").status == 201
    upstream.script(Turn(text="Yes."), key=mark)
    session = ask(alice, f"[[key={mark}]] go", character=id)["session_id"]
    chat = alice.get(f"/api/chats/{session.removeprefix('sess-')}/")
    assert chat["archetype"] == "project_navigator"
    assert chat["organization"] == alice.get(f"/api/characters/{id}/")["organization"]


def test_only_its_users_use_a_registered_character_or_see_its_sessions(
    alice: Client, server: Server, upstream: Upstream
) -> None:
    place = alice.get("/api/organizations/")["results"][0]
    bob, charlie = newcomer(server, organization=place["name"], role="editor"), newcomer(server)
    bobs = ask(bob, scripted(upstream, Turn(text="Bob's.")), character=(id := number()))["session_id"]
    chat = bobs.removeprefix("sess-")
    made = register(alice, id)
    assert made.status == 201 and made.body["users"] == [alice.get("/api/users/me/")["id"]]
    assert status_of(bob, body("Hello", None, id)) == 404
    for person in (bob, charlie):
        assert status_of(person, body("Hello", bobs, id)) == 404
    for path in (f"/agent/chat/history/{bobs}", f"/api/chats/{chat}/", f"/api/chats/{chat}/messages/"):
        assert server.call("GET", path, token=bob.token).status == 404, path
    users = [*made.body["users"], bob.get("/api/users/me/")["id"]]
    allowed = server.call("PATCH", f"/api/characters/{id}/", {"users": users}, token=alice.token)
    assert allowed.status == 200
    assert history(bob, bobs)["messages"][1]["content"] == "Bob's."
    assert ask(bob, scripted(upstream, Turn(text="Again.")), bobs, id)["status"] == "idle"


def test_a_number_that_another_organization_uses_is_not_taken_from_it(
    alice: Client, server: Server, upstream: Upstream
) -> None:
    charlie, id = newcomer(server), number()
    before = ask(charlie, scripted(upstream, Turn(text="Mine.")), character=id)["session_id"]
    assert register(alice, id, name="Alice's").status == 201
    refused = register(alice, id)
    assert (refused.status, refused.body["error"]["code"]) == (409, "character_taken")
    assert ask(charlie, scripted(upstream, Turn(text="Still.")), before, id)["status"] == "idle"
    assert ask(charlie, scripted(upstream, Turn(text="New.")), character=id)["session_id"] != before
    assert register(charlie, id, name="Charlie's", archetype="project_navigator").status == 201
    names = [person.get(f"/api/characters/{id}/")["name"] for person in (alice, charlie)]
    assert names == ["Alice's", "Charlie's"]
    after = ask(charlie, scripted(upstream, Turn(text="Mine.")), character=id)["session_id"]
    assert charlie.get(f"/api/chats/{after.removeprefix('sess-')}/")["archetype"] == "project_navigator"


def test_of_two_characters_of_a_number_the_chosen_organization_s_answers(
    alice: Client, server: Server, upstream: Upstream
) -> None:
    person, id = newcomer(server), number()
    name = f"Second {key()}"
    server.quickly("create_user", person.get("/api/users/me/")["email"], "--organization", name, "--role", "owner")
    places = person.get("/api/organizations/")["results"]
    for each in places:
        sent = {"id": id, "organization": each["id"], "name": each["name"], "archetype": "generalist"}
        assert server.call("POST", "/api/characters/", sent, token=person.token).status == 201
    for each in places:
        server.call("PATCH", "/api/users/me/", {"organization": each["id"]}, token=person.token)
        session = ask(person, scripted(upstream, Turn(text="Yes.")), character=id)["session_id"]
        assert person.get(f"/api/chats/{session.removeprefix('sess-')}/")["organization"] == each["id"]
        assert person.get(f"/api/characters/{id}/?organization={each['id']}")["name"] == each["name"]
    refused = server.call("GET", f"/api/characters/{id}/", token=person.token)
    assert (refused.status, refused.body["error"]["code"]) == (409, "which_organization")


def test_people_from_elsewhere_are_no_users(alice: Client, server: Server) -> None:
    charlie = newcomer(server).get("/api/users/me/")["id"]
    refused = register(alice, number(), users=[charlie])
    assert refused.status == 404 and list(refused.body["error"]["fields"]) == ["users"]


# --- Guests -----------------------------------------------------------------------------------------------------------


def test_a_guest_has_a_session_whose_id_is_the_key(open_server: Server, upstream: Upstream) -> None:
    first = open_server.call("POST", "/agent/chat", body(scripted(upstream, Turn(text="Welcome."))))
    assert first.status == 200 and first.body["status"] == "idle"
    session = first.body["session_id"]
    with Stream(open_server, "/agent/chat/stream", body(scripted(upstream, Turn(text="Again.")), session)) as frames:
        assert frames.frames()[-1].json["type"] == "done"
    found = open_server.call("GET", f"/agent/chat/history/{session}")
    assert [each["content"] for each in found.body["messages"]][1::2] == ["Welcome.", "Again."]


def test_a_session_s_id_is_in_no_log(open_server: Server) -> None:
    open_server.call("GET", f"/agent/chat/history/sess-{(id := uuid.uuid4())}?limit=3")
    assert str(id) not in open_server.log()


def test_a_guest_reaches_no_other_session_and_nobody_else_a_guest_s(open_server: Server, upstream: Upstream) -> None:
    alice = client(open_server)
    hers = ask(alice, scripted(upstream, Turn(text="Hers.")))["session_id"]
    for session in (hers, f"sess-{NOBODY}"):
        assert open_server.call("GET", f"/agent/chat/history/{session}").status == 404
        assert open_server.call("POST", "/agent/chat", body("Hello", session)).status == 404
    guest = open_server.call("POST", "/agent/chat", body(scripted(upstream, Turn(text="Guest's.")))).body["session_id"]
    assert open_server.call("GET", f"/agent/chat/history/{guest}", token=alice.token).status == 404
    chat = guest.removeprefix("sess-")
    assert open_server.call("GET", f"/api/chats/{chat}/messages/").status == 401
    assert open_server.call("GET", f"/api/chats/{chat}/", token=alice.token).status == 404


def test_credentials_that_do_not_hold_make_no_guest(open_server: Server) -> None:
    assert open_server.call("POST", "/agent/chat", body("Hello"), token="made.up.token").status == 401
    for cookie in ("access_token=x", "sessionid=x"):
        assert open_server.call("POST", "/agent/chat", body("Hello"), headers={"Cookie": cookie}).status == 401


def test_a_guest_may_say_so_much(open_server: Server, upstream: Upstream) -> None:
    session = open_server.call("POST", "/agent/chat", body(scripted(upstream, Turn(text="1")))).body["session_id"]
    for _ in range(2):
        assert open_server.call("POST", "/agent/chat", body(scripted(upstream, Turn(text="x")), session)).status == 200
    refused = open_server.call("POST", "/agent/chat", body("Hello", session))
    assert (refused.status, refused.body["error"]["code"]) == (429, "guest_limit")


def test_an_address_may_be_so_many_guests(new_server: Callable[..., Server], upstream: Upstream) -> None:
    few = new_server(AGENT_ALLOW_GUESTS="on", AGENT_GUESTS_PER_HOUR="1").start()

    def call(message: str, address: str) -> Reply:
        return few.call("POST", "/agent/chat", body(message), headers={"X-Forwarded-For": address})

    one, other = (f"2001:db8::{uuid.uuid4().hex[:4]}:{number}" for number in (1, 2))
    assert call("", one).status == 400  # makes no guest
    assert call(scripted(upstream, Turn(text="Yes.")), one).status == 200
    refused = call("Hello", one)
    assert refused.status == 429 and 0 < int(refused.headers["retry-after"]) <= 3600
    assert call(scripted(upstream, Turn(text="Yes.")), other).status == 200


def test_nobody_takes_a_guest_s_number(open_server: Server, upstream: Upstream) -> None:
    def say(session: str | None, id: int) -> Reply:
        return open_server.call("POST", "/agent/chat", body(scripted(upstream, Turn(text="Yes.")), session, id))

    session = say(None, id := number()).body["session_id"]
    assert register(client(open_server), id, archetype="project_navigator").status == 201
    assert (say(session, id).status, say(None, id).status) == (200, 200)
    assert open_server.call("GET", f"/agent/chat/history/{session}").status == 200
    assert open_server.call("GET", "/api/capabilities/").body["guests"] is True
