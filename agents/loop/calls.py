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
from agents.loop import wanting
from agents.loop.foreign import is_tainted, places_of
from agents.loop.job import Job
from agents.loop.judging import ALLOW, ASK, Question, Verdict, digest_of
from agents.loop.ledger import Turn
from agents.messages import Message, UserMessage
from agents.options import RunOptions
from tools.base import Tool
from tools.cleaning import clean_json
from tools.executor import execute
from tools.forms import NeedsPerson

Approval = ev.ApprovalRequested | ev.ApprovalResolved
GONE = "The tool {name} was taken away, or changed, since this answer began. Go on without it."
UNKNOWN = "The process stopped while this tool ran. It may or may not have taken effect; it was not run again."
OTHER = "The arguments are not those that a person allowed. Ask anew."
NOT_ALLOWED = "A person did not allow this call."
NOT_GIVEN = "A person did not give what the other side asked for before it goes on."
NOT_THEIRS = "Somebody else allowed this call, which only the person you act for may."


@dataclass(frozen=True)
class Outcome:
    """What the model is told of a call."""

    text: str
    is_error: bool = False
    is_invalid: bool = False  # it could not even be started: bad arguments, no such tool
    attachments: tuple[ev.Attached, ...] = ()  # files that came with it


def told(event: ev.ToolReturned | ev.ToolFailed) -> Outcome:
    """The outcome that a stored event stands for."""
    if isinstance(event, ev.ToolReturned):
        text = event.result if isinstance(event.result, str) else as_told(event.result)
        return Outcome(text, attachments=event.attachments)
    return Outcome(json.dumps({"error": event.error}), is_error=True, is_invalid=event.outcome == "refused")


def as_told(value: Any) -> str:
    """A result as the model reads it, now and in later requests: by name, since a database may keep another order, and
    a provider's cache of prompts is lost where a byte of what was said before has changed.
    """
    return msgspec.json.encode(value, order="sorted").decode()


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
        self.verdicts: dict[str, Verdict] = {}  # of calls behind one that waits
        self.behind: list[Call] = []  # of a turn in order: what comes after the call at hand
        self.limit: LimitReached | None = None  # that calls side by side met
        self.queue: asyncio.Queue[tuple[list[AnyEvent], asyncio.Event] | None] = asyncio.Queue()

    async def run(self) -> AsyncGenerator[list[AnyEvent], None]:
        """Yield what happens. Tools that only read run side by side, and so do subagents that only read, so many at
        once as the job says; all else in the order asked for.
        """
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
            if all(map(self._only_reads, pending)):
                await self._side_by_side(pending, len(pending))
            elif all(map(self._is_reading_subagent, pending)):
                await self._side_by_side(pending, self.job.subagents_at_once)
            else:
                await self._in_order(pending)
        except LimitReached:
            if not self.is_waiting:  # an open question is not given up: the limit is met again once it is answered
                raise
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        finally:
            self.queue.put_nowait(None)

    async def _in_order(self, pending: list[Call]) -> None:
        """One after the other. Behind one that waits nothing is changed, lest it be done before what was asked first;
        whatever asks anyway asks already, so that people answer in one go.
        """
        for number, call in enumerate(pending, 1):
            self.behind = pending[number:]
            if self.is_waiting and self._changes(call):
                await self._ask(call)
            else:
                await self._one(call)

    async def _ask(self, call: Call) -> None:
        """Leave the call open; ask for approval where it needs one."""
        if self._needs_person(call, await self._foreseen(call)):
            await self._wait(call, self._tool(call.name), self.turn.approvals.get(call.id))

    async def _held(self) -> tuple[str, ...]:
        """The calls that stay open behind one that waits, without being asked for: their ids."""
        changing = filter(self._changes, self.behind)
        return tuple([each.id for each in changing if not self._needs_person(each, await self._foreseen(each))])

    async def _foreseen(self, call: Call) -> Verdict:
        """What would be done with a call that does not start yet: the same however often it is asked in this turn."""
        if call.id not in self.verdicts:
            self.verdicts[call.id] = await self._judged(call, starts=False)
        return self.verdicts[call.id]

    async def _with_held(self, event: AnyEvent) -> AnyEvent:
        """A subagent's event; where it asks a person, with what that holds back here as well."""
        if not isinstance(event, ev.ApprovalRequested) or not self.behind or self.job.is_among_older:
            return event
        return msgspec.structs.replace(event, holds=(*event.holds, *await self._held()))

    def _needs_person(self, call: Call, verdict: Verdict) -> bool:
        is_answered = isinstance(self.turn.approvals.get(call.id), ev.ApprovalResolved)
        return verdict.decision == "ask" and not self.turn.is_under_way(call.id) and not is_answered

    async def _side_by_side(self, pending: list[Call], at_once: int) -> None:
        """Those that have begun end, also where a limit lets the others not begin: who knows what they have cost."""
        verdicts = await asyncio.gather(*map(self._judged, pending))  # all first: they start in their order
        places = asyncio.Semaphore(at_once)
        async with asyncio.TaskGroup() as group:
            for call, verdict in zip(pending, verdicts, strict=True):
                group.create_task(self._beside(call, verdict, places))
        if self.limit is not None:
            raise self.limit

    async def _beside(self, call: Call, verdict: Verdict, places: asyncio.Semaphore) -> None:
        async with places:
            try:
                await self._one(call, verdict)
            except LimitReached as limit:
                self.limit = limit

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

    def _changes(self, call: Call) -> bool:
        """Whether it may do more than read."""
        tool, subagent = self._tool(call.name), self._subagent(call.name)
        if tool is not None:
            return tool.permission != "read" or tool.deletes
        return subagent is not None and not subagent.only_reads

    def _is_reading_subagent(self, call: Call) -> bool:
        """Also that the agent is the run's own: so all that are at work at once are no more than the job says."""
        subagent = self._subagent(call.name)
        return subagent is not None and subagent.only_reads and not self.agent.path

    async def _one(self, call: Call, judged: Verdict | None = None) -> None:
        tool, subagent = self._tool(call.name), self._subagent(call.name)
        was_called = self.turn.is_under_way(call.id)
        is_gone = tool is None and call.name in self.job.toolset.gone
        if was_called and (is_gone or (tool is not None and not tool.idempotent)):
            return await self._failed(call, UNKNOWN, "unknown")
        approval = self.turn.approvals.get(call.id)
        arguments = _parsed(call.arguments)
        verdict = judged or await self._judged(call)
        if was_called and verdict.decision == "deny":
            return await self._failed(call, UNKNOWN, "unknown")
        if self._needs_person(call, verdict):
            return await self._wait(call, tool, approval)
        self.agent.calls += 1
        if self.agent.calls > self.agent.archetype.limits.max_calls:
            raise LimitReached("max_calls")
        is_denied = isinstance(approval, ev.ApprovalResolved) and approval.decision == "denied"
        rests = call.id in self.turn.resting
        if not was_called and not (rests and is_denied):
            await self.emit(self._begins(call, arguments, rests=rests))
        if arguments is None:
            await self._failed(call, "The arguments are not a JSON object. Send valid JSON.", "refused")
        elif isinstance(approval, ev.ApprovalResolved) and is_denied:
            await self._failed(call, f"{NOT_GIVEN if rests else NOT_ALLOWED} {approval.reason}".strip(), "refused")
        elif self._is_anothers(tool, approval):
            await self._failed(call, NOT_THEIRS, "refused")
        elif verdict.decision == "deny":
            await self._failed(call, verdict.because, "refused")
        elif self._is_other(call, arguments):
            await self._failed(call, OTHER, "refused")
        elif tool is not None:
            await self._run_tool(call, tool, arguments)
        elif subagent is not None:
            await self._run_subagent(call, subagent, arguments)
        elif is_gone:
            await self._failed(call, GONE.format(name=call.name), "refused")
        else:
            await self._failed(call, f"There is no tool named {call.name!r}.", "refused")

    def _begins(self, call: Call, arguments: dict[str, Any] | None, *, rests: bool) -> AnyEvent:
        if rests:
            return ev.ToolProgressed(**self._head(call), text="", resumes=True)
        return ev.ToolCalled(**self._head(call), arguments=call.arguments if arguments is None else arguments)

    async def _judged(self, call: Call, *, starts: bool = True) -> Verdict:
        """Whether the call may be made, as of now. What nobody has answered, or somebody denied, is not looked up."""
        tool, approval = self._tool(call.name), self.turn.approvals.get(call.id)
        if isinstance(approval, ev.ApprovalRequested):
            return ASK
        is_denied = approval is not None and approval.decision == "denied"
        if tool is None or is_denied or _parsed(call.arguments) is None:
            return ALLOW
        question = Question(
            tool=tool,
            call=call.id,
            asks_first=not tool.names.isdisjoint(self.job.asks_first),
            is_tainted=await is_tainted(tool, self.job),
            allowed_by=approval.by if approval is not None else "",
            starts=starts,
        )
        return await self.job.judge(question)

    def _is_other(self, call: Call, arguments: dict[str, Any]) -> bool:
        """Whether something else would be done than what a person was shown and allowed."""
        asked = self.turn.asked.get(call.id)
        return asked is not None and digest_of(asked.name, asked.arguments) != digest_of(call.name, arguments)

    def _is_anothers(self, tool: Tool | None, approval: Approval | None) -> bool:
        """Whether somebody else allowed what is done as the run's person; the service refuses it, this holds anyway."""
        if tool is None or not tool.as_person or not isinstance(approval, ev.ApprovalResolved):
            return False
        return approval.by != str(self.job.context.user_id)

    async def _wait(self, call: Call, tool: Tool | None, approval: Approval | None) -> None:
        """Ask for approval, unless that was done already, and leave the call open."""
        self.is_waiting = True
        if approval is None:
            expires_at = self.job.now() + self.job.approval_lifetime_s
            arguments = _parsed(call.arguments)
            more = {} if tool is None or self.job.is_among_older else _shown(tool, arguments)
            if more:
                more["holds"] = await self._held()
            await self.emit(
                ev.ApprovalRequested(**self._head(call), arguments=arguments, expires_at=expires_at, **more)
            )

    async def _wait_for_answers(self, call: Call, tool: Tool, arguments: dict[str, Any], needs: NeedsPerson) -> None:
        """Ask for what the tool wants to know, and leave the call open: nothing of it is under way."""
        self.is_waiting = True
        told = {**self._head(call), **_shown(tool, arguments), "holds": await self._held()}
        expires_at = self.job.now() + self.job.approval_lifetime_s
        await self.emit(wanting.asked(needs, **told, arguments=arguments, expires_at=expires_at))

    def _head(self, call: Call) -> dict[str, Any]:
        return {"at": self.job.now(), "agent": self.agent.path, "call": call.id, "name": call.name}

    async def _failed(self, call: Call, error: str, outcome: str, elapsed_ms: int = 0) -> None:
        event = ev.ToolFailed(**self._head(call), error=error, outcome=outcome, elapsed_ms=elapsed_ms)  # type: ignore[arg-type]
        self.outcomes[call.id] = told(event)
        await self.emit(event)

    async def _run_tool(self, call: Call, tool: Tool, arguments: dict[str, Any]) -> None:
        async def progress(text: str) -> None:
            await self.emit(ev.ToolProgressed(**self._head(call), text=text))

        self.job.heard.update(places_of(tool))
        context = replace(self.job.context, call_id=call.id, progress=progress)
        context = replace(context, may_ask=not self.job.is_among_older, given=wanting.given(self.turn, call.id))
        context = replace(context, may_attach=not self.job.is_among_older and context.chat_id is not None)
        done = await execute(tool, context, arguments)
        if done.needs is not None:
            return await self._wait_for_answers(call, tool, arguments, done.needs)
        if done.error is not None:
            outcome = "refused" if done.outcome == "refused" else "failed"
            return await self._failed(call, done.error, outcome, done.elapsed_ms)
        event = ev.ToolReturned(
            **self._head(call),
            result=self.job.sources.numbered(done.result) if tool.cites else done.result,
            elapsed_ms=done.elapsed_ms,
            truncated=done.truncated,
            makes=tool.makes,
            cites=tool.cites and not self.job.is_among_older,
            attachments=()
            if self.job.is_among_older
            else tuple(ev.Attached(**vars(each)) for each in done.attachments),
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
                    await self.emit(*[await self._with_held(each) for each in batch])
        except Waiting:
            self.is_waiting = True
            return
        except ProviderError as error:
            return await self._failed(call, f"The agent {archetype.name} failed: {error.message}", "failed")
        elapsed_ms = max(0, int((self.job.now() - started) * 1000))
        event = ev.ToolReturned(**self._head(call), result=subagent.answer, elapsed_ms=elapsed_ms)
        self.outcomes[call.id] = told(event)
        returned = ev.AgentReturned(at=self.job.now(), agent=path, call=call.id, name=archetype.name)
        await self.emit(*([] if path in self.job.ledger.returned_agents else [returned]), event)


def _shown(tool: Tool, arguments: Any) -> dict[str, Any]:
    """What who is asked is told of the call, besides its arguments."""
    told = {"title": tool.title, "permission": tool.permission, "risk": tool.risk, "as_person": tool.as_person}
    return {**told, "digest": digest_of(tool.name, arguments)}


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
