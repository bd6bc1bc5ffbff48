"""`ask` over real sockets: progress and the result, leaving, waiting for a person, and bodies that are too large."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.doors.mcp_agent import Agent, modern
from tests.live import Server
from tests.streams import Stream, key
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = pytest.mark.live
TEXT = ["The green ", "door."]
WRITE = ScriptedCall("write_file", {"path": "notes.txt", "content": "x"})


@pytest.fixture(scope="module")
def asking(upstream: Upstream) -> Iterator[Server]:
    """A server on which a person must allow every write_file."""
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", TOOLS_ASK_FIRST="write_file")
    yield server.start()
    server.close()


@pytest.fixture
def agent(asking: Server) -> Agent:
    return Agent(asking)


def result_of(stream: Stream) -> tuple[list[str], dict[str, Any]]:
    """The words of its progress, and its result."""
    *told, last = [each.json for each in stream]
    return [each["params"]["message"] for each in told], last["result"]["structuredContent"]


def scripted(upstream: Upstream, *turns: Turn) -> str:
    mark = key()
    upstream.script(*turns, key=mark)
    return f"[[key={mark}]] go"


def test_progress_comes_and_then_the_answer(agent: Agent, upstream: Upstream) -> None:
    reads = Turn(text=["I look. "], tool_calls=[ScriptedCall("list_files", {})])
    content = scripted(upstream, reads, Turn(text=TEXT))
    with agent.ask(content, project=agent.project, archetype="project_navigator") as stream:
        assert stream.status == 200 and stream.response.headers["X-Accel-Buffering"] == "no"
        told, result = result_of(stream)
    assert result["run"] in told[0] and "Calls list_files." in told
    assert (result["status"], result["answer"]) == ("succeeded", "I look. The green door.")
    assert agent.call("read_run", run=result["run"])["answer"] == result["answer"]
    chat = agent.alice.get(f"/api/chats/{result['chat']}/")
    assert chat["project"] == agent.project and chat["archetype"] == "generalist"
    run = agent.alice.get(f"/api/runs/{result['run']}/")
    assert run["archetype"] == "project_navigator"
    assert result["chat"] in [each["id"] for each in agent.call("list_chats")["chats"]]
    again = scripted(upstream, Turn(text=TEXT))
    with agent.ask(again, chat=result["chat"]) as stream:
        assert result_of(stream)[1]["chat"] == result["chat"]
    texts = [each["text"] for each in agent.call("read_chat", chat=result["chat"])["messages"]]
    assert texts == [content, "I look. The green door.", again, "The green door."]


def test_who_leaves_finds_the_answer_later(agent: Agent, upstream: Upstream) -> None:
    gate = key()
    content = scripted(upstream, Turn(text=TEXT, gate=gate, gate_at=2))
    with agent.ask(content) as stream:
        (first,) = stream.take(1)
    run = first.json["params"]["message"].split()[1]
    assert agent.call("read_run", run=run)["status"] in ("queued", "running")
    upstream.release(gate)
    assert agent.alice.wait(run)["status"] == "succeeded"
    assert agent.call("read_run", run=run)["answer"] == "The green door."


def test_a_call_that_a_person_must_allow_ends_the_stream(agent: Agent, upstream: Upstream) -> None:
    content = scripted(upstream, Turn(text=["I write. "], tool_calls=[WRITE]), Turn(text=TEXT))
    with agent.ask(content, project=agent.project) as stream:
        _, result = result_of(stream)
    assert result["status"] == "waiting" and "Write" in result["note"]
    with agent.alice.events(result["run"]) as events:
        (asked,) = [each.json for each in events.until("approval.requested")[-1:]]
    path = f"/api/runs/{result['run']}/approvals/{asked['call']}"
    decision = {"decision": "allow", "digest": asked["digest"]}
    assert agent.server.call("POST", path, decision, token=agent.token).status == 403, "no key decides"
    agent.alice.post(path, decision)
    assert agent.alice.wait(result["run"])["status"] == "succeeded"
    found = agent.call("read_run", run=result["run"])
    assert (found["status"], found["answer"]) == ("succeeded", "I write. The green door.")
    assert "notes.txt" in agent.call("get_diff", chat=result["chat"])["diff"]


def test_a_run_that_fails_is_an_error_with_its_sentence(agent: Agent, upstream: Upstream) -> None:
    with agent.ask(scripted(upstream, Turn(fault="400"))) as stream:
        *_, last = [each.json for each in stream]
    assert last["result"]["isError"] and last["result"]["structuredContent"]["status"] == "failed"
    assert last["result"]["structuredContent"]["error"]


def announcing(agent: Agent, length: int) -> tuple[int, Any]:
    """The answer to a body of so many bytes, of which none is sent: who is told no while sending may not hear it."""
    _, headers = modern("tools/list")
    connection = http.client.HTTPConnection("127.0.0.1", agent.server.port, timeout=60)
    sent = {**headers, "Content-Type": "application/json", "Content-Length": str(length)}
    connection.putrequest("POST", "/mcp")
    for name, value in {**sent, "Authorization": f"Bearer {agent.token}"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def test_a_body_that_is_too_large_is_refused_in_the_protocol_s_words(agent: Agent) -> None:
    status, told = announcing(agent, 2_100_000)
    assert (status, told["error"]["code"], told["error"]["data"]["code"]) == (413, 413, "too_large")
    deep, headers = modern("tools/list", filler=json.loads("[" * 100 + "]" * 100))
    assert agent.send(deep, headers).body["error"]["code"] == -32700
