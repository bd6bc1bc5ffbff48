"""The official SDKs at the MCP door, behind a round robin: each request goes to the next process, where two are."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests import environment
from tests.clients.keys import new_key
from tests.clients.node import run_node_json
from tests.doors.mcp_agent import Agent
from tests.doors.round_robin import RoundRobin
from tests.live import Server
from tests.streams import client, key
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.clients, pytest.mark.live]
TEXT = "The green door."
LEGACY, MODERN = "2025-11-25", "2026-07-28"


@pytest.fixture(scope="module")
def house(upstream: Upstream) -> Iterator[tuple[Server, RoundRobin]]:
    """A server, two of them where the database is for two, and the one address before them."""
    first = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none").start()
    more = [] if environment.profile() == "embedded" else [first.sibling().start_process()]
    with RoundRobin([first, *more]) as door:
        yield first, door
    first.close()


@asynccontextmanager
async def connected(door: RoundRobin, token: str, mode: Any = "auto") -> AsyncIterator[Any]:
    """The Python SDK's client, in that mode. Loaded here: it takes seconds, and each worker collects this file."""
    import httpx2
    from mcp import Client as McpClient
    from mcp.client.streamable_http import streamable_http_client

    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30) as http,
        McpClient(streamable_http_client(f"{door.url}/mcp", http_client=http), mode=mode) as agent,
    ):
        yield agent


def scripted(upstream: Upstream, *turns: Turn) -> str:
    mark = key()
    upstream.script(*turns, key=mark)
    return f"[[key={mark}]] go"


@pytest.mark.smoke
@pytest.mark.parametrize(("mode", "version"), [("auto", MODERN), ("legacy", LEGACY), (MODERN, MODERN)])
async def test_the_python_sdk_lists_asks_and_reads(
    house: tuple[Server, RoundRobin], upstream: Upstream, mode: Any, version: str
) -> None:
    server, door = house
    content = scripted(upstream, Turn(text=[TEXT], delay_ms=1))
    project = client(server).get("/api/projects/")["results"][0]["id"]
    told: list[str] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    async with connected(door, new_key(server, "mcp"), mode) as agent:
        assert agent.protocol_version == version
        names = [each.name for each in (await agent.list_tools()).tools]
        assert names[:4] == ["list_chats", "read_chat", "ask", "read_run"]
        asked = await agent.call_tool("ask", {"content": content, "project": project}, progress_callback=progress)
        found: Any = asked.structured_content
        assert not asked.is_error and (found["status"], found["answer"]) == ("succeeded", TEXT)
        assert found["run"] in told[0]
        read = await agent.call_tool("read_run", {"run": found["run"]})
        assert read.structured_content["answer"] == TEXT
        uri = f"parley://chats/{found['chat']}"
        assert uri in [str(each.uri) for each in (await agent.list_resources()).resources]
        (text,) = (await agent.read_resource(uri)).contents
        assert TEXT in text.text
        wrong = await agent.call_tool("read_chat", {"chat": project})
        assert wrong.is_error and "no such" in wrong.content[0].text
        with pytest.raises(Exception, match="no such resource"):
            await agent.read_resource("parley://chats/nowhere")
    assert all(door.asked), "each process has answered"


async def test_the_python_sdk_learns_that_its_key_is_none(house: tuple[Server, RoundRobin]) -> None:
    _, door = house
    with pytest.raises(BaseException) as refused:  # a group of groups
        async with connected(door, "pk_" + "x" * 43):
            pass
    assert "unknown, revoked or expired" in str(leaf(refused.value))


def leaf(error: BaseException) -> BaseException:
    """The first error of a group of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@pytest.mark.smoke
def test_the_typescript_sdk_lists_asks_and_reads(house: tuple[Server, RoundRobin], upstream: Upstream) -> None:
    server, door = house
    given = {"content": scripted(upstream, Turn(text=[TEXT], delay_ms=1))}
    told = run_node_json("mcp.mjs", f"{door.url}/mcp", new_key(server, "mcp"), json.dumps(given))
    assert told["server"]["name"] == "parley" and told["tools"][:3] == ["list_chats", "read_chat", "ask"]
    assert told["asked"]["status"] == "succeeded" and told["asked"]["answer"] == TEXT
    assert told["asked"]["run"] in told["progress"][0]["message"]
    assert told["read"]["answer"] == TEXT and TEXT in told["resource"]["text"]
    assert told["wrong"]["isError"] and told["unknown"]["code"] == -32601


@pytest.mark.smoke
@pytest.mark.skipif(environment.profile() == "embedded", reason="SQLite is for one process")
def test_an_answer_of_a_process_that_died_is_read_at_the_other(upstream: Upstream) -> None:
    quick = {"CHAT_LEASE_S": "2", "CHAT_LEASE_RENEW_S": "0.5", "CHAT_SCAN_S": "0.3"}
    first = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", **quick).start()
    try:
        other, gate, mark = first.sibling().start_process(), key(), key()
        upstream.script(Turn(text=["Half", " an answer"], gate=gate, gate_at=2), Turn(text=[TEXT]), key=mark)
        agent = Agent(first)
        with agent.ask(f"[[key={mark}]] go") as stream:
            run = stream.take(1)[0].json["params"]["message"].split()[1]
            upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark, timeout_s=20)
            first.kill()
        there = agent.at(other)
        there.alice.wait(run)
        assert there.call("read_run", run=run)["answer"] == TEXT
        upstream.release(gate)
    finally:
        first.close()
