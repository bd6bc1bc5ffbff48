"""The scripted model provider, over real HTTP on loopback. It answers as the plan says, and writes down what it saw.

Chat completions, streamed, and POST /effect, where the `note` tool leaves its mark. A process shows by its API key who
it is, so that a request also says which process executes a run.
"""

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from chat.ops.chaos.plan import EARLY, MARK, RunPlan, TurnPlan
from chat.runner.kinds.title import TASK as TITLE_TASK

NO_PLAN = TurnPlan(pieces=("Not planned. ",), delay_s=0.0)
TITLE = "A chat in chaos"
TITLE_PLAN = TurnPlan(pieces=tuple(f"{word} " for word in TITLE.split()), delay_s=0.2)


@dataclass
class Asked:
    """One request for a turn. Times are of time.time()."""

    run: int
    turn: int
    process: str
    at: float = field(default_factory=time.time)
    ended_at: float | None = None
    end: str = "open"  # finished, left (by the process), broken (by a fault of the script)


@dataclass(frozen=True)
class Effect:
    """The tool ran."""

    run: int
    call: str
    process: str
    at: float


class Upstream:
    """The provider. It runs on the loop that enters it."""

    def __init__(self, plans: list[RunPlan]) -> None:
        self.plans = {each.number: each for each in plans}
        self.asked: list[Asked] = []
        self.effects: list[Effect] = []
        self.titles = 0  # how often one was asked for
        self.url = ""
        self._struck: Counter[tuple[int, int]] = Counter()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["Upstream"]:
        """Serve at `url` for as long as the block lasts."""
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_post("/effect", self._effect)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, shutdown_timeout=0.1)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        try:
            yield self
        finally:
            await runner.cleanup()

    @property
    def open(self) -> int:
        """Requests that are neither answered nor left."""
        return sum(each.end == "open" for each in self.asked)

    async def _effect(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.effects.append(Effect(int(body["run"]), str(body["call"]), _process(request), time.time()))
        return web.json_response({"count": sum(each.call == body["call"] for each in self.effects)})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        messages = (await request.json())["messages"]
        if TITLE_TASK in str(messages[-1]["content"]):
            return await self._title(request)
        run, turn = place_of(messages)
        asked = Asked(run, turn, _process(request))
        self.asked.append(asked)
        try:
            response = await self._answer(request, run, turn)
            self._end(asked, "finished")
            return response
        except _Broken:
            self._end(asked, "broken")
            if request.transport is not None:
                request.transport.abort()
            raise asyncio.CancelledError from None
        finally:
            self._end(asked, "left")

    async def _title(self, request: web.Request) -> web.StreamResponse:
        """What is asked when the first answer of a chat is over."""
        self.titles += 1
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await _stream(response, TITLE_PLAN, (-1, 0), "")
        await response.write_eof()
        return response

    async def _answer(self, request: web.Request, run: int, turn: int) -> web.StreamResponse:
        planned = self.plans[run].turns[turn] if run in self.plans and turn < len(self.plans[run].turns) else NO_PLAN
        fault = planned.fault if not self._struck[run, turn] else ""
        if fault:
            self._struck[run, turn] += 1
        if fault.isdigit():
            return web.json_response({"error": {"message": fault}}, status=int(fault), headers={"Retry-After": "0"})
        if fault == "refuse":
            raise _Broken
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        if fault != "empty":
            await _stream(response, planned, (run, turn), fault)
        await response.write_eof()
        return response

    def _end(self, asked: Asked, how: str) -> None:
        if asked.end == "open":
            asked.end, asked.ended_at = how, time.time()


class _Broken(Exception):
    """The script says that the connection is reset."""


async def _stream(response: web.StreamResponse, planned: TurnPlan, place: tuple[int, int], fault: str) -> None:
    half = len(planned.pieces) // 2
    for number, piece in enumerate(planned.pieces):
        if fault and fault not in EARLY and number == half:
            await _strike(response, fault)
            return
        await _write(response, {"choices": [{"index": 0, "delta": {"content": piece}}]})
        await asyncio.sleep(planned.delay_s)
    calls = [_call(place, index) for index in range(planned.calls)]
    if planned.drill:
        calls.append(_drill(place, len(calls), planned.drill))
    for call in calls:
        await _write(response, {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})
    reason = "tool_calls" if calls else "stop"
    await _write(response, {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    used = len(planned.pieces)
    usage = {"prompt_tokens": 10, "completion_tokens": used, "total_tokens": 10 + used}
    await _write(response, {"choices": [], "usage": usage})
    await response.write(b"data: [DONE]\n\n")


async def _strike(response: web.StreamResponse, fault: str) -> None:
    match fault:
        case "cut":
            raise _Broken
        case "badjson":
            await response.write(b'data: {"choices": [{"delta": {"content": "oops\n\n')
        case "error":
            await _write(response, {"error": {"message": "scripted", "type": "server_error"}})
        case _:
            pass  # eof: it ends here, cleanly and too early


async def _write(response: web.StreamResponse, chunk: dict[str, Any]) -> None:
    await response.write(f"data: {json.dumps({'object': 'chat.completion.chunk', **chunk})}\n\n".encode())


def _call(place: tuple[int, int], index: int) -> dict[str, Any]:
    run, turn = place
    id = f"call_{run}_{turn}_{index}"
    function = {"name": "note", "arguments": json.dumps({"run": run, "call": id})}
    return {"index": index, "id": id, "type": "function", "function": function}


def _drill(place: tuple[int, int], index: int, where: str) -> dict[str, Any]:
    function = {"name": "drill", "arguments": json.dumps({"steps": 6, "pause_ms": 200, "place": where})}
    return {"index": index, "id": f"drill_{place[0]}_{place[1]}", "type": "function", "function": function}


def place_of(messages: list[dict[str, Any]]) -> tuple[int, int]:
    """Which run asks, by the mark in its message, and for which of its turns.

    A message behind one that was stopped before its first word comes in one piece with it: the last mark is its own.
    """
    turn = 0
    for message in reversed(messages):
        if message["role"] == "user" and (found := MARK.findall(str(message["content"]))):
            return int(found[-1]), turn
        turn += message["role"] == "assistant"
    return -1, turn


def _process(request: web.Request) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")
