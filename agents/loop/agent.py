"""An agent at work: ask the model, run the tools it asks for, ask again, until it is done or a limit is met.

The loop knows no chat, no HTTP and no database. It yields events, in lists, and goes on only when the taker asks for
more: so whoever stores `reply.completed` and `tool.called` before asking has stored them before any tool starts.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from agents import events as ev
from agents.archetypes.base import Archetype
from agents.conversation import shaped
from agents.errors import UNUSED, LimitReached, ProviderError, QuotaExceeded
from agents.events import AnyEvent
from agents.loop.attached import within
from agents.loop.calls import Outcome, ToolCalls, told
from agents.loop.fallback import TOO_LONG
from agents.loop.job import Job
from agents.loop.ledger import Turn
from agents.loop.lighter import lighter
from agents.loop.output import checked
from agents.loop.purse import BUDGET
from agents.loop.reply import Reply, replies
from agents.loop.shortening import REASON, Shortening
from agents.messages import AssistantMessage, Message, ToolMessage, ToolSpec, UserMessage
from agents.options import RunOptions
from agents.providers.base import ProviderRequest
from tools.base import Tool

Events = AsyncGenerator[list[AnyEvent], None]


def model_of(archetype: Archetype, chosen: str) -> str:
    """The model that an archetype is answered by: its own, else the chosen one."""
    return archetype.model or chosen


class Agent:
    """One archetype at one task. After `work()` has ended, `answer` and `reason` say how."""

    def __init__(self, job: Job, archetype: Archetype, *, path: str, messages: tuple[Message, ...]) -> None:
        self.job = job.narrowed(archetype.permissions)  # of a subagent: its parent's, cut down to its own
        self.archetype = archetype
        self.path = path  # in every event of this agent
        self.messages = list(messages)
        self.given = len(messages)  # so many of them were there before it said anything
        self.shortening = None if path else job.shortening
        self.answer = ""  # the text of the last turn
        self.reason = "stop"
        self.said = 0  # characters of the turns before: where the next one begins in the whole answer's text
        self.turn = 0
        self.calls = 0
        self.streak = Streak()
        self.waits_for_client = False
        self.tools = [tool for tool in (*archetype.tools, *self._toolset()) if tool.offered_in(self.job.context)]
        self.memories: dict[str, list[Message]] = {}  # what each subagent remembers of this run

    async def work(self) -> Events:
        """Yield what happens, from where the ledger stands to the end.

        Raises ProviderError, or QuotaExceeded before its first word. A limit is no error: the agent ends, and `reason`
        names it.
        """
        kept = iter(self.job.ledger.of(self.path))
        try:
            while True:
                known = next(kept, None)
                async with aclosing(self._resume(known) if known else self._next_turn()) as turn:
                    async for events in turn:
                        yield events
                if self.is_done:
                    return
        except LimitReached as limit:
            self.reason = limit.name
        except QuotaExceeded:
            if len(self.messages) == self.given:
                raise  # nothing has been said yet
            self.reason = BUDGET

    @property
    def is_done(self) -> bool:
        """The last thing said was an answer, not a tool's result; or the next word is the client's."""
        return self.waits_for_client or isinstance(self.messages[-1], AssistantMessage)

    async def _next_turn(self) -> Events:
        limits = self.archetype.limits
        if self.turn >= limits.max_turns:
            raise LimitReached("max_turns")
        self.job.check_budget()
        self.turn += 1
        model = model_of(self.archetype, self.job.model)
        if self.path or self.turn > 1 or not self.job.has_first_turn:
            yield [ev.TurnStarted(at=self.job.now(), agent=self.path, turn=self.turn, model=model)]
        reply = Reply(self.job, self.path, self.turn, limits, self._cites_from(), self._max_sentences())
        if self.turn == 1 and self.shortening is not None and self.shortening.is_near:
            async with aclosing(self._shorter(self.shortening, model)) as steps:
                async for events in steps:
                    yield events
        while True:
            try:
                async with aclosing(self._replies(self.request(model), reply)) as pieces:
                    async for events in pieces:
                        yield events
                break
            except ProviderError as error:
                async with aclosing(self._refused(error, model, reply)) as steps:
                    async for events in steps:
                        yield events
        whole = reply.completed()
        yield [ev.as_before(whole) if self.job.is_among_older else whole]
        async with aclosing(self._finish(Turn(self.turn, reply.text, whole))) as rest:
            async for events in rest:
                yield events

    async def _refused(self, error: ProviderError, model: str, reply: Reply) -> Events:
        """What happens before a turn is asked again whose conversation was too long, once in a run. Raises the error
        where it was something else, or where nothing can be made shorter.
        """
        if error.code != TOO_LONG or self.shortening is None:
            if events := self._unused(error, reply):
                yield events
            raise error
        shortening, self.shortening, before = self.shortening, None, list(self.messages)
        async with aclosing(self._shorter(shortening, model, is_refused=True)) as steps:
            async for events in steps:
                yield events
        self.messages = list(lighter(self.messages, 0))
        if self.messages == before:
            raise error
        yield reply.taken_back(REASON, reply.counted() if reply.is_visible else reply.forgone())
        reply.start_again()

    def _unused(self, error: ProviderError, reply: Reply) -> list[AnyEvent]:
        """That the turn of a subagent has used nothing: its run goes on, and would take it for one under way."""
        if not self.path or reply.is_visible or error.code not in UNUSED:
            return []
        at, used = self.job.now(), reply.forgone()
        return [ev.TurnReset(at=at, agent=self.path, turn=self.turn, reason="failed", usage=used)]

    async def _shorter(self, shortening: Shortening, model: str, *, is_refused: bool = False) -> Events:
        """What happens while the conversation is made shorter; what this run has said in it stays."""
        async with aclosing(shortening.shorten(self.job, self.request(model), is_refused=is_refused)) as steps:
            async for events in steps:
                yield events
        self.messages[: self.given] = shortening.messages
        self.given = len(shortening.messages)

    def _cites_from(self) -> int | None:
        """Where in the answer the next reply's text begins, if its marks are looked for: there are sources, it is the
        answer itself, and it is no JSON, in which a list of a number would look like one.
        """
        is_looked_at = not self.path and self.options.output is None and not self.job.is_among_older
        return self.said if is_looked_at and self.job.sources.found else None

    def _max_sentences(self) -> int | None:
        """Of the next reply. JSON has none: it would be cut in the middle."""
        return self.options.max_sentences if self.options.output is None else None

    def _replies(self, request: ProviderRequest, reply: Reply) -> Events:
        """The reply's events; where the answer is to be of a schema, of one that was looked at."""
        return checked(self.job, request, reply) if request.output is not None else replies(self.job, request, reply)

    def _resume(self, kept: Turn) -> Events:
        """Take up a turn whose reply is stored: its unfinished calls are run, the others are remembered."""
        self.turn = kept.number
        return self._finish(kept)

    async def _finish(self, turn: Turn) -> Events:
        """Run the calls of a whole reply that have no result yet, and tell the model of all of them."""
        self.answer = "".join(turn.text)
        self.said += len(self.answer)
        self.reason = turn.reply.finish_reason if turn.reply else "stop"
        state = turn.reply.state if turn.reply else None
        self.messages.append(AssistantMessage(self.answer, turn.calls, state))
        outcomes: dict[str, Outcome] = {each: told(result) for each, result in turn.results.items()}
        running = ToolCalls(self, turn, outcomes)
        async with aclosing(running.run()) as happenings:
            async for events in happenings:
                yield events
        for call in turn.calls:
            if call.id in running.deferred:
                continue
            outcome = outcomes[call.id]
            self.messages.append(await self._result(call, outcome))
            self._remember(call.name, call.arguments, outcome)
        if not turn.is_completed:
            yield [ev.TurnCompleted(at=self.job.now(), agent=self.path, turn=turn.number, cache=turn.cache)]
        if running.deferred:
            self.waits_for_client, self.reason = True, "tool_calls"
        self.streak.check([call for call in turn.calls if call.id in outcomes], outcomes, self.archetype.limits)

    async def _result(self, call: ev.Call, outcome: Outcome) -> ToolMessage:
        """What the model is told of a call, with the pictures that came with it."""
        if not outcome.attachments:
            return ToolMessage(call.id, call.name, outcome.text, outcome.is_error)
        looked = await self.job.look(outcome.attachments)
        return ToolMessage(call.id, call.name, "\n\n".join((outcome.text, *looked.told)), images=looked.images)

    def _remember(self, name: str, arguments: str, outcome: Outcome) -> None:
        """Keep a subagent's task and answer, for its next call in this run."""
        subagent = next((each for each in self.archetype.subagents if each.name == name), None)
        if subagent is not None and subagent.memory == "own" and not outcome.is_error:
            memory = self.memories.setdefault(name, [])
            memory += [UserMessage(arguments), AssistantMessage(outcome.text)]

    def request(self, model: str) -> ProviderRequest:
        """What the model is asked in the next turn."""
        options = self.options
        is_first = self.turn == 1  # a choice that held for every turn would never let the agent answer
        return ProviderRequest(
            model=model,
            system=self._system(),
            messages=within(shaped(self.messages), self.job.most),
            tools=() if options.tool_choice == "none" else self.specs(),
            temperature=self.job.temperature,
            max_output_tokens=options.max_output_tokens,
            user=str(self.job.context.user_id),
            tool_choice=options.tool_choice if is_first and options.tool_choice != "none" else "auto",
            has_client_tools=bool(options.tools),
            chat=str(self.job.context.chat_id or ""),
            effort=self.job.effort,
            output=options.output,
            extra=options.extra,
        )

    def _system(self) -> str:
        """The archetype's prompt, what the request adds to it, and what is told of the person."""
        briefing = "" if self.path else self.job.briefing
        return "\n\n".join(filter(None, (self.archetype.system_prompt(), self.options.instructions, briefing)))

    def _toolset(self) -> tuple[Tool, ...]:
        """The project's own tools, where no other name stands in their way: nothing, of a subagent."""
        if self.path:
            return ()
        own = {each.name for each in self.archetype.tools} | {each.name for each in self.archetype.subagents}
        return self.job.toolset.beside(own | {each.name for each in self.options.tools})

    @property
    def options(self) -> RunOptions:
        """What the request asks of this agent: nothing, of a subagent."""
        return RunOptions() if self.path else self.job.options

    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools and subagents the model may ask for."""
        offered = filter(self.job.may_offer, self.tools)
        tools = [ToolSpec(each.name, each.description, each.schema) for each in offered]
        subagents = [ToolSpec(each.name, each.purpose, TASK_SCHEMA) for each in self.subagents]
        return (*self.options.tools, *tools, *subagents)

    @property
    def subagents(self) -> tuple[Archetype, ...]:
        """The subagents it may ask: none once they are nested as deep as the job allows."""
        depth = self.path.count("/") + 1 if self.path else 0
        return self.archetype.subagents if depth < self.job.max_depth else ()


TASK_SCHEMA = {
    "type": "object",
    "properties": {"task": {"type": "string", "description": "What to find out or do, in whole sentences."}},
    "required": ["task"],
    "additionalProperties": False,
}


class Streak:
    """Notices a model that goes round in circles."""

    def __init__(self) -> None:
        self.last: tuple[tuple[str, str], ...] = ()
        self.identical = 0
        self.invalid = 0

    def check(self, calls: Sequence[ev.Call], outcomes: dict[str, Outcome], limits: object) -> None:
        """Raise LimitReached at the n-th identical turn, or the n-th turn in a row of calls that could not be run."""
        if not calls:
            return
        asked = tuple((call.name, call.arguments) for call in calls)
        self.identical = self.identical + 1 if asked == self.last else 1
        self.last = asked
        self.invalid = self.invalid + 1 if all(outcomes[call.id].is_invalid for call in calls) else 0
        for name, count in (("identical", self.identical), ("invalid", self.invalid)):
            if count >= getattr(limits, f"max_{name}_calls"):
                raise LimitReached(f"max_{name}_calls")
