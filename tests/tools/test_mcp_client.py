"""Servers of other houses' tools: what is asked of them, and what a hostile one can do."""

import asyncio
import base64
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.environment import ROOT
from tests.pictures import png
from tests.tools.mcp_hostile import (
    TOOL,
    Hostile,
    Say,
    called,
    endless,
    head,
    hostile,
    listed,
    message,
    raw,
    refusal,
    result,
)
from tests.tools.outside import Names, listening
from tools.mcp import client, resting
from tools.mcp.errors import McpError
from tools.mcp.exchange import MAX_REQUESTS
from tools.mcp.spec import CalledImage, ServerSpec

pytestmark = pytest.mark.live  # real sockets and real clocks
TOKEN = "canary-5f0c/33+41"
MODERN, OLDER = "2026-07-28", "2025-06-18"


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """The URL of the well-behaved server."""
    command = [sys.executable, "-m", "tests.tools.mcp_server"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdin
    yield f"http://127.0.0.1:{int(process.stdout.readline())}/mcp"
    process.stdin.close()
    process.wait(10)


@pytest.fixture(autouse=True)
async def ended(settings: Any) -> AsyncIterator[None]:
    """All that a test has opened is gone at its end: nobody works on."""
    settings.MCP_CALL_TIMEOUT_S = settings.MCP_LIST_TIMEOUT_S = settings.MCP_CONNECT_TIMEOUT_S = 30.0
    before = asyncio.all_tasks()
    yield
    await client.close()
    resting._failing.clear()
    async with asyncio.timeout(10):
        while left := asyncio.all_tasks() - before - {asyncio.current_task()}:
            await asyncio.wait(left)


def spec(settings: Any, url: str, **more: Any) -> ServerSpec:
    """The server at this URL, which the operator has named."""
    settings.OUTWARD_ALLOW = [*settings.OUTWARD_ALLOW, url.split("/")[2]]
    return ServerSpec(uuid.uuid4(), url, **{"token": TOKEN, "protocol": MODERN, **more})


async def fault(asked: Any) -> McpError:
    """What it failed by; no token is in what anybody is told."""
    with pytest.raises(McpError) as told:
        await asked
    assert not {part for part in ("canary", TOKEN) if part in f"{told.value} {told.value.person} {told.value!r}"}
    return told.value


async def test_the_tools_of_a_server_and_the_protocol_it_speaks(shop: str, settings: Any) -> None:
    found = await client.discover(spec(settings, shop, protocol=None))
    tools = {each.name: each for each in found.tools}
    order = tools["find_order"]
    assert (found.protocol, found.truncated, len(tools)) == (MODERN, "", 8)
    assert (order.title, order.description) == ("Find an order", "Find an order by its number.")
    assert order.annotations == {"readOnlyHint": True, "openWorldHint": False}
    assert order.schema["properties"]["number"]["type"] == "integer" and order.schema["additionalProperties"] is False
    assert found.discovered and "instructions" not in found.discovered and json.dumps(found.discovered)
    again = spec(settings, shop, protocol=found.protocol, discovered=found.discovered)
    assert (await client.call(again, "find_order", {"number": 7})).text == "Order 7: one coffee"


@pytest.mark.parametrize("protocol", [MODERN, OLDER, None])
async def test_calls_of_either_generation_of_the_protocol(protocol: str | None, shop: str, settings: Any) -> None:
    asked = spec(settings, shop, protocol=protocol)
    results = await asyncio.gather(*(client.call(asked, "find_order", {"number": number}) for number in range(1, 6)))
    assert [each.text for each in results] == [f"Order {number}: one coffee" for number in range(1, 6)]
    failed = await client.call(asked, "find_order", {"number": 0})
    assert failed.is_error and "There is no order 0." in failed.text
    who = (await client.call(asked, "who", {})).text
    assert who.split()[1:] == ["Bearer", "[credential]", "identity", who.split()[-1]], "the token came, and is masked"
    assert (who.split()[-1] == MODERN) == (protocol != OLDER)
    assert (await client.call(asked, "find_order", {"number": "seven"})).is_error
    assert "Unknown tool" in (await client.call(asked, "no_such_tool", {})).text


async def test_a_result_is_bounded_and_its_links_are_left_alone(shop: str, settings: Any) -> None:
    asked = spec(settings, shop)
    settings.MCP_RESULT_MAX_BYTES = 1_001
    called = await client.call(asked, "much", {"size": 5_000})
    assert len(called.text.encode()) <= 1_001 and called.text.endswith("ö\n[The rest of this result was cut.]")
    called = await client.call(asked, "pictures", {"many": 6})
    assert called.images == (CalledImage("png", png(4, 3)),) * 4
    assert called.text.count("[One more picture, which is left out.]") == 3, "the last is none, and is not looked at"
    called = await client.call(asked, "pictures", {"many": 0})
    assert called.images == () and "is an SVG drawing: it is left out" in called.text
    assert "which was not followed: secret, http://169.254.169.254/" in (await client.call(asked, "link", {})).text
    assert json.loads((await client.call(asked, "counts", {})).text) == {}


async def test_a_server_asks_for_a_form_or_a_page(shop: str, settings: Any) -> None:
    asked = spec(settings, shop)
    needs = (await client.call(asked, "book", {})).needs_input
    assert needs and needs.can_answer and needs.state, "the server's, and sealed by it"
    (form,) = needs.asked
    assert (form.key, form.message, form.url) == ("who", "Which name?", "")
    assert form.schema and form.schema["properties"] == {"name": {"type": "string"}}
    answers = {"who": {"name": "Alice"}}
    booked = await client.call(asked, "book", {}, answers=answers, state=needs.state)
    assert booked.text == "booked: table 7 {'name': 'Alice'}"
    page = (await client.call(asked, "book", {"page": True})).needs_input
    assert page and page.asked[0].is_page and page.asked[0].url == "https://shop.example/sign-in"
    been = await client.call(asked, "book", {"page": True}, answers={"who": None}, state=page.state)
    assert been.text == "booked: table 7 None"
    older = await client.call(spec(settings, shop, protocol=OLDER), "book", {})
    assert older.text == "not booked: cancel"
    assert older.needs_input and not older.needs_input.can_answer
    assert [each.message for each in older.needs_input.asked] == ["Which name?"]


async def counted(asked: ServerSpec) -> dict[str, int]:
    return dict(json.loads((await client.call(asked, "counts", {})).text))


async def until(asked: ServerSpec, name: str, count: int) -> None:
    async with asyncio.timeout(20):
        while (await counted(asked)).get(name, 0) < count:  # noqa: ASYNC110 - another process counts
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("protocol", [MODERN, OLDER])
async def test_whoever_is_cancelled_cancels_the_own_call_alone(protocol: str, shop: str, settings: Any) -> None:
    asked = spec(settings, shop, protocol=protocol)
    before = await counted(asked)
    waiting, cancelled = before.get("waiting", 0), before.get("cancelled", 0)
    leaving = asyncio.create_task(client.call(asked, "wait", {"seconds": 60}))
    staying = asyncio.create_task(client.call(asked, "wait", {"seconds": 2}))
    await until(asked, "waiting", waiting + 2)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await until(asked, "cancelled", cancelled + 1)
    assert (await staying).text == "waited"
    assert (await counted(asked))["cancelled"] == cancelled + 1


async def test_a_call_that_takes_too_long_ends_in_time_and_at_the_server_too(shop: str, settings: Any) -> None:
    asked = spec(settings, shop)
    before = await counted(asked)
    settings.MCP_CALL_TIMEOUT_S = 0.5
    told = await fault(client.call(asked, "wait", {"seconds": 60}))
    assert (told.code, told.was_sent) == ("timeout", True)
    settings.MCP_CALL_TIMEOUT_S = 30.0
    await until(asked, "cancelled", before.get("cancelled", 0) + 1)


async def test_one_connection_a_server_and_principal_and_not_more_than_so_many(shop: str, settings: Any) -> None:
    from tools.mcp.pool import pool

    settings.MCP_CONNECTIONS = 2
    asked = spec(settings, shop)
    for principal in ("alice", "bob", "alice"):
        await client.call(replace(asked, principal=principal), "counts", {})
    kept = dict(pool()._kept)
    assert {principal for _, principal in kept} == {"alice", "bob"}
    await client.call(replace(asked, principal="dora"), "counts", {})
    assert {principal for _, principal in pool()._kept} == {"alice", "dora"}, "the one that was idle for longest went"
    busy = [
        asyncio.create_task(client.call(replace(asked, principal=each), "wait", {"seconds": 60}))
        for each in ("alice", "dora")
    ]
    await asyncio.sleep(0)
    assert (await fault(client.call(replace(asked, principal="bob"), "counts", {}))).code == "busy"
    for each in busy:
        each.cancel()
    await asyncio.gather(*busy, return_exceptions=True)
    changed = replace(asked, principal="alice", token="another")
    assert "[credential]" in (await client.call(changed, "who", {})).text
    settings.MCP_IDLE_S = 0.05
    await client.call(changed, "counts", {})
    (owner,) = [each._owner for (_, principal), each in pool()._kept.items() if principal == "alice"]
    async with asyncio.timeout(10):
        await asyncio.wait([owner])


@pytest.mark.parametrize("protocol", [MODERN, OLDER])
async def test_what_a_server_has_forgotten_is_agreed_anew_and_the_call_made_once(protocol: str, settings: Any) -> None:
    """A session of an older one, or the newest protocol where it went back to an older: it says so and did nothing."""
    sessions = iter(("one", "two", "three"))
    known = ""

    async def begin(it: Hostile, writer: asyncio.StreamWriter, id: Any) -> None:
        nonlocal known
        known = next(sessions)
        server = {"protocolVersion": OLDER, "capabilities": {}, "serverInfo": {"name": "x", "version": "1"}}
        await result(server, f"Mcp-Session-Id: {known}")(it, writer, id)

    async def call(it: Hostile, writer: asyncio.StreamWriter, id: Any) -> None:
        is_known = f"mcp-session-id: {known}" in it.heads[-1].lower()
        forgot = raw(head("Content-Length: 0", status="404 Not Found")) if protocol == OLDER else refusal(-32022, "no")
        await (called({"type": "text", "text": known}) if known and is_known else forgot)(it, writer, id)

    async with hostile(server__discover=refusal(-32601, "no"), initialize=begin, tools__call=call) as server:
        server.says["else"] = raw(head("Content-Length: 0", status="202 Accepted"))
        asked = spec(settings, server.url, protocol=protocol)
        if protocol == OLDER:
            assert (await client.call(asked, "good", {})).text == "one"
            known = "forgotten"
        again = await asyncio.gather(*(client.call(asked, "good", {}) for _ in range(3)))
        assert {each.text for each in again} == {"two" if protocol == OLDER else "one"}
        assert server.asked["initialize"] == (2 if protocol == OLDER else 1)
        known = "nobody's"
        server.says["initialize"] = raw(head("Content-Length: 0", status="404 Not Found"))
        told = await fault(client.call(asked, "good", {}))
        assert told.code == "not_found" and not told.was_sent


@dataclass(frozen=True)
class Bad:
    """What a server answers to a call, and what is made of it."""

    say: Say
    code: str
    deadline_s: float = 30.0
    taken: int = 8_000_000  # of the bytes it would send: what sockets hold, beside what we take


SSE = head(kind="text/event-stream")
NOTE = b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}\n\n'
PING = b'data: {"jsonrpc":"2.0","id":"1","method":"ping"}\n\n'
BAD = {
    "200 MB of JSON, not said": Bad(
        endless(head() + b'{"jsonrpc":"2.0","id":1,"result":"', b"x" * 60_000), "too_large"
    ),
    "200 MB of JSON, said": Bad(endless(head("Content-Length: 200000000"), b"x" * 60_000), "too_large"),
    "one event of 200 MB": Bad(endless(SSE + b"data: ", b"x" * 60_000), "too_large"),
    "events without end": Bad(endless(SSE, NOTE * 50), "too_large"),
    "empty lines without end": Bad(endless(SSE, b":\n\n" * 5_000), "too_large"),
    "asks back without end": Bad(endless(SSE, PING * 50), "bad_answer"),
    "nothing": Bad(endless(b"", b"", 0.05), "timeout", 0.5),
    "a body that drips": Bad(endless(head("Content-Length: 9000"), b" ", 0.02), "timeout", 0.5),
    "events that drip": Bad(endless(SSE, b": x\n\n", 0.02), "timeout", 0.5),
    "headers that drip": Bad(endless(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n", 0.02), "timeout", 0.5),
    "the answer to another question": Bad(
        message(lambda _: {"jsonrpc": "2.0", "id": 99, "result": {}}), "timeout", 0.5
    ),
    "cut in the middle": Bad(raw(head("Content-Length: 900"), b'{"jsonrpc":'), "bad_answer"),
    "events, cut in the middle": Bad(raw(SSE, b'data: {"jsonrpc":'), "bad_answer"),
    "events, to be taken up in an hour": Bad(raw(SSE, b"id: 7\nretry: 3600000\ndata:\n\n"), "bad_answer"),
    "no HTTP": Bad(raw(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), "bad_answer"),
    "a web page": Bad(raw(head("Content-Length: 6", kind="text/html"), b"<html>"), "bad_answer"),
    "packed": Bad(raw(head("Content-Encoding: gzip"), b"\x1f\x8b"), "bad_answer"),
    "no JSON": Bad(raw(head("Content-Length: 5"), b"hello"), "bad_answer"),
    "brackets in brackets": Bad(raw(head(), b"[" * 9_000), "bad_answer"),
    "as many as hold up the loop": Bad(called(*[{"type": "text", "text": "x"}] * 60_000), "too_large"),
    "the same as an event": Bad(raw(SSE, b"data: " + b"[]" * 60_000), "too_large"),
    "a list": Bad(raw(head("Content-Length: 2"), b"[]"), "bad_answer"),
    "accepted, and no more": Bad(raw(head("Content-Length: 0", status="202 Accepted")), "bad_answer"),
    "a result of another kind": Bad(result({"resultType": "complete", "content": "text"}), "bad_answer"),
    "a result that is none": Bad(result({"resultType": "complete"}), "bad_answer"),
    "a form without end": Bad(
        result({"resultType": "input_required", "inputRequests": {str(n): {} for n in range(99)}}), "bad_answer"
    ),
    "what is ours": Bad(
        result({"resultType": "input_required", "inputRequests": {"a": {"method": "roots/list", "params": {}}}}),
        "bad_answer",
    ),
    "not let in": Bad(raw(head("Content-Length: 0", status="401 Unauthorized")), "auth"),
    "nobody there": Bad(raw(head("Content-Length: 0", status="404 Not Found")), "not_found"),
    "it broke": Bad(raw(head("Content-Length: 0", status="500 Oh")), "server_error"),
    "an error with our token in it": Bad(refusal(-32000, f"Bearer {TOKEN} " + "x" * 5_000), "server_error"),
    "arguments it does not take": Bad(refusal(-32602, "number: expected more"), "bad_arguments"),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
async def test_what_a_hostile_server_answers_is_bounded(case: Bad, settings: Any) -> None:
    settings.MCP_CALL_TIMEOUT_S = case.deadline_s
    async with hostile(tools__call=case.say) as server:
        server.says["else"] = raw(head("Content-Length: 0", status="202 Accepted"))
        began = time.monotonic()
        told = await fault(client.call(spec(settings, server.url), "good", {}))
        assert told.code == case.code, told
        assert time.monotonic() - began < case.deadline_s + 8
        assert server.sent < case.taken and len(str(told)) < 600
        assert server.asked["tools/call"] == 1 and sum(server.asked.values()) <= MAX_REQUESTS
        assert f"Authorization: Bearer {TOKEN}" in server.heads[0] and "Accept-Encoding: identity" in server.heads[0]


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
async def test_nobody_goes_where_a_server_sends_to(status: str, settings: Any) -> None:
    async with listening(mcp_listener, "127.0.0.1") as elsewhere:
        to = f"http://127.0.0.1:{elsewhere.port}/mcp?token={TOKEN}"
        settings.OUTWARD_ALLOW = [f"127.0.0.1:{elsewhere.port}"]
        moved = raw(head(f"Location: {to}", "Content-Length: 0", status=status))
        async with hostile(tools__call=moved) as server:
            told = await fault(client.call(spec(settings, server.url), "good", {}))
        assert told.code == "moved" and f"sends to http://127.0.0.1:{elsewhere.port}/mcp." in told.person
        assert not told.was_sent and not elsewhere.connects


async def mcp_listener(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


async def test_a_name_that_changes_where_it_leads_is_judged_where_it_is_connected(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here 127.0.0.1 counts as public and 127.0.0.2 does not."""
    monkeypatch.setattr(socket, "getaddrinfo", Names({"rebinding.example": [["127.0.0.1"], ["127.0.0.2"]]}))
    async with listening(mcp_listener, "127.0.0.1", "127.0.0.2") as outside:
        settings.OUTWARD_PORTS, settings.OUTWARD_ALLOW = [outside.port], ["127.0.0.1/32"]
        settings.OUTWARD_CONNECT_TIMEOUT_S = settings.MCP_CALL_TIMEOUT_S = 1.0
        asked = ServerSpec(uuid.uuid4(), f"https://rebinding.example:{outside.port}/mcp", TOKEN, MODERN)
        assert (await fault(client.call(asked, "good", {}))).code in ("timeout", "unreachable")  # it speaks no TLS
        assert outside.connects == {"127.0.0.1": 1}
        told = await fault(client.call(asked, "good", {}))
        assert told.code == "refused_address" and "OUTWARD_ALLOW" in told.person and not told.was_sent
        assert outside.connects == {"127.0.0.1": 1} and outside.heads == []
        for url in ("http://example.com/mcp", "https://example.com:22/mcp", "file:///etc/passwd", "stdio:ls"):
            assert (await fault(client.discover(replace(asked, url=url)))).code == "refused_url"


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {**TOOL, "name": name, **more}


def schema(**more: Any) -> dict[str, Any]:
    return {"type": "object", **more}


DOUBLING = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(30)} | {"d30": {}}
DEEP: dict[str, Any] = {}
for _ in range(60):
    DEEP = {"not": DEEP}
LEFT_OUT = {
    "a foreign reference": (schema(properties={"a": {"$ref": "https://evil.example/schema"}}), "outside the schema"),
    "a file": (schema(properties={"a": {"$ref": "file:///etc/passwd"}}), "outside the schema"),
    "itself": (schema(properties={"a": {"$ref": "#"}}), "refers to itself"),
    "what doubles": (schema(properties={"a": {"$ref": "#/$defs/d0"}}, **{"$defs": DOUBLING}), "written out"),
    "another base": (schema(properties={"a": {"$dynamicRef": "#x"}}), "has $dynamicRef"),
    "too deep": (schema(properties={"a": DEEP}), "levels"),
    "too long": (schema(description="x" * 20_000), "longer than 16,000 bytes"),
    "no schema": (schema(properties={"a": {"type": "many"}}), "not a JSON Schema"),
    "no object": ({"type": "object", "$ref": "#/$defs/none"}, "is not in the schema"),
}


@pytest.mark.parametrize(("input_schema", "why"), LEFT_OUT.values(), ids=LEFT_OUT.keys())
async def test_a_tool_whose_schema_is_not_taken_is_left_out(input_schema: Any, why: str, settings: Any) -> None:
    async with hostile(tools__list=listed(tool("bad", inputSchema=input_schema), TOOL)) as server:
        found = await client.discover(spec(settings, server.url))
    assert [each.name for each in found.tools] == ["good"]
    assert found.truncated.startswith("1 tools are left out (1: ") and why in found.truncated


async def test_regular_expressions_of_others_are_told_and_not_run(settings: Any) -> None:
    hostile_one = schema(
        properties={"pattern": {"type": "string", "pattern": "(a+)+$", "description": "A name."}},
        patternProperties={"(a+)+$": {}},
        additionalProperties=False,
    )
    async with hostile(tools__list=listed(tool("good", inputSchema=hostile_one))) as server:
        (found,) = (await client.discover(spec(settings, server.url))).tools
    name = {"type": "string", "description": "A name. (pattern: (a+)+$)"}
    assert found.schema == schema(properties={"pattern": name}, additionalProperties=True)


LISTS = {
    "pages without end": (listed(TOOL, cursor="more"), 1, "The server has more tools than are asked for."),
    "2,000 tools": (listed(*(tool(f"t{n}") for n in range(2_000))), 100, "1900 tools are left out (1900: only 100"),
    "100 tools of 8 kB": (
        listed(*(tool(f"t{n}", inputSchema=schema(description="x" * 8_000)) for n in range(100))),
        7,
        "93 tools are left out (93: only 64,000 bytes",
    ),
    "a description of 1 MB": (listed(tool("good", description="x" * 1_000_000)), 1, "1 descriptions are cut at 4,000"),
    "names that are none": (listed(TOOL, TOOL, tool(""), tool("a" * 129), tool("a\u202eb")), 1, "4 tools are left out"),
}


@pytest.mark.parametrize(("say", "count", "told"), LISTS.values(), ids=LISTS.keys())
async def test_a_list_is_taken_within_bounds(say: Say, count: int, told: str, settings: Any) -> None:
    async with hostile(tools__list=say) as server:
        found = await client.discover(spec(settings, server.url))
        assert server.asked["tools/list"] <= 5
    assert len(found.tools) == count and told in found.truncated
    assert sum(len(json.dumps([each.description, each.schema])) for each in found.tools) < 70_000


async def test_a_list_of_100_mb_is_no_list(settings: Any) -> None:
    big = json.dumps(tool("t", inputSchema=schema(description="x" * 20_000))).encode()
    start = head() + b'{"jsonrpc":"2.0","id":1,"result":{"tools":['
    async with hostile(tools__list=endless(start, big + b",")) as server:
        told = await fault(client.discover(spec(settings, server.url)))
        assert told.code == "too_large" and server.sent < 8_000_000
        server.says["tools/list"] = listed(*(tool(f"t{n}") for n in range(5_000)))
        told = await fault(client.discover(spec(settings, server.url)))
        assert told.person == "The answer has more than 10,000 objects and lists."


@pytest.mark.parametrize("say", [BAD["a web page"].say, BAD["cut in the middle"].say, BAD["no JSON"].say])
async def test_what_is_no_such_server_says_so_to_whoever_gave_its_address(say: Say, settings: Any) -> None:
    async with hostile(server__discover=say, initialize=say) as server:
        told = await fault(client.discover(spec(settings, server.url)))
    assert told.code == "bad_answer" and "does not speak MCP by Streamable HTTP" in told.person


async def test_a_tool_s_result_may_be_hostile_too(settings: Any) -> None:
    """Ten pictures, their types a claim, a token sent back in pieces of JSON, and a form that leads elsewhere."""
    picture = {"type": "image", "data": base64.b64encode(png(2, 2)).decode(), "mimeType": "text/html"}
    lie = {**picture, "data": base64.b64encode(b"<html>").decode()}
    text = {"type": "text", "text": f'{{"echo": "{TOKEN.replace("/", chr(92) + "/")}"}} \x00'}
    async with hostile(tools__call=called(lie, *[picture] * 10, text)) as server:
        asked = spec(settings, server.url)
        found = await client.call(asked, "good", {})
        assert len(found.images) == 4 and found.images[0].kind == "png"
        assert "canary" not in found.text and "\x00" not in found.text and '{"echo": "[credential]"}' in found.text
        server.says["tools/call"] = called(structuredContent={"a": [1]}, isError=True)
        found = await client.call(asked, "good", {})
        assert (found.text, found.is_error) == ('{"a": [1]}', True)
        assert server.asked == {"tools/call": 2}, "no list is fetched for a call"


async def test_arguments_go_into_headers_and_a_call_is_asked_again_where_the_server_says_so(settings: Any) -> None:
    """It wants an argument as a header, then says "not yet" twice; an older one sends a page to be opened as error."""
    region = {"type": "string", "x-mcp-header": "Region"}
    legs = iter(("a", "b"))

    async def call(it: Hostile, writer: asyncio.StreamWriter, id: Any) -> None:
        if "mcp-param-region: eu" not in it.heads[-1].lower():
            await refusal(-32020, "Region")(it, writer, id)
        elif leg := next(legs, ""):
            await result({"resultType": "input_required", "requestState": leg})(it, writer, id)
        else:
            await called({"type": "text", "text": "done"})(it, writer, id)

    tools = listed(tool("good", inputSchema=schema(properties={"region": region})))
    async with hostile(tools__call=call, tools__list=tools) as server:
        asked = spec(settings, server.url)
        assert (await client.call(asked, "good", {"region": "eu"})).text == "done"
        assert server.asked == {"tools/call": 4, "tools/list": 1}
        page = {"mode": "url", "message": "Sign in", "url": "https://shop.example/", "elicitationId": "1"}
        server.says["tools/call"] = refusal(-32042, "sign in", {"elicitations": [page]})
        needs = (await client.call(asked, "good", {"region": "eu"})).needs_input
        assert needs and needs.can_answer and [each.url for each in needs.asked] == ["https://shop.example/"]


async def test_a_server_that_fails_is_left_alone_for_a_while(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = time.monotonic()
    monkeypatch.setattr(resting, "time", type("Clock", (), {"monotonic": staticmethod(lambda: now)}))
    async with hostile(tools__call=BAD["no JSON"].say) as server:
        asked = spec(settings, server.url)
        codes = [(await fault(client.call(asked, "good", {}))).code for _ in range(5)]
        assert codes == ["bad_answer"] * 3 + ["resting"] * 2 and server.asked["tools/call"] == 3
        now += 10.1
        codes = [(await fault(client.call(asked, "good", {}))).code for _ in range(2)]
        assert codes == ["bad_answer", "resting"], "one is let through"
        now += 20.1
        server.says["tools/call"] = called({"type": "text", "text": "back"})
        assert [(await client.call(asked, "good", {})).text for _ in range(2)] == ["back"] * 2
    assert [record.levelname for record in caplog.records if "mcp:" in record.message] == ["WARNING"] * 2
    assert "canary" not in caplog.text


CODE = """
import django
django.setup()
import asyncio, sys, uuid
from tools.mcp import client
from tools.mcp.spec import ServerSpec
print({"mcp", "mcp_types", "tools.mcp.session"} & set(sys.modules))
async def main():
    for protocol in ("2026-07-28", "2025-06-18"):
        asked = ServerSpec(uuid.uuid4(), sys.argv[1], protocol=protocol)
        print((await client.call(asked, "find_order", {"number": 1})).text)
        asyncio.create_task(client.call(asked, "wait", {"seconds": 60}))
    await asyncio.sleep(0.2)
asyncio.run(main())
"""


def test_a_process_loads_the_sdk_at_its_first_call_and_ends_with_connections_open(shop: str) -> None:
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "OUTWARD_ALLOW": shop.split("/")[2]}
    done = subprocess.run([sys.executable, "-c", CODE, shop], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["set()", *["Order 1: one coffee"] * 2], done.stderr
    assert (done.returncode, done.stderr) == (0, "")
