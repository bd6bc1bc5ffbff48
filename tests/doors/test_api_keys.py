"""An API key at the doors: what it has opened ends with it, and it comes by the Authorization header only."""

import json
from urllib.parse import quote

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.clients.keys import new_key
from tests.live import Server
from tests.streams import Stream

pytestmark = pytest.mark.live
HELLO = {"modelId": "demo", "prompt": "Hello"}


def test_a_session_ends_with_the_key_that_began_it(server: Server) -> None:
    token = new_key(server, "chat")
    session = server.call("POST", "/api/chat/start", HELLO, token=token).body["sessionId"]
    path = f"/api/chat/stream?sessionId={session}"
    assert Stream(server, path).frames()[-1].json["type"] == "done"
    server.quickly("revoke_key", token[:11])
    assert [each.json["type"] for each in Stream(server, path).frames()] == ["error"]


def test_a_subscription_takes_no_key_from_the_address(server: Server) -> None:
    params = quote(json.dumps({"token": new_key(server, "chat")}))
    with Stream(server, f"/trpc/chat.streamResponse?connectionParams={params}") as stream:
        told = stream.take(2)[-1]
    assert told.event == "serialized-error"
    assert told.json["data"]["code"] == "UNAUTHORIZED"


def test_a_key_that_only_reads_opens_no_socket(server: Server) -> None:
    address = server.url.replace("http", "ws", 1) + "/v1/responses"
    with pytest.raises(InvalidStatus) as refused:
        connect(address, additional_headers={"Authorization": f"Bearer {new_key(server, 'read')}"}).close()
    assert refused.value.response.status_code == 403
    with connect(address, additional_headers={"Authorization": f"Bearer {new_key(server, 'llm')}"}) as socket:
        socket.send(json.dumps({"type": "response.create", "model": "demo", "input": "Hello", "store": False}))
        assert json.loads(socket.recv(timeout=10))["type"] == "response.created"
