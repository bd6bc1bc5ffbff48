"""The Responses door's WebSocket: who may open it, one turn at a time, what it remembers, and how it ends."""

import itertools
import json
import pathlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.doors.sockets import Socket
from tests.live import OWNER, PASSWORD, Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live
NewServer = Callable[..., Server]


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


@pytest.fixture
def socket(server: Server, alice: Client) -> Iterator[Socket]:
    with Socket(server, token=alice.token) as opened:
        yield opened


def cookie(server: Server) -> str:
    reply = server.call("POST", "/api/auth/token", {"email": OWNER, "password": PASSWORD})
    return reply.headers["set-cookie"].partition(";")[0]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer none"}, 401),
        ({"Cookie": "access_token=none"}, 401),
        ({"Host": "elsewhere.example"}, 400),
    ],
)
def test_nobody_comes_in_unknown(server: Server, headers: dict[str, str], status: int) -> None:
    with pytest.raises(InvalidStatus) as refused:
        Socket(server, headers=headers)
    assert refused.value.response.status_code == status
    assert b'"error"' in (refused.value.response.body or b"")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_a_cookie_opens_no_socket_for_another_sites_page(server: Server, origin: str) -> None:
    headers = {"Cookie": cookie(server), **({"Origin": origin} if origin else {})}
    for path in ("/v1/responses", "/v1/responses?ticket=1"):  # which takes no ticket
        with pytest.raises(InvalidStatus) as refused:
            Socket(server, path, headers=headers)
        assert refused.value.response.status_code == 403


def test_a_cookie_opens_one_for_our_own_page(server: Server) -> None:
    with Socket(server, headers={"Cookie": cookie(server), "Origin": server.url}) as opened:
        assert opened.turn(input="Hello")[-1]["type"] == "response.completed"


def test_there_is_no_socket_at_other_addresses(server: Server, alice: Client) -> None:
    with pytest.raises(InvalidStatus):
        Socket(server, "/v1/chat/completions", token=alice.token)


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("not JSON", None),
        ("[]", None),
        ('{"type": "response.steer"}', "type"),
        ({"type": "response.create", "model": "demo"}, "input"),
        ({"type": "response.create", "model": "demo", "input": "x", "stream": True}, "stream"),
        ({"type": "response.create", "model": "demo", "input": "x", "background": False}, "background"),
        ({"type": "response.create", "model": "demo", "input": "x", "generate": False}, "generate"),
        ({"type": "response.create", "model": "none", "input": "x"}, "model"),
    ],
)
def test_a_message_that_is_not_right_is_told_so_and_the_socket_stays(socket: Socket, message: Any, param: str) -> None:
    socket.send(message)
    assert socket.error()["param"] == param
    assert socket.turn(input="Hello")[-1]["type"] == "response.completed"


def test_turns_that_are_asked_for_at_once_are_answered_in_order(socket: Socket, upstream: Upstream) -> None:
    mark = key()
    upstream.script(*(Turn(text=f"{number}", initial_ms=50) for number in range(3)), key=mark)
    for number in range(3):
        socket.ask(model="gpt-4o", input=f"[[key={mark}]] {number}", stream_id=f"lane {number}")
    turns = [socket.events() for _ in range(3)]
    assert [each[-1]["response"]["output"][0]["content"][0]["text"] for each in turns] == ["0", "1", "2"]
    assert [{event["stream_id"] for event in each} for each in turns] == [{f"lane {number}"} for number in range(3)]
    times = [(each.opened_at, each.ended_at) for each in upstream.requests(mark)]
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(times))


def test_what_is_not_stored_is_known_to_its_own_connection_only(server: Server, alice: Client, socket: Socket) -> None:
    first = socket.turn(input="Hello", store=False)[-1]["response"]["id"]
    second = socket.turn(input="Again", store=False, previous_response_id=first)[-1]["response"]
    assert second["previous_response_id"] == first
    with Socket(server, token=alice.token) as another:
        another.ask(input="Again", previous_response_id=second["id"], store=False)
        assert another.error()["code"] == "previous_response_not_found"
    assert server.call("GET", f"/v1/responses/{first}", token=alice.token).status == 404
    kept = socket.turn(input="Keep it", previous_response_id=second["id"])[-1]["response"]
    assert server.call("GET", f"/v1/responses/{kept['id']}", token=alice.token).body == kept


def test_a_failed_turn_makes_the_connection_forget_what_it_continued(socket: Socket, upstream: Upstream) -> None:
    first = socket.turn(input="Hello", store=False)[-1]["response"]["id"]
    mark = key()
    upstream.script(Turn(fault="401"), key=mark)
    failed = socket.turn(model="gpt-4o", input=f"[[key={mark}]] go", store=False, previous_response_id=first)
    assert failed[-1]["type"] == "response.failed"
    socket.ask(input="Again", store=False, previous_response_id=first)
    assert socket.error()["code"] == "previous_response_not_found"


def test_leaving_in_the_middle_of_a_turn_stops_nothing(server: Server, alice: Client, upstream: Upstream) -> None:
    mark, gate = key(), key()
    upstream.script(Turn(n=10, gate=gate, gate_at=3), key=mark)
    with Socket(server, token=alice.token) as leaving:
        leaving.ask(model="gpt-4o", input=f"[[key={mark}]] go")
        id = json.loads(leaving.connection.recv(timeout=30))["response"]["id"]
    upstream.release(gate)
    assert alice.wait(id.removeprefix("resp_"))["status"] == "succeeded"


def test_a_frame_that_is_too_large_ends_the_connection(socket: Socket) -> None:
    with pytest.raises(ConnectionClosed):
        socket.turn(input="x" * 2_100_000)


def test_what_waits_is_counted_in_bytes_for_a_person_not_for_a_socket(
    server: Server, alice: Client, upstream: Upstream
) -> None:
    mark, gate = key(), key()
    upstream.script(*(Turn(n=2, gate=gate) for _ in range(6)), key=mark)
    long = json.dumps({"type": "response.create", "model": "demo", "input": "x" * 1_900_000})
    before = memory_mb(server)
    sockets = [Socket(server, token=alice.token) for _ in range(6)]
    refused = 0
    for each in sockets:
        each.ask(model="gpt-4o", input=f"[[key={mark}]] go")
        assert json.loads(each.connection.recv(timeout=30))["type"] == "response.created"
        for _ in range(16):
            each.send(long)
    assert alice.get("/api/users/me/")
    upstream.release(gate)
    for each in sockets:
        last = ""
        while last not in ("response.completed", "response.failed"):  # refusals come before the turn's end
            event = json.loads(each.connection.recv(timeout=30))
            last = event["type"]
            if last == "error" and event["error"]["code"] == "too_much_waiting":
                refused += 1
                assert event["status"] == 429 and "16000000" in event["error"]["message"]
    assert refused == 6 * 16 - 16_000_000 // len(long)
    assert memory_mb(server) - before < 120
    for each in sockets:
        each.connection.close()
    with Socket(server, token=alice.token) as later:  # nothing of it stays counted
        later.send(long)
        assert later.error()["code"] == "invalid_value"


def memory_mb(server: Server) -> int:
    assert server.process is not None
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) // 1000


def test_who_signed_out_everywhere_gets_no_more_turns(server: Server, new_server: NewServer) -> None:
    own = new_server().start()
    with Socket(own, token=own.token()) as opened:
        assert opened.turn(input="Hello")[-1]["type"] == "response.completed"
        own.manage("shell", "-c", "from accounts.models import User; User.objects.update(token_version=99)")
        opened.ask(input="Again")
        assert opened.error()["code"] == "invalid_api_key"
        with pytest.raises(ConnectionClosed):
            opened.events()


def test_a_connection_lives_its_time(new_server: NewServer) -> None:
    own = new_server(CHAT_SOCKET_S="1.5").start()
    with Socket(own, token=own.token()) as opened:
        began = time.monotonic()
        assert opened.turn(input="Hello")[-1]["type"] == "response.completed"
        assert opened.error()["code"] == "websocket_connection_limit_reached"
        assert 1 < time.monotonic() - began < 10
        with pytest.raises(ConnectionClosed):
            opened.events()


def test_a_server_that_goes_tells_the_turn_and_the_run_is_whole_later(
    new_server: NewServer, upstream: Upstream
) -> None:
    own = new_server(CHAT_DRAIN_S="0.5").start()
    alice, mark, gate = client(own), key(), key()
    upstream.script(Turn(n=10, gate=gate, gate_at=3), Turn(text="Whole."), key=mark)
    with Socket(own, token=alice.token) as opened:
        opened.ask(model="gpt-4o", input=f"[[key={mark}]] go")
        id = json.loads(opened.connection.recv(timeout=30))["response"]["id"]
        upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark)
        own.stop()
        events = []
        with pytest.raises(ConnectionClosed):
            while True:
                events += [json.loads(opened.connection.recv(timeout=10))]
    assert not [each for each in events if each["type"] in ("response.completed", "response.failed")]
    own.start_process()
    assert alice.wait(id.removeprefix("resp_"))["status"] == "succeeded"
    response = alice.get(f"/v1/responses/{id}")
    assert response["output"][0]["content"][0]["text"] == "Whole."
