"""A dozen runs as their logs hold them: what the fold and every dialect are tested with."""

from agents import events as ev
from agents.events import AnyEvent, Call
from agents.usage import Usage
from chat.doors.base import RunInfo
from chat.eventlog import Logged

RUN = RunInfo(
    run="11111111-1111-4111-8111-111111111111",
    chat="22222222-2222-4222-8222-222222222222",
    message="33333333-3333-4333-8333-333333333333",
    input="44444444-4444-4444-8444-444444444444",
    created_at=1_700_000_000.0,
)
USED = Usage(input_tokens=10, cached_tokens=4, output_tokens=5, reasoning_tokens=1)
SUB = "content:call_sub"
AWKWARD = 'naïve “quotes” "plain" back\\slash\nnew line   data: [DONE] \U0001f600 </script>\r\nevent: done'


class Script:
    """Builds a log: one event a tenth of a second, numbered, by the attempt of the newest run.started."""

    def __init__(self) -> None:
        self.at = RUN.created_at
        self.attempt = 1
        self.log: list[Logged] = []

    def add(self, kind: type, **fields: object) -> "Script":
        self.at = round(self.at + 0.1, 3)
        event: AnyEvent = kind(at=self.at, **fields)
        self.log.append(Logged(self.attempt, len(self.log) + 1, event))
        return self

    def begin(self) -> "Script":
        self.add(ev.RunQueued, chat=RUN.chat, input=RUN.input, message=RUN.message, archetype="generalist", model="m")
        return self.add(ev.RunStarted, attempt=1)

    def turn(self, number: int, *texts: str, agent: str = "") -> "Script":
        self.add(ev.TurnStarted, agent=agent, turn=number, model="m")
        for text in texts:
            self.add(ev.TextDelta, agent=agent, text=text)
        return self

    def reply(self, number: int, *calls: Call, agent: str = "", reason: str = "") -> "Script":
        reason = reason or ("tool_calls" if calls else "stop")
        return self.add(
            ev.ReplyCompleted, agent=agent, turn=number, finish_reason=reason, usage=USED, calls=tuple(calls)
        )

    def answer(self, number: int, *texts: str, agent: str = "", reason: str = "stop") -> "Script":
        self.turn(number, *texts, agent=agent).reply(number, agent=agent, reason=reason)
        return self.add(ev.TurnCompleted, agent=agent, turn=number)

    def end(self, reason: str = "stop") -> list[Logged]:
        self.add(ev.MessageSaved, message=RUN.message)
        self.add(ev.RunCompleted, reason=reason, usage=self.used())
        return self.log

    def used(self) -> Usage:
        replies = [each.event for each in self.log if isinstance(each.event, ev.ReplyCompleted)]
        return sum((each.usage for each in replies), Usage())


def plain() -> list[Logged]:
    return Script().begin().answer(1, "Hello", ", ", "world.").end()


def empty() -> list[Logged]:
    return Script().begin().answer(1).end()


def awkward() -> list[Logged]:
    return Script().begin().answer(1, AWKWARD, *AWKWARD).end()


def reasoning() -> list[Logged]:
    script = Script().begin().add(ev.TurnStarted, turn=1, model="m")
    script.add(ev.ReasoningDelta, text="Let me ").add(ev.ReasoningDelta, text="think.").add(ev.TextDelta, text="42")
    return script.reply(1).add(ev.TurnCompleted, turn=1).end()


READ = Call("call_1", "read_file", '{"path":"a.txt"}')
LIST = Call("call_2", "list_files", "{}")


def tool_call() -> list[Logged]:
    script = Script().begin().turn(1, "Let me look. ").reply(1, READ)
    script.add(ev.ToolCalled, call="call_1", name="read_file", arguments={"path": "a.txt"})
    script.add(ev.ToolProgressed, call="call_1", name="read_file", text="half")
    script.add(ev.ToolReturned, call="call_1", name="read_file", result={"text": AWKWARD}, elapsed_ms=3)
    return script.add(ev.TurnCompleted, turn=1).answer(2, "It says ", "so.").end()


def parallel_tools() -> list[Logged]:
    script = Script().begin().turn(1).reply(1, READ, LIST)
    script.add(ev.ToolCalled, call="call_1", name="read_file", arguments={"path": "a.txt"})
    script.add(ev.ToolCalled, call="call_2", name="list_files", arguments={})
    script.add(ev.ToolReturned, call="call_2", name="list_files", result=["a.txt"], elapsed_ms=1)
    script.add(ev.ToolReturned, call="call_1", name="read_file", result="x", elapsed_ms=2, truncated=True)
    return script.add(ev.TurnCompleted, turn=1).answer(2, "Both.").end()


def pictured() -> list[Logged]:
    """A tool gave two pictures back, of which one has no name."""
    script = Script().begin().turn(1).reply(1, READ)
    script.add(ev.ToolCalled, call="call_1", name="read_file", arguments={"path": "a.txt"})
    one = ev.Attached(
        id="0199c0de-0000-7000-8000-00000000000a", type="image", name="chart 1", media_type="image/png", bytes=1234,
        width=1200, height=800,
    )  # fmt: skip
    two = ev.Attached(id="0199c0de-0000-7000-8000-00000000000b", type="image", media_type="image/jpeg", bytes=99)
    script.add(ev.ToolReturned, call="call_1", name="read_file", result="As you asked.", elapsed_ms=3,
               attachments=(one, two))  # fmt: skip
    return script.add(ev.TurnCompleted, turn=1).answer(2, "Two charts.").end()


def tool_failed() -> list[Logged]:
    script = Script().begin().turn(1).reply(1, READ)
    script.add(ev.ToolCalled, call="call_1", name="read_file", arguments="{not json")
    script.add(ev.ToolFailed, call="call_1", name="read_file", error="Not valid JSON.", outcome="refused")
    return script.add(ev.TurnCompleted, turn=1).answer(2, "Sorry.").end()


def subagent() -> list[Logged]:
    script = Script().begin().turn(1, "I ask. ").reply(1, Call("call_sub", "content", '{"task":"Find it."}'))
    script.add(ev.ToolCalled, call="call_sub", name="content", arguments={"task": "Find it."})
    script.add(ev.AgentStarted, agent=SUB, call="call_sub", name="content", task="Find it.")
    script.turn(1, "looking", agent=SUB).reply(1, Call("call_in", "list_files", "{}"), agent=SUB)
    script.add(ev.ToolCalled, agent=SUB, call="call_in", name="list_files", arguments={})
    script.add(ev.ToolReturned, agent=SUB, call="call_in", name="list_files", result=["b"], elapsed_ms=1)
    script.add(ev.TurnCompleted, agent=SUB, turn=1).answer(2, "It is b.", agent=SUB)
    script.add(ev.AgentReturned, agent=SUB, call="call_sub", name="content")
    script.add(ev.ToolReturned, call="call_sub", name="content", result="It is b.", elapsed_ms=9)
    return script.add(ev.TurnCompleted, turn=1).answer(2, "b.").end()


FIND = Call("call_find", "search_knowledge", '{"query":"refunds"}')
DOCUMENT = "55555555-5555-4555-8555-555555555555"
PASSAGES = [
    {"n": 1, "id": 7, "document": DOCUMENT, "title": "Terms", "path": "Refunds > When", "page": 3, "text": AWKWARD},
    {"n": 2, "title": "Prices", "url": "https://example.com/prices", "text": "Ten euros."},
]


def cited() -> list[Logged]:
    """An answer of two turns names a passage of a document twice, and a page of the web."""
    script = Script().begin().turn(1, "I look. ").reply(1, FIND)
    script.add(ev.ToolCalled, call="call_find", name="search_knowledge", arguments={"query": "refunds"})
    result = {"passages": PASSAGES}
    script.add(ev.ToolReturned, call="call_find", name="search_knowledge", result=result, elapsed_ms=4, cites=True).add(
        ev.TurnCompleted, turn=1
    )
    of_document = {"n": 1, "document": DOCUMENT, "passage": 7, "title": "Terms", "path": "Refunds > When", "page": 3}
    script.turn(2, "In \U0001f600 days [1]").add(ev.CitationAdded, id="cite_1", offset=18, quote="naïve", **of_document)
    script.add(ev.TextDelta, text=", for ").add(ev.TextDelta, text="[2], see [1].")
    web = {"title": "Prices", "url": "https://example.com/prices", "quote": "Ten euros."}
    script.add(ev.CitationAdded, id="cite_2", n=2, offset=27, **web)
    script.add(ev.CitationAdded, id="cite_3", offset=36, quote="naïve", **of_document)
    return script.reply(2).add(ev.TurnCompleted, turn=2).end()


def subagents_at_once() -> list[Logged]:
    """Two subagents work at the same time: their events interleave, and the one asked last ends first."""
    first, second = "content:call_a", "content:call_b"
    asked = [Call(f"call_{each}", "content", f'{{"task":"{each}"}}') for each in "ab"]
    script = Script().begin().turn(1, "I ask two. ").reply(1, *asked)
    for path, call, task in ((first, "call_a", "a"), (second, "call_b", "b")):
        script.add(ev.ToolCalled, call=call, name="content", arguments={"task": task})
        script.add(ev.AgentStarted, agent=path, call=call, name="content", task=task)
    script.turn(1, "looking ", agent=first).turn(1, "reading ", agent=second)
    script.add(ev.TextDelta, agent=first, text="for a")
    script.reply(1, Call("call_in_b", "list_files", "{}"), agent=second)
    script.add(ev.ToolCalled, agent=second, call="call_in_b", name="list_files", arguments={})
    script.reply(1, Call("call_in_a", "read_file", "{}"), agent=first)
    script.add(ev.ToolCalled, agent=first, call="call_in_a", name="read_file", arguments={})
    script.add(ev.ToolReturned, agent=second, call="call_in_b", name="list_files", result=["b"], elapsed_ms=1)
    script.add(ev.TurnCompleted, agent=second, turn=1).answer(2, "It is b.", agent=second)
    script.add(ev.AgentReturned, agent=second, call="call_b", name="content")
    script.add(ev.ToolReturned, call="call_b", name="content", result="It is b.", elapsed_ms=5)
    script.add(ev.ToolReturned, agent=first, call="call_in_a", name="read_file", result="a", elapsed_ms=7)
    script.add(ev.TurnCompleted, agent=first, turn=1).answer(2, "It is a.", agent=first)
    script.add(ev.AgentReturned, agent=first, call="call_a", name="content")
    script.add(ev.ToolReturned, call="call_a", name="content", result="It is a.", elapsed_ms=9)
    return script.add(ev.TurnCompleted, turn=1).answer(2, "a and b.").end()


def deferred() -> list[Logged]:
    script = Script().begin().turn(1, "Ask it. ").reply(1, READ, LIST)
    script.add(ev.ToolCalled, call="call_2", name="list_files", arguments={})
    script.add(ev.ToolReturned, call="call_2", name="list_files", result=[], elapsed_ms=1)
    script.add(ev.ToolDeferred, call="call_1", name="read_file", arguments={"path": "a.txt"})
    return script.add(ev.TurnCompleted, turn=1).end("tool_calls")


def approved() -> list[Logged]:
    """Two calls waited for a person: one was allowed, one denied."""
    script = Script().begin().turn(1).reply(1, READ, LIST)
    for call, name in (("call_1", "read_file"), ("call_2", "list_files")):
        script.add(ev.ApprovalRequested, call=call, name=name, arguments={}, expires_at=RUN.created_at + 86_400)
    script.add(ev.ApprovalResolved, call="call_1", name="read_file", decision="allowed", by=RUN.input)
    script.add(ev.ApprovalResolved, call="call_2", name="list_files", decision="denied", by=RUN.input, reason="No.")
    script.attempt = 2
    script.add(ev.RunStarted, attempt=2).add(ev.ToolCalled, call="call_1", name="read_file", arguments={})
    script.add(ev.ToolReturned, call="call_1", name="read_file", result="x", elapsed_ms=1)
    script.add(ev.ToolCalled, call="call_2", name="list_files", arguments={})
    script.add(ev.ToolFailed, call="call_2", name="list_files", error="A person did not allow it.", outcome="refused")
    return script.add(ev.TurnCompleted, turn=1).answer(2, "One of two.").end()


FORM = ev.Form(key="who", message="Which name?", schema={"type": "object", "properties": {"name": {"type": "string"}}})


def asked_by_a_form() -> list[Logged]:
    """A call was allowed, has begun, and wanted something from a person before it went on."""
    script = Script().begin().turn(1).reply(1, READ)
    named = {"call": "call_1", "name": "read_file"}
    asks = {**named, "arguments": {}, "expires_at": RUN.created_at + 86_400}
    script.add(ev.ApprovalRequested, **asks)
    script.add(ev.ApprovalResolved, **named, decision="allowed", by=RUN.input)
    script.attempt = 2
    script.add(ev.RunStarted, attempt=2).add(ev.ToolCalled, **named, arguments={})
    script.add(ev.ApprovalRequested, **asks, forms=(FORM,), state="sealed")
    script.add(ev.ApprovalResolved, **named, decision="allowed", by=RUN.input, input={"who": {"name": "Ada"}})
    script.attempt = 3
    script.add(ev.RunStarted, attempt=3).add(ev.ToolProgressed, **named, text="", resumes=True)
    script.add(ev.ToolReturned, **named, result="x", elapsed_ms=1)
    return script.add(ev.TurnCompleted, turn=1).answer(2, "Booked.").end()


def retried() -> list[Logged]:
    script = Script().begin().add(ev.TurnStarted, turn=1, model="m")
    script.add(
        ev.RetryScheduled,
        failed_attempt=1,
        max_attempts=3,
        delay_s=2.0,
        code="upstream_unavailable",
        message="Not available.",
    )
    script.add(ev.TextDelta, text="At last.").reply(1)
    return script.add(ev.TurnCompleted, turn=1).end()


def taken_over() -> list[Logged]:
    """A process died in the second turn: attempt 2 takes that turn back and says it again."""
    script = Script().begin().turn(1, "First. ").reply(1, LIST)
    script.add(ev.ToolCalled, call="call_2", name="list_files", arguments={})
    script.add(ev.ToolReturned, call="call_2", name="list_files", result=[], elapsed_ms=1)
    script.add(ev.TurnCompleted, turn=1).turn(2, "half ", "said")
    script.attempt = 2
    script.add(ev.TurnReset, turn=2, reason="taken_over").add(ev.RunStarted, attempt=2)
    return script.answer(2, "Whole now.").end()


def cancelled() -> list[Logged]:
    script = Script().begin().turn(1, "I begin ", "and").add(ev.MessageSaved, message=RUN.message)
    return script.add(ev.RunCancelled, by=RUN.input, usage=Usage(output_tokens=3, status="estimated")).log


def failed() -> list[Logged]:
    script = Script().begin().turn(1, "I begin").add(ev.MessageSaved, message=RUN.message)
    return script.add(
        ev.RunFailed, code="upstream_interrupted", message="Broke off.", retryable=True, usage=Usage(output_tokens=2)
    ).log


BUILD = Call("call_build", "build", "{}")


def built(is_over: bool = True) -> list[Logged]:
    """A tool began a build, which waited, went on beside the answer, and was over before it."""
    script = Script().begin().turn(1, "I build it. ").reply(1, BUILD)
    script.add(ev.ToolCalled, call="call_build", name="build", arguments={})
    script.add(ev.WorkflowChanged, workflow="job_1", name="site", status="pending")
    script.add(ev.ToolReturned, call="call_build", name="build", result={"jobId": "job_1"}, elapsed_ms=2)
    script.add(ev.TurnCompleted, turn=1).turn(2, "It ", "builds.")
    script.add(ev.WorkflowChanged, workflow="job_1", name="site", step="compile", steps_done=1, steps=3)
    if is_over:
        script.add(ev.WorkflowCompleted, workflow="job_1", name="site", result={"pages": 3})
    return script.reply(2).add(ev.TurnCompleted, turn=2).end()


def building() -> list[Logged]:
    """The same, and the build goes on when the answer is whole."""
    return built(is_over=False)


def stepped() -> list[Logged]:
    """The chat's workflow is at its second step, whose answer is cut behind a sentence, and goes on to the last."""
    of = {"workflow": "flow_1", "name": "Booking", "steps": 3}
    script = Script().begin()
    script.add(ev.WorkflowChanged, **of, step="Dates", step_id="dates", index=2, steps_done=1)
    script.answer(1, "Which days", " suit you?", reason="sentence_limit")
    script.add(ev.WorkflowChanged, **of, step="Payment", step_id="payment", index=3, steps_done=2)
    return script.end("sentence_limit")


def cut_short() -> list[Logged]:
    return Script().begin().answer(1, "Very long", reason="length").end("length")


def compacted() -> list[Logged]:
    """The older part of the chat was summed up before the first word."""
    script = Script().begin().add(ev.TurnStarted, turn=1, model="m")
    script.add(ev.TurnStarted, agent="compaction", turn=1, model="m")
    script.add(ev.ReplyCompleted, agent="compaction", turn=1, finish_reason="stop", usage=USED)
    script.add(
        ev.ContextCompacted, agent="compaction", upto=RUN.input, messages=42, tokens_before=9_000, tokens_after=2_000
    )
    script.add(ev.TextDelta, text="Yes.")
    return script.reply(1).add(ev.TurnCompleted, turn=1).end()


ALL = {
    each.__name__: each
    for each in (
        plain, empty, awkward, reasoning, tool_call, parallel_tools, pictured, tool_failed, subagent, subagents_at_once,
        deferred, approved, asked_by_a_form, retried, taken_over, cancelled, failed, cut_short, built, building, cited,
        stepped, compacted,
    )
}  # fmt: skip
