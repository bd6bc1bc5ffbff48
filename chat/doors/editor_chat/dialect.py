"""System 1's dialect, for EventSource and fetch readers. Source: the editorChat document, sections "SSE events" and
"client"; the choices where it contradicts itself are in docs/doors/editor-chat.md. Read 2026-11.

`:ok`, then data frames: content, tool_call_start, tool_result, tool_error, error, done, and `[DONE]`. Everything is
ASCII. A GET sends each tool event twice, unnamed and named, since its two clients listen for one or the other; each of
its frames has an id, `[DONE]` too.
No words for: reasoning, turns, retries, tools that the client runs, workflows, subagents' own text, a stopped run (it
ends with `done` as any other).
"""

import re
from typing import Any, assert_never

import msgspec

from accounts.errors import refuse
from agents import events as ev
from agents.events import AnyEvent
from agents.usage import Usage
from chat.doors import base, sse
from chat.doors.base import OpenTurn, RunInfo, known_only
from chat.run_request import RunRequest

NAME = "editorChat"
DONE = b"data: [DONE]\n\n"
TEMPERATURE = 0.7  # as this wire documents it, of a chat for which nobody chose one
TAKEN_BACK = "The answer was begun again. Reload the chat to see it whole."


CHOICES = {"model": "model", "temperature": "temperature", "agentArchetype": "archetype", "content": "content"}
FIELDS = (*CHOICES, "attachments", "enableStreaming", "stream")
# Our names -> this wire's.
WORDS = {"organization": "orgId", "project": "projectId", "archetype": "agentArchetype", "message": "messageId"}


def parse(body: dict[str, Any]) -> RunRequest:
    """The run that a POST asks for. Raises Invalid for a field it does not know."""
    known_only(body, FIELDS)
    chosen = {ours: body[name] for name, ours in CHOICES.items() if name in body}
    return RunRequest(**chosen, attachments=body.get("attachments") or (), door=NAME)


def wants_stream(body: dict[str, Any]) -> bool:
    """Whether the answer is streamed: unless `enableStreaming` is false."""
    name = "enableStreaming" if "enableStreaming" in body else "stream"
    wanted = body.get(name, True)
    if not isinstance(wanted, bool):
        raise refuse(name, "Expected true or false.")
    return wanted


class Encoder(base.Encoder):
    """Frames of system 1. `named`: send tool events a second time under their name, as a GET must.

    Who is let go sees a plain close: its client comes back with its last id.
    """

    def __init__(self, run: RunInfo, *, named: bool) -> None:
        if not re.fullmatch(r"[0-9a-f-]{36}", run.run):
            raise ValueError("a run's id is a UUID")
        self.run = run.run
        self.named = named
        self._open_turn = OpenTurn()

    def open(self) -> list[bytes]:
        """The opening comment."""
        return [sse.OK]

    def encode(self, attempt: int, seq: int, event: AnyEvent) -> list[bytes]:
        """None, one or more frames; frame n has the id `run.attempt.seq.n`."""
        self._open_turn.see(event)
        place = f"{self.run}.{attempt}.{seq}"
        match event:
            case ev.TextDelta(agent="", text=text):
                return [f'id: {place}.0\ndata: {{"type":"content","content":{sse.ascii_text(text)}}}\n\n'.encode()]
            case ev.ToolCalled():
                data = {"type": "tool_call_start", "tool_name": event.name, "tool_call_id": event.call}
                return self._tool([data], place)
            case ev.ToolReturned():
                result = {"success": True, "data": msgspec.to_builtins(event.result)}
                return self._tool([_result(event, result)], place)
            case ev.ToolFailed():
                error = {"type": "tool_error", "tool_name": event.name, "error": event.error}
                failed = _result(event, {"success": False, "error": event.error})
                return self._tool([error, failed], place)
            case ev.TurnReset(agent="") if self._open_turn.is_shown:
                self.is_over = True
                return self._end({"type": "error", "error": TAKEN_BACK}, place)
            case ev.RunFailed():
                return self._end({"type": "error", "error": event.message}, place)
            case ev.RunCompleted() | ev.RunCancelled():
                return self._end({"type": "done", "tokensUsed": _tokens(event.usage)}, place)
            case (
                ev.CitationAdded()
                | ev.ReasoningDelta() | ev.TextDelta() | ev.RunQueued() | ev.RunStarted() | ev.TurnStarted()
                | ev.ReplyCompleted() | ev.ToolProgressed() | ev.ToolDeferred() | ev.ApprovalRequested()
                | ev.ApprovalResolved() | ev.AgentStarted() | ev.AgentReturned() | ev.WorkflowChanged()
                | ev.WorkflowCompleted() | ev.WorkProgressed() | ev.RetryScheduled() | ev.TurnReset()
                | ev.ContextCompacted()
                | ev.TurnCompleted() | ev.MessageSaved()
            ):  # fmt: skip
                return []  # no word for it
            case _:
                assert_never(event)

    def _end(self, data: dict[str, Any], place: str) -> list[bytes]:
        last = f"id: {place}.1\n".encode() + DONE if self.named else DONE
        return [sse.ascii_frame(data, id=place + ".0"), last]

    def _tool(self, frames: list[dict[str, Any]], place: str) -> list[bytes]:
        """Tool frames; where only one copy is sent it carries the id of the last, so that a resume skips both."""
        out = []
        for number, data in enumerate(frames):
            first, second = f"{place}.{2 * number}", f"{place}.{2 * number + 1}"
            if self.named:
                out += [sse.ascii_frame(data, id=first), sse.ascii_frame(data, id=second, event=data["type"])]
            else:
                out.append(sse.ascii_frame(data, id=second))
        return out


def _result(event: ev.ToolReturned | ev.ToolFailed, result: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_result", "tool_name": event.name, "tool_call_id": event.call, "result": result}


def _tokens(usage: Usage) -> dict[str, int]:
    return {"prompt": usage.input_tokens, "completion": usage.output_tokens, "total": usage.total_tokens}
