"""The tool calls of one turn: which are run, side by side or in order, and what the model is told of each."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Protocol

import msgspec

from agents import events as ev
from agents.archetypes.base import Archetype
from agents.errors import LimitReached, ProviderError, Waiting
from agents.events import AnyEvent, Call
from agents.loop.job import Job
from agents.loop.ledger import Turn
from agents.messages import Message, UserMessage
from agents.options import RunOptions
from tools.base import Tool
from tools.cleaning import clean_json
from tools.executor import execute

Approval = ev.ApprovalRequested | ev.ApprovalResolved
GONE = "The tool {name} was taken away, or changed, since this answer began. Go on without it."
UNKNOWN = "The process stopped while this tool ran. It may or may not have taken effect; it was not run again."


@dataclass(frozen=True)
class Outcome:
    """What the model is told of a call."""

    text: str
    is_error: bool = False
    is_invalid: bool = False  # it could not even be started: bad arguments, no such tool


def told(event: ev.ToolReturned | ev.ToolFailed) -> Outcome:
    """The outcome that a stored event stands for."""
    if isinstance(event, ev.ToolReturned):
        return Outcome(event.result if isinstance(event.result, str) else msgspec.json.encode(event.result).decode())
    return Outcome(json.dumps({"error": event.error}), is_error=True, is_invalid=event.outcome == "refused")


class Caller(Protocol):
    """The agent whose calls these are. Another of its kind answers a call of a subagent."""

    job: Job
    archetype: Archetype
    path: str
    answer: str
    tools: list[Tool]
    calls: int
    memories: dict[str, list[Message]]

    def __init__(self, job: Job, archetype: Archetype, *, path: str, messages: tuple[Message, ...]) -> None: ...
    @property
    def options(self) -> RunOptions: ...
    @property
    def subagents(self) -> tuple[Archetype, ...]: ...
    def work(self) -> AsyncGenerator[list[AnyEvent], None]: ...


class ToolCalls:
    """Runs what a turn asks for and has no result yet. Fills `outcomes`, by call id."""

    def __init__(self, agent: Caller, turn: Turn, outcomes: dict[str, Outcome]) -> None:
        self.agent = agent
        self.job = agent.job
        self.turn = turn
        self.outcomes = outcomes
        self.deferred = turn.deferred  # calls that the client runs
        self.is_waiting = False  # a call waits for a person
        self.queue: asyncio.Queue[tuple[list[AnyEvent], asyncio.Event] | None] = asyncio.Queue()

    async def run(self) -> AsyncGenerator[list[AnyEvent], None]:
        """Yield what happens. Calls that only read run side by side; otherwise in the order asked for."""
        open_calls = [call for call in self.turn.calls if call.id not in self.outcomes]
        theirs = {spec.name for spec in self.agent.options.tools}
        pending = [call for call in open_calls if call.name not in theirs]
        if pending:
            async with aclosing(self._run(pending)) as happenings:
                async for events in happenings:
                    yield events
        if self.is_waiting:
            raise Waiting
        if deferred := [call for call in open_calls if call.name in theirs and call.id not in self.deferred]:
            self.deferred.update(call.id for call in deferred)
            yield [self._defer(call) for call in deferred]

    def _defer(self, call: Call) -> AnyEvent:
        arguments = _parsed(call.arguments)
        return ev.ToolDeferred(**self._head(call), arguments=call.arguments if arguments is None else arguments)

    async def _run(self, pending: list[Call]) -> AsyncGenerator[list[AnyEvent], None]:
        work = asyncio.create_task(self._all(pending))
        try:
            while (item := await self.queue.get()) is not None:
                events, taken = item
                yield events
                taken.set()
            await work
        finally:
            await _cancelled(work)

    async def _all(self, pending: list[Call]) -> None:
        try:
            if all(self._only_reads(call) for call in pending):
                async with asyncio.TaskGroup() as group:
                    for call in pending:
                        group.create_task(self._one(call))
            else:
                for call in pending:
                    await self._one(call)
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        finally:
            self.queue.put_nowait(None)

    async def emit(self, *events: AnyEvent) -> None:
        """Hand events to whoever takes them, and wait until they ask for more: until then they may not be stored."""
        taken = asyncio.Event()
        self.queue.put_nowait((list(events), taken))
        await taken.wait()

    def _tool(self, name: str) -> Tool | None:
        return next((each for each in self.agent.tools if each.name == name), None)

    def _subagent(self, name: str) -> Archetype | None:
        return next((each for each in self.agent.subagents if each.name == name), None)

    def _only_reads(self, call: Call) -> bool:
        tool = self._tool(call.name)
        return tool is not None and tool.permission == "read"

    async def _one(self, call: Call) -> None:
        tool, subagent = self._tool(call.name), self._subagent(call.name)
        was_called = call.id in self.turn.called
        is_gone = tool is None and call.name in self.job.toolset.gone
        if was_called and (is_gone or (tool is not None and not tool.idempotent)):
            return await self._failed(call, UNKNOWN, "unknown")
        approval = self.turn.approvals.get(call.id)
        if not was_called and self._must_wait(call, tool, approval):
            return await self._wait(call, approval)
        self.agent.calls += 1
        if self.agent.calls > self.agent.archetype.limits.max_calls:
            raise LimitReached("max_calls")
        arguments = _parsed(call.arguments)
        if not was_called:
            shown = call.arguments if arguments is None else arguments
            await self.emit(ev.ToolCalled(**self._head(call), arguments=shown))
        if arguments is None:
            await self._failed(call, "The arguments are not a JSON object. Send valid JSON.", "refused")
        elif isinstance(approval, ev.ApprovalResolved) and approval.decision == "denied":
            await self._failed(call, f"A person did not allow this call. {approval.reason}".strip(), "refused")
        elif tool is not None:
            await self._run_tool(call, tool, arguments)
        elif subagent is not None:
            await self._run_subagent(call, subagent, arguments)
        elif is_gone:
            await self._failed(call, GONE.format(name=call.name), "refused")
        else:
            await self._failed(call, f"There is no tool named {call.name!r}.", "refused")

    def _must_wait(self, call: Call, tool: Tool | None, approval: Approval | None) -> bool:
        asks = tool is not None and (tool.asks_first or tool.name in self.job.asks_first)
        return asks and not isinstance(approval, ev.ApprovalResolved) and _parsed(call.arguments) is not None

    async def _wait(self, call: Call, approval: Approval | None) -> None:
        """Ask for approval, unless that was done already, and leave the call open."""
        self.is_waiting = True
        if approval is None:
            expires_at = self.job.now() + self.job.approval_lifetime_s
            asked = ev.ApprovalRequested(**self._head(call), arguments=_parsed(call.arguments), expires_at=expires_at)
            await self.emit(asked)

    def _head(self, call: Call) -> dict[str, Any]:
        return {"at": self.job.now(), "agent": self.agent.path, "call": call.id, "name": call.name}

    async def _failed(self, call: Call, error: str, outcome: str, elapsed_ms: int = 0) -> None:
        event = ev.ToolFailed(**self._head(call), error=error, outcome=outcome, elapsed_ms=elapsed_ms)  # type: ignore[arg-type]
        self.outcomes[call.id] = told(event)
        await self.emit(event)

    async def _run_tool(self, call: Call, tool: Tool, arguments: dict[str, Any]) -> None:
        async def progress(text: str) -> None:
            await self.emit(ev.ToolProgressed(**self._head(call), text=text))

        done = await execute(tool, replace(self.job.context, call_id=call.id, progress=progress), arguments)
        if done.error is not None:
            outcome = "refused" if done.outcome == "refused" else "failed"
            return await self._failed(call, done.error, outcome, done.elapsed_ms)
        event = ev.ToolReturned(
            **self._head(call),
            result=done.result,
            elapsed_ms=done.elapsed_ms,
            truncated=done.truncated,
            makes=tool.makes,
        )
        self.outcomes[call.id] = told(event)
        await self.emit(event)

    async def _run_subagent(self, call: Call, archetype: Archetype, arguments: dict[str, Any]) -> None:
        """Let the subagent work; its own events carry its path, its answer is the call's result."""
        task = arguments.get("task")
        if not isinstance(task, str) or not task.strip():
            return await self._failed(call, "task: say in a sentence what to do.", "refused")
        started = self.job.now()
        path = f"{self.agent.path}/{archetype.name}:{call.id}".lstrip("/")
        if path not in self.job.ledger.started_agents:
            await self.emit(ev.AgentStarted(at=started, agent=path, call=call.id, name=archetype.name, task=task))
        memory = self.agent.memories.get(archetype.name, []) if archetype.memory == "own" else []
        subagent = type(self.agent)(self.job, archetype, path=path, messages=(*memory, UserMessage(task)))
        try:
            async with aclosing(subagent.work()) as events:
                async for batch in events:
                    await self.emit(*batch)
        except Waiting:
            self.is_waiting = True
            return
        except ProviderError as error:
            return await self._failed(call, f"The agent {archetype.name} failed: {error.message}", "failed")
        elapsed_ms = max(0, int((self.job.now() - started) * 1000))
        event = ev.ToolReturned(**self._head(call), result=subagent.answer, elapsed_ms=elapsed_ms)
        self.outcomes[call.id] = told(event)
        await self.emit(ev.AgentReturned(at=self.job.now(), agent=path, call=call.id, name=archetype.name), event)


def _parsed(arguments: str) -> dict[str, Any] | None:
    """The arguments as an object; None where they are not one. No arguments at all is an empty object."""
    try:
        value = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return None
    return clean_json(value) if isinstance(value, dict) else None


async def _cancelled(task: "asyncio.Task[None]") -> None:
    """End the task and wait until it has; its error was raised where it was awaited, or no longer matters."""
    if not task.done():
        task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()
