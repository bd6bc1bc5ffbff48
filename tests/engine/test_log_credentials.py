"""With every logger at DEBUG, no credential of any door stands in the log: of addresses, headers, sockets or SQL."""

import http.cookiejar
import json
import re
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.live import OWNER, PASSWORD, Server
from tests.streams import Client, Stream, client, key
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live
PLANTED = {"OPENAI_API_KEY": "sk-planted-provider-key", "OPENAI_EXTRA_HEADERS": '{"X-Proxy": "planted-proxy-header"}'}
WRONG = "planted-wrong-credential"
CREATED = re.compile(r"pk_\w{43}")


def test_every_credential_at_every_door_and_none_in_the_log(
    new_server: Callable[..., Server], upstream: Upstream
) -> None:
    server = new_server(**PLANTED, LOG_LEVEL="DEBUG", DEBUG="true", CHAT_DEBUG="streaming,providers,tools").start()
    upstream.script(*[Turn(text="Good evening.")] * 9, key=(mark := key()))
    alice = client(server)
    used = [alice.token, PASSWORD, *PLANTED.values(), "planted-proxy-header", WRONG]
    used += [*tokens(server), *in_a_browser(server), *by_tickets(alice, mark), api_key(server)]
    used += [*by_address(alice, mark), *rejected(server)]
    server.stop()
    log = server.log()
    assert "DEBUG" in log and "SELECT" in log and "/ws/chats/" in log, "the log says too little to show anything"
    assert len(used) > 15
    assert [each for each in used if each in log or urllib.parse.quote(each) in log] == []


def tokens(server: Server) -> list[str]:
    """What a sign-in gives, used as header and cookie, and renewed."""
    body = server.call("POST", "/api/auth/token", {"email": OWNER, "password": PASSWORD}).body
    renewed = server.call("POST", "/api/auth/token/refresh", {"refresh": body["refresh"]}).body
    server.call("GET", "/api/users/me/", headers={"Cookie": f"access_token={body['access']}"})
    server.call("GET", "/api/users/me/", headers={"X-Api-Key": WRONG, "Authorization": f"Bearer {WRONG}"})
    server.call("POST", "/api/auth/token", {"email": OWNER, "password": WRONG})
    return [body["access"], body["refresh"], *(str(each) for each in renewed.values() if isinstance(each, str))]


def in_a_browser(server: Server) -> list[str]:
    """A session and the token of a form."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = browser.open(f"{server.url}/login/").read().decode()
    (form,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    sent = {"username": OWNER, "password": PASSWORD, "csrfmiddlewaretoken": form}
    browser.open(f"{server.url}/login/", urllib.parse.urlencode(sent).encode())
    found = [str(each.value) for each in jar]
    assert any(each.name == "sessionid" for each in jar)
    return [form, *found]


def by_tickets(alice: Client, mark: str) -> list[str]:
    """Tickets for a stream and for a socket, and what a socket is offered in their place."""
    chat = alice.chat()
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    alice.wait(run)
    one, two = (alice.post("/api/auth/ticket", what)["ticket"] for what in ({"run": run}, {"chat": chat}))
    with Stream(alice.server, f"/api/runs/{run}/events?ticket={one}") as stream:
        assert stream.status == 200 and stream.frames()
    url = alice.server.url.replace("http", "ws", 1) + f"/ws/chats/{chat}/"
    origin: Any = alice.server.url
    with connect(f"{url}?ticket={two}", origin=origin) as socket:
        socket.send(json.dumps({"type": "ping", "token": WRONG}))
        socket.recv(timeout=10)
    with suppress(WebSocketException, OSError):
        connect(f"{url}?ticket={WRONG}", subprotocols=["bearer", WRONG], additional_headers={"Cookie": f"a={WRONG}"})  # type: ignore[list-item]
    return [one, two]


def api_key(server: Server) -> str:
    """A key, made by the command and used."""
    made = server.manage(
        "create_key", OWNER, "--organization", "First organization", "--scope", "llm", "--name", "Log"
    ).stdout
    found = CREATED.findall(made)[0]
    server.call("GET", "/v1/models", token=found)
    return str(found)


def by_address(alice: Client, mark: str) -> list[str]:
    """Sessions that stand in addresses, and parameters of tRPC."""
    model = alice.get("/api/models/")["results"][0]["id"]
    begun = alice.post("/api/chat/start", {"modelId": model, "prompt": f"[[key={mark}]] go"})
    with Stream(alice.server, f"/api/chat/stream?sessionId={begun['sessionId']}") as stream:
        stream.frames()
    session = alice.post("/agent/chat", {"message": f"[[key={mark}]] go", "character_id": 1})["session_id"]
    alice.get(f"/agent/chat/history/{session}")
    params = urllib.parse.quote(json.dumps({"token": alice.token}))
    with Stream(alice.server, f"/trpc/chat.streamResponse?connectionParams={params}&input=%7B%7D") as stream:
        stream.frames()
    return [begun["sessionId"], session]


def rejected(server: Server) -> list[str]:
    """Credentials that open nothing, at addresses that fail: those of a bug's line too."""
    for path in (
        "/api/runs/x/events?ticket=",
        "/nowhere?access_token=",
        "/api/chat/stream?sessionId=",
        "/v1/x?api_key=",
    ):
        server.call("GET", path + WRONG, token=WRONG)
    return [WRONG]
