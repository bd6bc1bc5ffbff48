"""`POST /api/llm/conversations/{id}/messages`: an agent answers in a conversation, by a key of the scope llm."""

from typing import Any

import pytest

from tests.clients.keys import new_key
from tests.doors.people import newcomer
from tests.live import Server
from tests.streams import Client, Stream, client, key
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def token(server: Server) -> str:
    return new_key(server, "llm")


@pytest.fixture
def path(server: Server) -> str:
    """Of a conversation in the owner's project."""
    return f"/api/llm/conversations/conv_{client(server).chat()}/messages"


def say(server: Server, path: str, token: str, **body: Any) -> Any:
    return server.call("POST", path, body, token=token)


@pytest.mark.parametrize("stream", [False, True])
def test_an_agent_runs_its_own_tools_on_what_is_said_and_attached(
    server: Server, upstream: Upstream, token: str, path: str, stream: bool
) -> None:
    mark = key()
    upstream.script(Turn(tool_calls=[ScriptedCall("list_files")]), Turn(text=["It is ", "there."]), key=mark)
    body = {
        "content": f"[[key={mark}]] Is it there?",
        "attachments": [{"type": "file", "name": "plan.txt", "content": "A green door."}],
        "archetype": "project_navigator",
        "model": "gpt-4o",
    }
    if stream:
        with Stream(server, path, {**body, "stream": True}, token=token) as opened:
            frames = opened.frames()
        assert [frames[0].event, frames[-2].event, frames[-1].data] == [
            "response.created", "response.completed", "[DONE]",
        ]  # fmt: skip
        response = frames[-2].json["response"]
    else:
        response = say(server, path, token, **body).body
    (item,) = response["output"]
    assert (response["status"], item["content"][0]["text"]) == ("completed", "It is there.")
    first, second = upstream.requests(mark)
    assert "A green door." in first.messages[-1]["content"]
    assert "README.md" in second.messages[-1]["content"]
    run = client(server).get(f"/api/runs/{response['id'].removeprefix('resp_')}/")
    assert (run["archetype"], run["turns"]) == ("project_navigator", 2)


@pytest.mark.parametrize(
    ("wrong", "status", "param"),
    [
        ({"content": ""}, 400, "content"),
        ({"archetype": "nobody"}, 400, "archetype"),
        ({"model": "gpt-99"}, 400, "model"),
        ({"attachments": "x"}, 400, "attachments"),
        ({"stream": "yes"}, 400, "stream"),
        ({"tools": []}, 400, "tools"),
    ],
)
def test_what_is_wrong_is_told_in_openais_form(
    server: Server, token: str, path: str, wrong: dict[str, Any], status: int, param: str
) -> None:
    refused = say(server, path, token, **{"content": "Hello", **wrong})
    assert (refused.status, refused.body["error"]["param"]) == (status, param)
    assert set(refused.body["error"]) == {"message", "type", "code", "param"}


def test_nobody_from_outside_finds_the_conversation(server: Server, path: str) -> None:
    charlie: Client = newcomer(server)
    assert say(server, path, charlie.token, content="Hello").status == 404
    assert say(server, path, "pk_" + "x" * 43, content="Hello").status == 401
    assert say(server, path, new_key(server, "read"), content="Hello").status == 403
