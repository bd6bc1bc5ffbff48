"""The vocabulary: everything that can happen in a run, as closed, frozen values.

A run's log is a list of these. The loop and the runner make them; the fold and the dialects read them with a `match`
that names every one and ends with `assert_never`, so mypy finds who has not decided about a new event. Names are on
disk and on the wire: never rename one that was released. No Django in this file.

They are msgspec structs rather than dataclasses: the same closed, frozen classes, made and encoded some ten times
quicker, which is what a token costs (docs/decisions/0040-events-are-msgspec-structs.md).
"""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from agents.costs import Cost
from agents.state import VendorState
from agents.usage import Usage


class Event(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", omit_defaults=True
):
    """What every event has."""

    at: float  # seconds since 1970, when it happened
    agent: str = ""  # path of the agent that speaks: "" the run's own, "content:call_..." a subagent's

    @property
    def type(self) -> str:
        """The event's name on disk and on the wire, such as "text.delta"."""
        return str(self.__struct_config__.tag)


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One tool call as the model asked for it."""

    id: str  # ours, unique in the run; the provider's own id is never used as a key
    name: str
    arguments: str  # JSON text as the model wrote it, perhaps not valid


class Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a call wants from a person before it goes on: fields to fill in, or a page to open."""

    key: str  # by which it is answered
    message: str = ""  # why, in the words of who wants it
    schema: dict[str, Any] = {}  # JSON Schema of an object of plain fields; empty: there is a page instead
    url: str = ""  # of that page: shown, and opened by nobody but the person

    @property
    def is_page(self) -> bool:
        """Whether a person is to do something elsewhere, and says here when it is done."""
        return not self.schema


class Attached(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A file that a tool gave back, as an attachment of the answer's message."""

    id: str
    type: Literal["image"]
    name: str = ""
    media_type: str = ""
    bytes: int = 0
    width: int = 0  # pixels
    height: int = 0


class RunQueued(Event, frozen=True, kw_only=True, tag="run.queued"):
    """The message is stored and its run waits or starts. Always the first event of a log."""

    chat: str  # ids; empty where there is none
    input: str  # of the message that is answered
    message: str  # of the message that will hold the answer
    archetype: str
    model: str
    kind: str = "answer"  # of the run: others answer no message


class RunStarted(Event, frozen=True, kw_only=True, tag="run.started"):
    """A process took the run. More than once in a log when a process died or handed it over."""

    attempt: int


class TurnStarted(Event, frozen=True, kw_only=True, tag="turn.started"):
    """One model request begins."""

    turn: int  # from 1, per agent
    model: str


class TextDelta(Event, frozen=True, kw_only=True, tag="text.delta", gc=False):
    """The next piece of the answer's text. As it holds no containers, the garbage collector need not know of it."""

    text: str
    pieces: int = 1  # how many deltas this one was made of, long after the run's end
    until: float = 0.0  # when the last of them came, where they are several
    cache: Literal["", "hit"] = ""  # of a reply's first piece: the reply was kept, and nobody is asked


class ReasoningDelta(Event, frozen=True, kw_only=True, tag="reasoning.delta", gc=False):
    """The next piece of what the model thinks aloud."""

    text: str
    pieces: int = 1  # as in TextDelta
    until: float = 0.0
    cache: Literal["", "hit"] = ""


class ReplyCompleted(Event, frozen=True, kw_only=True, tag="reply.completed"):
    """The model's reply of this turn is whole: a finish reason was seen. Stored before any tool starts."""

    turn: int
    finish_reason: str  # stop, length, tool_calls, content_filter, sentence_limit, budget
    usage: Usage
    calls: tuple[Call, ...] = ()
    model: str = ""  # that answered, where it is another than the turn began with
    state: VendorState | None = None  # for the provider alone: no reader is told of it
    output: Any = UNSET  # of an answer that was to be JSON of a schema: the value, null where it does not fit
    output_error: str = ""  # why it does not
    left_out: tuple[str, ...] = ()  # what was chosen and its provider would not take: temperature, tools, effort ...
    # Attachments, as MESSAGE/PLACE or of a tool's as MESSAGE/ID, that the model was not shown, as it cannot take such.
    unseen: tuple[str, ...] = ()


class ToolCalled(Event, frozen=True, kw_only=True, tag="tool.called"):
    """A tool is about to start. Stored before it does, so a crash knows that it may have run."""

    call: str
    name: str
    arguments: Any  # the arguments as JSON, or the model's text where it was not valid JSON


class ToolProgressed(Event, frozen=True, kw_only=True, tag="tool.progressed"):
    """A running tool says how far it is."""

    call: str
    name: str
    text: str
    resumes: bool = False  # it has waited for a person, and goes on with the answers now. Stored before it does


class ToolReturned(Event, frozen=True, kw_only=True, tag="tool.returned"):
    """A tool has given its result."""

    call: str
    name: str
    result: Any  # JSON
    elapsed_ms: int
    truncated: bool = False  # the result was cut at the tool's size limit
    makes: Literal["", "patch", "component"] = ""  # what its answer is by that, besides a text
    cites: bool = False  # its passages are sources, numbered, which the answer may name
    attachments: tuple[Attached, ...] = ()  # files that came with it, as attachments of the answer's message


class ToolFailed(Event, frozen=True, kw_only=True, tag="tool.failed"):
    """A tool has given no result; `error` is what the model is told."""

    call: str
    name: str
    error: str
    # failed: it ran and failed. refused: it was not run. unknown: a process died while it ran; it was not repeated.
    outcome: Literal["failed", "refused", "unknown"] = "failed"
    elapsed_ms: int = 0


class ToolDeferred(Event, frozen=True, kw_only=True, tag="tool.deferred"):
    """The tool is the client's: it runs it, and brings the result with its next request."""

    call: str
    name: str
    arguments: Any  # as in ToolCalled


class ApprovalRequested(Event, frozen=True, kw_only=True, tag="approval.requested"):
    """A tool must not start before a person has allowed this very call; with `forms` it has started, and must not go on
    before a person has answered them. The run waits.
    """

    call: str
    name: str
    arguments: Any  # as in ToolCalled
    expires_at: float  # seconds since 1970; then it counts as denied
    as_person: bool = False  # it is made with the rights of the run's person: they alone may allow it
    title: str = ""  # a person's word for the tool
    permission: Literal["", "read", "write", "deploy", "admin"] = ""  # what who allows it must have; "": an older log
    risk: Literal["", "read", "write", "outward", "delete"] = ""  # the worst that the call may do
    digest: str = ""  # of the tool and its arguments: agents.loop.judging.digest_of
    holds: tuple[str, ...] = ()  # calls behind it that change something: they begin after it, and are not asked for
    forms: tuple[Form, ...] = ()  # what is wanted, in the words of the tool or of its server
    state: str = ""  # what the tool wants to see again: no reader is told of it


class ApprovalResolved(Event, frozen=True, kw_only=True, tag="approval.resolved"):
    """Somebody has decided, or nobody in time."""

    call: str
    name: str
    decision: Literal["allowed", "denied"]
    by: str  # user id, or "" when it expired
    reason: str = ""
    scope: Literal["once", "chat"] = "once"  # chat: later calls of the tool in this chat are not asked for, for a while
    input: dict[str, dict[str, Any]] = {}  # of a call with forms, what was answered to each by its key


class CitationAdded(Event, frozen=True, kw_only=True, tag="citation.added"):
    """The answer's text names a source: behind the delta that closes its mark `[n]`. One for each place."""

    id: str  # unique in the run, and the same whenever it is worked out
    n: int  # the number of the source in this chat
    offset: int  # in characters of the whole answer's text: where the mark begins. `at` is a time, as in every event
    document: str = ""  # of the project's knowledge; empty: a page of the web
    passage: int = 0  # of that document
    title: str = ""
    path: str = ""  # the headings above the passage, or where a file lies
    page: int = 0  # of a document that has pages, from 1
    url: str = ""
    quote: str = ""  # how the passage begins


class AgentStarted(Event, frozen=True, kw_only=True, tag="agent.started"):
    """A subagent begins; events with this `agent` path are its own."""

    call: str  # the parent's tool call that asked for it
    name: str
    task: str


class AgentReturned(Event, frozen=True, kw_only=True, tag="agent.returned"):
    """A subagent has ended; its answer is the result of its parent's tool call."""

    call: str
    name: str


class WorkflowChanged(Event, frozen=True, kw_only=True, tag="workflow.changed"):
    """Work of several steps waits, begins or goes on: such as a tool began, or the workflow of the run's chat.

    It may outlast the run.
    """

    workflow: str  # its id
    name: str
    status: Literal["pending", "running"] = "running"
    step: str = ""  # where it is
    steps_done: int = 0
    steps: int = 0  # how many there are; 0: nobody knows
    step_id: str = ""  # of a chat's workflow: which step that is
    index: int = 0  # and its number, from 1


class WorkflowCompleted(Event, frozen=True, kw_only=True, tag="workflow.completed"):
    """That work is over."""

    workflow: str
    name: str
    outcome: Literal["succeeded", "failed", "cancelled"] = "succeeded"
    result: Any = None  # JSON
    error: str = ""  # why it failed


class WorkProgressed(Event, frozen=True, kw_only=True, tag="work.progressed"):
    """How far work is that answers nothing. Stored before it goes on, so whoever takes over knows where it stood."""

    text: str  # what it is at
    done: int = 0
    total: int = 0  # 0: nobody knows


class ContextCompacted(Event, frozen=True, kw_only=True, tag="context.compacted"):
    """Older messages of the chat were too much to read: from now on a summary is told in their place. They stay."""

    upto: str  # id of the last message that it stands for
    messages: int  # how many those are
    tokens_before: int  # of what the model was given to read until then, about
    tokens_after: int


class RetryScheduled(Event, frozen=True, kw_only=True, tag="retry.scheduled"):
    """The provider failed before the first token of this turn; it is asked again after a pause."""

    failed_attempt: int  # from 1
    max_attempts: int
    delay_s: float
    code: str
    message: str
    model: str = ""  # that failed, where another one is asked next
    next_model: str = ""


class TurnReset(Event, frozen=True, kw_only=True, tag="turn.reset"):
    """What was shown of the open turn is taken back; the turn starts again."""

    turn: int
    reason: str
    usage: Usage | None = None  # of what is taken back, where its provider said it


class TurnCompleted(Event, frozen=True, kw_only=True, tag="turn.completed"):
    """The turn is over: its tools have their results."""

    turn: int
    cache: Literal["", "hit"] = ""  # its reply was one that was kept


class MessageSaved(Event, frozen=True, kw_only=True, tag="message.saved"):
    """The answer's row holds what the events say."""

    message: str


class RunCompleted(Event, frozen=True, kw_only=True, tag="run.completed"):
    """The end: answered."""

    reason: str  # stop, length, content_filter, or the limit that was met: sentence_limit, budget, max_turns, ...
    usage: Usage
    result: Any = None  # JSON: what work has come to that answers nothing
    cost: Cost | UnsetType = UNSET  # said where it is stored, and not while processes are up that could not read it


class RunFailed(Event, frozen=True, kw_only=True, tag="run.failed"):
    """The end: not answered, or not to its end. What had come is kept."""

    code: str  # one of agents.errors.CODES
    message: str
    retryable: bool
    usage: Usage
    cost: Cost | UnsetType = UNSET


class RunCancelled(Event, frozen=True, kw_only=True, tag="run.cancelled"):
    """The end: somebody stopped it. What had come is kept."""

    by: str  # user id, or "" when it was not a person
    usage: Usage
    reason: str = "stopped"
    cost: Cost | UnsetType = UNSET


AnyEvent = (
    RunQueued
    | RunStarted
    | TurnStarted
    | TextDelta
    | ReasoningDelta
    | ReplyCompleted
    | ToolCalled
    | ToolProgressed
    | ToolReturned
    | ToolFailed
    | ToolDeferred
    | ApprovalRequested
    | ApprovalResolved
    | CitationAdded
    | AgentStarted
    | AgentReturned
    | WorkflowChanged
    | WorkflowCompleted
    | WorkProgressed
    | ContextCompacted
    | RetryScheduled
    | TurnReset
    | TurnCompleted
    | MessageSaved
    | RunCompleted
    | RunFailed
    | RunCancelled
)
Delta = TextDelta | ReasoningDelta
Terminal = RunCompleted | RunFailed | RunCancelled

DELTAS: tuple[type, ...] = (TextDelta, ReasoningDelta)
_DELTAS = frozenset(DELTAS)
TERMINALS: tuple[type, ...] = (RunCompleted, RunFailed, RunCancelled)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[AnyEvent])


def are_deltas(events: Iterable[AnyEvent]) -> bool:
    """Whether there is nothing else among them."""
    return _DELTAS.issuperset(map(type, events))


def as_before(reply: "ReplyCompleted") -> "ReplyCompleted":
    """The reply in the words of the versions before `state`: for logs that their processes may read."""
    return replace(reply, state=None, model="", output=UNSET, output_error="", left_out=(), unseen=())


def without_state(event: AnyEvent) -> AnyEvent:
    """The event as readers are told of it: what a provider, or a tool, wants back is for that one alone."""
    if isinstance(event, ReplyCompleted) and event.state is not None:
        return replace(event, state=None)
    return replace(event, state="") if isinstance(event, ApprovalRequested) and event.state else event


def dump(events: list[AnyEvent]) -> str:
    """Events as one JSON array, for a RunEvent row."""
    return _encoder.encode(events).decode()


def load(text: str | bytes) -> list[AnyEvent]:
    """The events of a RunEvent row. An unknown type or field raises msgspec.ValidationError."""
    return _decoder.decode(text)
