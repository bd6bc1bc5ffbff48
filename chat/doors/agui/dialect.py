"""AG-UI. Source: https://docs.ag-ui.com/concepts/events and the packages @ag-ui/core and @ag-ui/client, 1.0.0, whose
verifier refuses a run that leaves anything open. Read 2026-11.

Data frames only, no `[DONE]`: `RUN_STARTED`, then one assistant message for each turn with its text and tool calls, a
`TOOL_CALL_RESULT` for each server tool, and `RUN_FINISHED` or `RUN_ERROR`. Clients that declare protocol 1.0 also get
reasoning, the lifecycle of subagents, usage, the outcome, and our ids as `metadata.parley` of the start. Workflows are
`CUSTOM` events: a step of this wire's own would have to end before the run, and a build may not.
A call that waits for a person holds the stream, and is answered at the native door; or it ends the stream with the
outcome `interrupt`, for a client of 1.0 whose forwardedProps say `"approvals": "here"`. It answers by `resume`.
No words for: subagents' own text, a tool's progress, retries. State is told to the model and never changed here, so
there are no STATE events. A reader that was shown text which is taken back, or that is let go, gets `RUN_ERROR`: there
is no resume of a stream, but the answer goes on and is stored.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, assert_never

import msgspec

from accounts.errors import refuse
from agents import events as ev
from agents.events import AnyEvent
from agents.messages import ToolSpec
from agents.options import RunOptions
from agents.usage import Usage
from chat.doors import base, citing, fields, inline, sse, stored
from chat.doors.asking import HERE, Answer, Asking
from chat.doors.base import OpenTurn, RunInfo
from chat.doors.blocks import Block, Blocks, Closed, Opened, Piece
from chat.run_request import Item, RunRequest

NAME = "agui"
TAKEN_BACK = "The answer was begun again. Read the thread again to see it whole."
LET_GO = "The server let this reader go; the answer goes on. Read the thread again."
# In forwardedProps; others there are the application's own.
CHOICES = ("model", "temperature", "effort", "archetype", "if_busy")
WORDS = {"content": "messages", "attachments": "messages", **{each: f"forwardedProps.{each}" for each in CHOICES}}
KINDS = ("image", "document", "audio", "video", "binary")  # of parts that are no text
ROLES = ("developer", "system", "assistant", "user", "tool", "activity", "reasoning")


RESPONSE: dict[str, Any] = {
    "type": "object",
    "required": ["approved"],
    "properties": {
        "approved": {"type": "boolean"},
        "reason": {"type": "string"},
        "scope": {"enum": ["once", "chat"]},
        "digest": {"type": "string"},
    },
}
MORE = ("reason", "scope", "digest", "input")


# --- In ---------------------------------------------------------------------------------------------------------------


def parse(body: dict[str, Any]) -> RunRequest:
    """The run that a POST asks for: only what is new in the list of messages.

    That is all behind the newest answer: results of the client's tools (some may have come before) and the newest user
    message. System and developer messages, `context` and `state` are told to the model for this run.
    """
    messages = _messages(body)
    options = RunOptions(instructions=_instructions(body, messages), tools=_tools(body))
    props = _props(body)
    chosen = {name: props[name] for name in CHOICES if props.get(name) is not None}
    return RunRequest(items=tuple(_new(messages)), options=options, door=NAME, request=about(body), **chosen)


def about(body: dict[str, Any]) -> dict[str, Any]:
    """What its encoder may know of a request."""
    named = {"thread": thread_of(body), "run": fields.name(body.get("runId"), "runId"), "is_1": _speaks_1(body)}
    if not named["is_1"] or _props(body).get("approvals") != HERE:
        return named
    return {**named, "approvals": HERE, "theirs": [each.name for each in _tools(body)]}


def answers(body: dict[str, Any]) -> list[Answer]:
    """What `resume` says to calls that wait: `{approved, reason?, scope?, digest?, input?}`, or that nobody will."""
    return [_answer(each) for each in fields.objects(body.get("resume") or [], "resume")]


def _answer(entry: dict[str, Any]) -> Answer:
    call = fields.name(entry.get("interruptId"), "resume")
    if entry.get("status") == "cancelled":
        return Answer(call, is_allowed=False)
    payload = entry.get("payload")
    if entry.get("status") != "resolved" or not isinstance(payload, dict):
        raise refuse("resume", 'Expected a status of cancelled, or of resolved with the payload {"approved": true}.')
    more = {name: payload[name] for name in MORE if payload.get(name) is not None}
    return Answer(call, fields.flag(payload.get("approved"), "resume"), more)


def _question(event: ev.ApprovalRequested) -> str:
    name = event.title or event.name
    if not event.forms:
        return f"{name}: allow this call?"
    return f"{name}: {' '.join(f'{each.message} {each.url}'.strip() for each in event.forms)}"


def _response(forms: tuple[ev.Form, ...]) -> dict[str, Any]:
    """The schema of an answer: with what the forms want, where there are some."""
    if not forms:
        return RESPONSE
    wanted = {each.key: each.schema or {"type": "object"} for each in forms}
    answers = {"type": "object", "properties": wanted, "required": [each.key for each in forms if not each.is_page]}
    return {**RESPONSE, "properties": {**RESPONSE["properties"], "input": answers}}


def _tools(body: dict[str, Any]) -> tuple[ToolSpec, ...]:
    """The client's own."""
    found = [
        fields.tool(each.get("name"), each.get("description"), each.get("parameters"), f"tools.{number}")
        for number, each in enumerate(fields.objects(body.get("tools") or [], "tools"))
    ]
    return fields.tools(found, "tools")


def thread_of(body: dict[str, Any]) -> str:
    """The chat, as its client calls it."""
    return fields.name(body.get("threadId"), "threadId")


def project_of(body: dict[str, Any]) -> Any:
    """The project of a chat that is made: `forwardedProps.project`."""
    props = _props(body)
    return fields.project(props.get("project", props.get("projectId")), "forwardedProps.project")


def _props(body: dict[str, Any]) -> dict[str, Any]:
    props = body.get("forwardedProps")
    if not isinstance(props, dict | None):
        raise refuse("forwardedProps", "Expected an object.")
    return props or {}


def _speaks_1(body: dict[str, Any]) -> bool:
    """Whether the client knows what 1.0 has added; older ones refuse events they do not know."""
    version = fields.text(body.get("protocolVersion") or "0", "protocolVersion")
    return version.partition(".")[0] not in ("", "0")


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    messages = fields.objects(body.get("messages"), "messages")
    for number, each in enumerate(messages):
        if each.get("role") not in ROLES:
            raise refuse(f"messages.{number}.role", f"Expected one of: {', '.join(ROLES)}.")
    if not messages:
        raise refuse("messages", "Expected at least one message.")
    return messages


def _instructions(body: dict[str, Any], messages: list[dict[str, Any]]) -> str:
    told = [_text(each, "messages") for each in messages if each["role"] in ("system", "developer")]
    for number, each in enumerate(fields.objects(body.get("context") or [], "context")):
        value = each.get("value")
        shown = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        told.append(f"{fields.text(each.get('description'), f'context.{number}.description')}:\n{shown}")
    if body.get("state"):
        state = fields.instructions([msgspec.json.encode(body["state"]).decode()], "state")
        told.append(f"State of the application:\n{state}")
    return fields.instructions(told, "context")


def _new(messages: list[dict[str, Any]]) -> Iterator[Item]:
    """The results behind the newest assistant message, then the newest user message if it is the last."""
    answers = [number for number, each in enumerate(messages) if each["role"] == "assistant"]
    calls = {call: name for each in messages for call, name in _calls(each)}
    behind = list(enumerate(messages))[answers[-1] + 1 if answers else 0 :]
    for number, each in behind:
        if each["role"] == "tool":
            yield _result(each, calls, f"messages.{number}")
    number, last = behind[-1] if behind else (0, messages[-1])
    if last["role"] == "user":
        yield _user(last, f"messages.{number}")
    elif last["role"] != "tool":
        raise refuse("messages", "Expected a message of the user or the result of a tool at the end.")


def _calls(message: dict[str, Any]) -> Iterator[tuple[str, str]]:
    calls = message.get("toolCalls") if message["role"] == "assistant" else None
    for each in fields.objects(calls or [], "messages.toolCalls"):
        function = each.get("function")
        yield str(each.get("id")), str(function.get("name")) if isinstance(function, dict) else ""


def _result(message: dict[str, Any], calls: dict[str, str], field: str) -> Item:
    call = fields.text(message.get("toolCallId"), f"{field}.toolCallId")
    part: dict[str, Any] = {"type": "tool_result", "call": call, "name": calls.get(call, "")}
    if message.get("error"):
        part |= {"error": fields.text(message["error"], f"{field}.error"), "is_error": True}
    else:
        part |= {"result": _text(message, field), "is_error": False}
    return Item("tool", parts=(part,))


def _text(message: dict[str, Any], field: str) -> str:
    """A message's text: its content, or the text parts of it."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = fields.objects(content, f"{field}.content")
    return "\n".join(fields.text(each.get("text"), f"{field}.content") for each in parts if each.get("type") == "text")


def _user(message: dict[str, Any], field: str) -> Item:
    content = message.get("content")
    parts = [] if isinstance(content, str) else fields.objects(content, f"{field}.content")
    files = [
        _file(each, f"{field}.content.{number}") for number, each in enumerate(parts) if each.get("type") != "text"
    ]
    return Item("user", _text(message, field), tuple(files))


def _file(part: dict[str, Any], field: str) -> dict[str, Any]:
    """An image, a document, a sound or a film, from its source: data, an address, or a file that was uploaded.

    Older clients' parts are `binary` with `mimeType` and `id`, `url` or `data`.
    """
    source: Any = part.get("source")
    if part.get("type") == "binary":
        kind = next((each for each in ("data", "id", "url") if part.get(each)), "url")
        source = {"type": "file" if kind == "id" else kind, "value": part.get(kind), "mimeType": part.get("mimeType")}
    if part.get("type") not in KINDS or not isinstance(source, dict):
        raise refuse(f"{field}.type", "Expected text, image, document, audio or video, with its source.")
    value, mime = fields.text(source.get("value"), f"{field}.source.value"), str(source.get("mimeType") or "")
    kind, name = _kind(part["type"], mime), str(part.get("filename") or "")
    match source.get("type"):
        case "data" if kind == "file":
            return inline.attachment(value, name, f"{field}.source.value")
        case "data":
            return {"type": kind, "name": name, "url": f"data:{mime};base64,{value}"}
        case "file":
            return stored.by_id(kind, value, f"{field}.source.value")
        case "url" | None:
            return stored.by_address(kind, value) or {"type": kind, "name": name, "url": value}
        case _:
            raise refuse(f"{field}.source.type", "Expected one of: data, url, file.")


def _kind(type: str, mime: str) -> str:
    if type == "audio" or (type != "image" and mime.startswith("audio/")):
        return "audio"
    return "image" if type == "image" or mime.startswith("image/") else "file"


# --- Out --------------------------------------------------------------------------------------------------------------


class Encoder(base.Encoder):
    """Frames of AG-UI."""

    def __init__(self, run: RunInfo, decided: frozenset[str] = frozenset()) -> None:
        self.run = run
        self._asking = Asking(run.request.get("theirs", ()), decided) if run.request.get("approvals") == HERE else None
        self._ids = {"threadId": run.request.get("thread", run.chat), "runId": run.request.get("run", run.run)}
        self._is_1 = bool(run.request.get("is_1"))
        self._blocks = Blocks()
        self._turn = 0
        self._deferred: list[str] = []  # calls that the client has to run
        self._shown: set[str] = set()  # calls, with their approval or without
        self._agents: dict[str, bool] = {}  # subagents that were told of: whether they are at work
        self._begun: dict[str, dict[str, Any]] = {}  # those at work, as they were told of
        self._open_turn = OpenTurn(*ev.DELTAS)

    def open(self) -> list[bytes]:
        """The start, with the client's own ids."""
        ours = {"chat": self.run.chat, "run": self.run.run, "message": self.run.message}
        more = {"metadata": {"parley": ours}} if self._is_1 else {}
        return [sse.frame(each) for each in ({"type": "RUN_STARTED", **self._ids, **more}, *self._at_work())]

    def _at_work(self) -> list[dict[str, Any]]:
        """Subagents that were at work when the stream before this one ended."""
        return [told for agent, told in self._begun.items() if self._agents[agent]]

    def encode(self, attempt: int, seq: int, event: AnyEvent) -> list[bytes]:
        """None, one or more frames."""
        self._open_turn.see(event)
        if isinstance(event, ev.TurnStarted) and not event.agent:
            self._turn = event.turn
        blocks = [sse.frame(each) for block in self._blocks.feed(event) for each in self._block(block)]
        if isinstance(event, ev.DELTAS):
            return blocks
        return blocks + [sse.frame(each) for each in (*self._events(event), *self._waiting(event))]

    def let_go(self) -> list[bytes]:
        """An error, since there is no resume."""
        return [sse.frame({"type": "RUN_ERROR", "message": LET_GO, "code": "let_go"})]

    @property
    def _message(self) -> str:
        """The id of this turn's message."""
        return f"{self.run.message}.{self._turn}"

    def _block(self, block: Block) -> list[dict[str, Any]]:
        if block.kind == "reasoning":
            return self._reasoning(block) if self._is_1 else []
        named = {"messageId": self._message}
        match block:
            case Opened():
                return [{"type": "TEXT_MESSAGE_START", **named, "role": "assistant"}]
            case Piece():
                return [{"type": "TEXT_MESSAGE_CONTENT", **named, "delta": block.text}] if block.text else []
            case Closed():
                return [{"type": "TEXT_MESSAGE_END", **named}]

    def _reasoning(self, block: Block) -> list[dict[str, Any]]:
        named = {"messageId": f"{self.run.message}.reasoning.{block.number}"}
        match block:
            case Opened():
                begun = {"type": "REASONING_MESSAGE_START", **named, "role": "reasoning"}
                return [{"type": "REASONING_START", **named}, begun]
            case Piece():
                return [{"type": "REASONING_MESSAGE_CONTENT", **named, "delta": block.text}] if block.text else []
            case Closed():
                return [{"type": "REASONING_MESSAGE_END", **named}, {"type": "REASONING_END", **named}]

    def _events(self, event: AnyEvent) -> list[dict[str, Any]]:
        match event:
            case ev.ToolCalled() | ev.ApprovalRequested():
                is_shown = event.call in self._shown
                self._shown.add(event.call)
                return [] if is_shown else self._call(event)
            case ev.ToolDeferred():
                self._deferred.append(event.call)
                return self._call(event)
            case ev.ToolReturned():
                content = event.result if isinstance(event.result, str) else msgspec.json.encode(event.result).decode()
                return [self._result(event, content)]
            case ev.ToolFailed():
                return [self._result(event, msgspec.json.encode({"error": event.error}).decode())]
            case ev.AgentStarted() if self._is_1 and event.agent not in self._agents:  # once, though it was taken over
                self._agents[event.agent] = True
                told = {"name": event.name, "description": event.task, "parentToolCallId": event.call}
                self._begun[event.agent] = {"type": "SUBAGENT_STARTED", "subagentRunId": event.agent, **told}
                return [self._begun[event.agent]]
            case ev.AgentReturned() if self._agents.get(event.agent):
                self._agents[event.agent] = False
                return [{"type": "SUBAGENT_FINISHED", "subagentRunId": event.agent}]
            case ev.CitationAdded() if self._is_1:
                return [{"type": "CUSTOM", "name": "citation", "value": citing.told(event)}]
            case ev.WorkflowChanged() | ev.WorkflowCompleted():
                value = {name: getattr(event, name) for name in event.__struct_fields__ if name not in ("at", "agent")}
                return [{"type": "CUSTOM", "name": event.type, "value": value}]
            case ev.TurnReset(agent="") if self._open_turn.is_shown:
                self.is_over = True
                return [{"type": "RUN_ERROR", "message": TAKEN_BACK, "code": "taken_back"}]
            case ev.RunFailed():
                self.is_over = True
                return [{"type": "RUN_ERROR", "message": event.message, "code": event.code, **self._usage(event.usage)}]
            case ev.RunCompleted() | ev.RunCancelled():
                self.is_over = True
                more = {"outcome": self._outcome(event), **self._usage(event.usage)} if self._is_1 else {}
                return [{"type": "RUN_FINISHED", **self._ids, **more}]
            case (
                ev.CitationAdded()
                | ev.ReasoningDelta() | ev.TextDelta() | ev.RunQueued() | ev.RunStarted() | ev.TurnStarted()
                | ev.ReplyCompleted() | ev.ToolProgressed() | ev.ApprovalResolved() | ev.AgentStarted()
                | ev.AgentReturned() | ev.WorkProgressed() | ev.RetryScheduled() | ev.TurnReset()
                | ev.ContextCompacted()
                | ev.TurnCompleted() | ev.MessageSaved()
            ):  # fmt: skip
                return []  # no word for it
            case _:
                assert_never(event)

    def _waiting(self, event: AnyEvent) -> list[dict[str, Any]]:
        """The end of a stream whose client answers here, once nothing goes on before it has."""
        if self._asking is None:
            return []
        self._asking.feed(event)
        if self.is_over or not self._asking.waits:
            return []
        self.is_over = True
        suspended = [
            {"type": "SUBAGENT_FINISHED", "subagentRunId": each["subagentRunId"], "outcome": {"type": "suspended"}}
            for each in reversed(self._at_work())
        ]
        interrupts = [self._interrupt(each) for each in self._asking.asked.values()]
        return [
            *suspended,
            {"type": "RUN_FINISHED", **self._ids, "outcome": {"type": "interrupt", "interrupts": interrupts}},
        ]

    def _interrupt(self, event: ev.ApprovalRequested) -> dict[str, Any]:
        told = {
            name: getattr(event, name) for name in ("permission", "risk", "digest", "forms") if getattr(event, name)
        }
        return {
            "id": event.call,
            "reason": "tool_call",
            "message": _question(event),
            "toolCallId": event.call,
            "responseSchema": _response(event.forms),
            "expiresAt": datetime.fromtimestamp(event.expires_at, UTC).isoformat(),
            "metadata": {"parley": told},
            **self._owner(event),
        }

    def _call(self, event: ev.ToolCalled | ev.ToolDeferred | ev.ApprovalRequested) -> list[dict[str, Any]]:
        """The whole call; a subagent's belongs to a message of the subagent's own."""
        named = {"toolCallId": event.call, **self._owner(event)}
        parent = f"{self.run.message}.{event.agent}" if event.agent else self._message
        text = event.arguments if isinstance(event.arguments, str) else msgspec.json.encode(event.arguments).decode()
        return [
            {"type": "TOOL_CALL_START", **named, "toolCallName": event.name, "parentMessageId": parent},
            *([{"type": "TOOL_CALL_ARGS", **named, "delta": text}] if text else []),
            {"type": "TOOL_CALL_END", **named},
        ]

    def _result(self, event: ev.ToolReturned | ev.ToolFailed, content: str) -> dict[str, Any]:
        named = {"messageId": f"{event.call}.result", "toolCallId": event.call, **self._owner(event)}
        return {"type": "TOOL_CALL_RESULT", **named, "content": content, "role": "tool"}

    def _owner(self, event: AnyEvent) -> dict[str, Any]:
        return {"subagentRunId": event.agent} if event.agent and self._is_1 else {}

    def _usage(self, usage: Usage) -> dict[str, Any]:
        counts = {
            "inputTokens": usage.input_tokens,
            "outputTokens": usage.output_tokens,
            "totalTokens": usage.total_tokens,
            "reasoningTokens": usage.reasoning_tokens,
            "cachedInputTokens": usage.cached_tokens,
        }
        return {"usage": [counts]} if self._is_1 else {}

    def _outcome(self, event: ev.RunCompleted | ev.RunCancelled) -> dict[str, Any]:
        if isinstance(event, ev.RunCancelled):
            return {"type": "cancelled"}
        return {"type": "success", **({"pendingToolCallIds": self._deferred} if self._deferred else {})}
