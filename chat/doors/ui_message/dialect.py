"""The UI message stream of the Vercel AI SDK. Source: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol and in the
package `ai` (7.0.173, 6.0.326) src/ui-message-stream/ui-message-chunks.ts, src/ui/process-ui-message-stream.ts. Read
2026-11.

Data frames only, then `[DONE]`: `start` with the answer's id, a transient `data-parley` with the ids of chat and run,
then a step for each turn with its reasoning, text and tool parts, and `finish`. Server tools are dynamic and marked as
executed; the client's own are static and end the run with `tool-calls`. A stopped run says `abort`. A workflow is a
`data-workflow` with its id, of which the client keeps the newest. A source that the answer names is told once, as
`source-url` or `source-document`.
A call that waits is `tool-approval-request`, with the call's id as its own; the answer comes back as a part in state
`approval-responded`. The stream waits meanwhile, unless the request says `"approvals": "here"`: then it ends there.
No words for: retries and a tool's progress (transient `data-retry`, `data-progress`), subagents' own text. Version 7
alone has `reset-step`, an error to version 6: so a reader that was shown text which is taken back gets `error`, as does
one that is let go, since the client takes a plain close for the end. Both may resume: that replays the answer from its
start.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, assert_never

from accounts.errors import refuse
from agents import events as ev
from agents.events import AnyEvent
from agents.messages import ToolSpec
from agents.options import RunOptions
from chat.doors import base, fields, inline, sse, stored
from chat.doors.asking import HERE, Answer, Asking
from chat.doors.base import OpenTurn, RunInfo
from chat.doors.blocks import Block, Blocks, Closed, Opened, Piece
from chat.run_request import Item, RunRequest

NAME = "ui"
DONE = b"data: [DONE]\n\n"
HEADER = ("x-vercel-ai-ui-message-stream", "v1")
TAKEN_BACK = "The answer was begun again. Resume the stream to see it whole."
LET_GO = "The server let this reader go; the answer goes on. Resume the stream."
TRIGGERS = ("submit-message", "regenerate-message")
CHOICES = ("model", "temperature", "effort", "archetype", "if_busy")
WORDS = {"content": "messages", "attachments": "messages"}
REASONS = {"stop": "stop", "length": "length", "content_filter": "content-filter", "tool_calls": "tool-calls"}
REASONS |= {"sentence_limit": "stop"}  # as whole as it was to be


# --- In ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """Where in which chat a request wants its run."""

    chat: str  # as its client calls it
    project: Any  # of a chat that is made: its id
    is_regenerate: bool
    message: str  # id of the answer to be given again, or of the user's message that was edited; or empty
    said: str  # id of the newest user message, as its client calls it


def parse(body: dict[str, Any]) -> RunRequest:
    """The run that a POST asks for: only what is new in the list of messages. Other fields are the application's own.

    An `items` of nothing but tool results may hold some that came before.
    """
    messages = _messages(body)
    last = messages[-1]
    items = _results(messages)
    request = {"user": _said(messages)}
    if last["role"] == "user":
        items.append(_user(last, f"messages.{len(messages) - 1}"))
    elif last["role"] == "assistant":
        request["answer"] = fields.name(last.get("id"), f"messages.{len(messages) - 1}.id")  # the answer is continued
    else:
        raise refuse("messages", "Expected a message of the user or an answer with tool results at the end.")
    chosen = {name: body[name] for name in CHOICES if body.get(name) is not None}
    options = _options(body, messages)
    request |= _where_answered(body, options.tools)
    return RunRequest(items=tuple(items), options=options, door=NAME, request=request, **chosen)


def answers(body: dict[str, Any]) -> list[Answer]:
    """What the newest answer, where it is the last message, says to calls that wait."""
    last = _messages(body)[-1]
    return list(_answers(last)) if last["role"] == "assistant" else []


def about_answers(body: dict[str, Any]) -> dict[str, Any]:
    """Of a request with answers, what its encoder may know."""
    messages = _messages(body)
    said = {"answer": messages[-1]["id"]} if isinstance(messages[-1].get("id"), str) else {}
    return {**said, **_where_answered(body, _tools(body.get("tools")))}


def asked_of(body: dict[str, Any]) -> Asked:
    """The chat and the place in it."""
    trigger = body.get("trigger", TRIGGERS[0])
    if trigger not in TRIGGERS:
        raise refuse("trigger", f"Expected one of: {', '.join(TRIGGERS)}.")
    message = body.get("messageId")
    return Asked(
        chat=fields.name(body.get("id"), "id"),
        project=fields.project(body.get("project", body.get("projectId")), "project"),
        is_regenerate=trigger == TRIGGERS[1],
        message="" if message is None else fields.text(message, "messageId"),
        said=_said(_messages(body)),
    )


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    messages = fields.objects(body.get("messages"), "messages")
    if not messages:
        raise refuse("messages", "Expected at least one message.")
    for number, each in enumerate(messages):
        if each.get("role") not in ("user", "assistant", "system"):
            raise refuse(f"messages.{number}.role", "Expected one of: user, assistant, system.")
    return messages


def _said(messages: list[dict[str, Any]]) -> str:
    newest: dict[str, Any] = next((each for each in reversed(messages) if each["role"] == "user"), {})
    return str(newest.get("id", ""))[: fields.NAME_MAX_CHARS]


def _options(body: dict[str, Any], messages: list[dict[str, Any]]) -> RunOptions:
    told = [fields.text(body.get("system") or "", "system")]
    told += ["\n".join(_texts(each)) for each in messages if each["role"] == "system"]
    asked = body.get("output")
    is_ours = isinstance(asked, dict) and "schema" in asked  # another shape is the application's own
    output = fields.output(asked, "output", repairs=False) if is_ours else None
    return RunOptions(instructions=fields.instructions(told, "system"), tools=_tools(body.get("tools")), output=output)


def _tools(value: Any) -> tuple[ToolSpec, ...]:
    """The client's own tools: `{name: {description, parameters}}`, or a list of `{name, description, parameters}`."""
    if value is None:
        return ()
    if isinstance(value, dict):
        value = [{"name": name, **each} if isinstance(each, dict) else each for name, each in value.items()]
    found = []
    for number, each in enumerate(fields.objects(value, "tools")):
        schema = each.get("parameters", each.get("inputSchema"))
        found.append(fields.tool(each.get("name"), each.get("description"), schema, f"tools.{number}"))
    return fields.tools(found, "tools")


def _parts(message: dict[str, Any], field: str = "messages") -> list[dict[str, Any]]:
    """A message's parts; an older client's `content` is one of text."""
    if "parts" not in message and isinstance(message.get("content"), str):
        return [{"type": "text", "text": message["content"]}]
    return fields.objects(message.get("parts"), f"{field}.parts")


def _texts(message: dict[str, Any]) -> list[str]:
    return [fields.text(each.get("text"), "messages") for each in _parts(message) if each.get("type") == "text"]


def _user(message: dict[str, Any], field: str) -> Item:
    files = []
    for number, part in enumerate(_parts(message, field)):
        kind = part.get("type")
        if kind == "file":
            files.append(_file(part, f"{field}.parts.{number}"))
        elif kind != "text" and not str(kind).startswith("data-"):  # data parts are the application's own
            raise refuse(f"{field}.parts.{number}.type", "Expected text, file or data-*.")
    return Item("user", "\n".join(_texts(message)), tuple(files))


def _file(part: dict[str, Any], field: str) -> dict[str, Any]:
    """A file part as an attachment: images and addresses as they are, other data: URLs by what they hold.

    An address of ours is the file that was uploaded.
    """
    url, media = fields.text(part.get("url"), f"{field}.url"), fields.text(part.get("mediaType"), f"{field}.mediaType")
    filename = fields.text(part.get("filename") or "", f"{field}.filename")
    kind = media.partition("/")[0].lower()
    if ours := stored.by_address(kind if kind in ("image", "audio") else "file", url):
        return ours
    if kind == "image":
        return {"type": "image", "name": filename, "url": url}
    if not url.startswith("data:"):
        return {"type": "file", "name": filename, "url": url}
    return inline.attachment(url, filename, f"{field}.url")


def _results(messages: list[dict[str, Any]]) -> list[Item]:
    """What the client's tools have answered in the newest answer."""
    answer = next((each for each in reversed(messages) if each["role"] == "assistant"), None)
    return list(_results_of(answer)) if answer else []


def _results_of(answer: dict[str, Any]) -> Iterator[Item]:
    for part in _parts(answer):
        kind, call = str(part.get("type")), part.get("toolCallId")
        if part.get("providerExecuted") or not isinstance(call, str) or not kind.startswith(("tool-", "dynamic-tool")):
            continue
        named = part.get("toolName") if kind == "dynamic-tool" else kind.removeprefix("tool-")
        result = {"type": "tool_result", "call": call, "name": str(named)}
        if part.get("state") == "output-available":
            yield Item("tool", parts=({**result, "result": part.get("output"), "is_error": False},))
        elif part.get("state") == "output-error":
            yield Item("tool", parts=({**result, "error": str(part.get("errorText", "")), "is_error": True},))


def _where_answered(body: dict[str, Any], tools: tuple[ToolSpec, ...]) -> dict[str, Any]:
    return {"approvals": HERE, "theirs": [each.name for each in tools]} if body.get("approvals") == HERE else {}


def _answers(answer: dict[str, Any]) -> Iterator[Answer]:
    for number, part in enumerate(_parts(answer)):
        approval = part.get("approval")
        if part.get("state") != "approval-responded" or not isinstance(approval, dict):
            continue
        field = f"messages.parts.{number}.approval"
        call = fields.name(approval.get("id"), f"{field}.id")
        reason = fields.text(approval.get("reason") or "", f"{field}.reason")
        more = {"reason": reason, **({"input": approval["input"]} if approval.get("input") is not None else {})}
        yield Answer(call, fields.flag(approval.get("approved"), f"{field}.approved"), more)


# --- Out --------------------------------------------------------------------------------------------------------------


class Encoder(base.Encoder):
    """Frames of the UI message stream."""

    def __init__(self, run: RunInfo, decided: frozenset[str] = frozenset()) -> None:
        self.run = run
        self._asking = Asking(run.request.get("theirs", ()), decided) if run.request.get("approvals") == HERE else None
        self._blocks = Blocks()
        self._in_step = False
        self._sources: set[int] = set()  # that were told: each once
        self._shown: set[str] = set()  # calls, with their approval or without
        self._open_here: set[str] = set()  # calls shown in this step that have neither a result nor wait for a person
        self._open_turn = OpenTurn(*ev.DELTAS)

    def open(self) -> list[bytes]:
        """The answer's id, or the id of the answer that is continued; and ours, for stopping and reading it."""
        message = self.run.request.get("answer") or self.run.message
        ours = {"chat": self.run.chat, "run": self.run.run, "message": self.run.message}
        return [
            sse.frame({"type": "start", "messageId": message}),
            sse.frame({"type": "data-parley", "data": ours, "transient": True}),
        ]

    def encode(self, attempt: int, seq: int, event: AnyEvent) -> list[bytes]:
        """None, one or more frames."""
        self._open_turn.see(event)
        frames = [sse.frame(_block(each)) for each in self._blocks.feed(event)]
        if isinstance(event, ev.DELTAS):
            return frames
        frames += [sse.frame(each) for each in (*self._parts(event), *self._waiting(event))]
        return [*frames, DONE] if self.is_over else frames

    def let_go(self) -> list[bytes]:
        """An error: a plain close would look like the answer's end."""
        return [sse.frame({"type": "error", "errorText": LET_GO}), DONE]

    def _parts(self, event: AnyEvent) -> list[dict[str, Any]]:
        match event:
            case ev.TurnStarted(agent=""):
                return [*self._end_step(), *self._begin_step()]
            case ev.TurnCompleted(agent=""):
                return self._end_step()
            case ev.ToolCalled():
                return self._call(event)
            case ev.ToolDeferred():
                return _input(event, {})
            case ev.ApprovalRequested():
                return self._ask(event)
            case ev.ToolReturned():
                self._open_here.discard(event.call)
                return [{"type": "tool-output-available", "toolCallId": event.call, "output": event.result, **OURS}]
            case ev.ToolFailed():
                self._open_here.discard(event.call)
                return [{"type": "tool-output-error", "toolCallId": event.call, "errorText": event.error, **OURS}]
            case ev.ToolProgressed(resumes=False):
                return [_transient("progress", {"toolCallId": event.call, "text": event.text})]
            case ev.CitationAdded():
                return self._source(event)
            case ev.WorkflowChanged() | ev.WorkflowCompleted():
                return [{"type": "data-workflow", "id": event.workflow, "data": _workflow(event)}]
            case ev.RetryScheduled(agent=""):
                return [_transient("retry", {"attempt": event.failed_attempt, "maxAttempts": event.max_attempts})]
            case ev.TurnReset(agent="") if self._open_turn.is_shown:
                self.is_over = True
                return [{"type": "error", "errorText": TAKEN_BACK}]
            case ev.RunCompleted() | ev.RunFailed() | ev.RunCancelled():
                self.is_over = True
                return self._end(event)
            case (
                ev.ReasoningDelta() | ev.TextDelta() | ev.RunQueued() | ev.RunStarted() | ev.TurnStarted()
                | ev.ReplyCompleted() | ev.ApprovalResolved() | ev.AgentStarted() | ev.AgentReturned()
                | ev.WorkProgressed() | ev.RetryScheduled() | ev.TurnReset() | ev.TurnCompleted() | ev.MessageSaved()
                | ev.ToolProgressed() | ev.ContextCompacted()
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
        return [*self._end_step(), {"type": "finish", "finishReason": "tool-calls"}]

    def _source(self, event: ev.CitationAdded) -> list[dict[str, Any]]:
        if event.n in self._sources:
            return []
        self._sources.add(event.n)
        named = {"sourceId": f"source-{event.n}", **({"title": event.title} if event.title else {})}
        if event.url:
            return [{"type": "source-url", **named, "url": event.url}]
        filename = {"filename": event.path} if event.path else {}
        return [{"type": "source-document", "title": "", **named, "mediaType": "text/plain", **filename}]

    def _ask(self, event: ev.ApprovalRequested) -> list[dict[str, Any]]:
        """The call, unless it was shown already, and the question; with what is wanted, where it is more than a yes."""
        shown = [] if event.call in self._shown else _input(event, OURS)
        self._shown.add(event.call)
        self._open_here.discard(event.call)
        asked = {"type": "tool-approval-request", "approvalId": event.call, "toolCallId": event.call}
        forms = [_forms(self.run.run, event)] if event.forms else []
        return [*self._step_for(event), *shown, *forms, asked]

    def _step_for(self, event: ev.ApprovalRequested) -> list[dict[str, Any]]:
        """A step of its own for calls that wait in a subagent, where the client answers here: it sends its answers
        once every call of the last step has one or a result, and the subagent's own call has neither.
        """
        if self._asking is None or not event.agent or not self._open_here:
            return []
        return [*self._end_step(), *self._begin_step()]

    def _begin_step(self) -> list[dict[str, Any]]:
        self._in_step = True
        self._open_here.clear()
        return [{"type": "start-step"}]

    def _end_step(self) -> list[dict[str, Any]]:
        was_in, self._in_step = self._in_step, False
        return [{"type": "finish-step"}] if was_in else []

    def _call(self, event: ev.ToolCalled) -> list[dict[str, Any]]:
        self._open_here.add(event.call)
        is_shown = event.call in self._shown
        self._shown.add(event.call)
        return _input(event, OURS)[1 if is_shown else 0 :]

    def _end(self, event: ev.Terminal) -> list[dict[str, Any]]:
        match event:
            case ev.RunCompleted(reason=reason):
                return [*self._end_step(), {"type": "finish", "finishReason": REASONS.get(reason, "other")}]
            case ev.RunCancelled(reason=reason):
                told = {"type": "abort", "reason": reason}
                return [*self._end_step(), told, {"type": "finish", "finishReason": "other"}]
            case ev.RunFailed(message=message):
                told = {"type": "error", "errorText": message}
                return [told, *self._end_step(), {"type": "finish", "finishReason": "error"}]


OURS = {"dynamic": True, "providerExecuted": True}  # the server's own tools


def _input(
    event: ev.ToolCalled | ev.ToolDeferred | ev.ApprovalRequested, marks: dict[str, Any]
) -> list[dict[str, Any]]:
    call = {"toolCallId": event.call, "toolName": event.name}
    return [
        {"type": "tool-input-start", **call, **marks},
        {"type": "tool-input-available", **call, "input": event.arguments, **marks},
    ]


def _forms(run: str, event: ev.ApprovalRequested) -> dict[str, Any]:
    """What the call wants from a person: the client keeps the newest of each call."""
    told = {"run": run, "toolCallId": event.call, "forms": event.forms, "digest": event.digest}
    return {"type": "data-forms", "id": f"forms-{event.call}", "data": told}


def _workflow(event: ev.WorkflowChanged | ev.WorkflowCompleted) -> dict[str, Any]:
    """The client keeps one part for each workflow: the newest."""
    if isinstance(event, ev.WorkflowCompleted):
        return {"name": event.name, "status": event.outcome, "result": event.result, "error": event.error or None}
    steps = {"step": event.step or None, "stepsDone": event.steps_done, "steps": event.steps or None}
    place = {"stepId": event.step_id, "index": event.index} if event.step_id else {}
    return {"name": event.name, "status": event.status, **steps, **place}


def _transient(name: str, data: dict[str, Any]) -> dict[str, Any]:
    """A part that the client hands on and does not keep."""
    return {"type": f"data-{name}", "data": data, "transient": True}


def _block(block: Block) -> dict[str, Any]:
    named = {"id": f"{block.kind}-{block.number}"}
    match block:
        case Opened():
            return {"type": f"{block.kind}-start", **named}
        case Piece():
            return {"type": f"{block.kind}-delta", **named, "delta": block.text}
        case Closed():
            return {"type": f"{block.kind}-end", **named}
