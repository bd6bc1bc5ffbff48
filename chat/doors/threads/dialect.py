"""System 3's dialect, for fetch readers. Source: the document of streaming chat with workflows, sections "events" and
"clients"; what it leaves open is decided in docs/doors/threads.md. Read 2026-11.

Each frame is `{"type", "data", "timestamp"}`: connected, message_saved, workflow_status (as they come), ai_response
(one a delta, `isComplete` false), a last ai_response that has `isComplete` true and the whole text as `accumulated`
(and as `sources` those that it names, and beside them as `metadata` where the chat's workflow stands, and the tokens),
workflow_complete (one for each workflow that is over: its place is here, whenever it was), done; or error, last.
Everything is ASCII; no `[DONE]`. One of its clients reads `content` alone and the other shows `accumulated`, so the
last frame's `content` is empty: both then show the same text.
No words for: reasoning, tools, turns, retries, approvals, subagents' own text, usage. Nothing is resumed: a thread's
messages are read instead.
"""

from datetime import UTC, datetime
from typing import Any, assert_never

from agents import events as ev
from agents.events import AnyEvent
from chat.doors import base, sse
from chat.doors.base import OpenTurn, RunInfo, known_only
from chat.run_request import RunRequest

NAME = "threads"
FIELDS = ("content",)
THREAD_FIELDS = ("title", "projectId")
TAKEN_BACK = "The answer was begun again. Load the thread's messages to see it whole."
LET_GO = "The connection ends here, the answer goes on. Load the thread's messages to see it."


def parse(body: dict[str, Any]) -> RunRequest:
    """The run that a message asks for. Raises Invalid for a field it does not know."""
    known_only(body, FIELDS)
    content = body.get("content", "")
    return RunRequest(content=content, door=NAME, request={"content": content})


class Encoder(base.Encoder):
    """Frames of system 3. Must see a run from its start, since its end repeats the whole text."""

    def __init__(self, run: RunInfo) -> None:
        self.run = run
        self.at = run.created_at  # of the newest event
        self.texts: list[str] = []
        self.sources: dict[int, dict[str, Any]] = {}  # that the answer names
        self.completed: list[dict[str, Any]] = []  # workflows that are over; told at the end
        self.step: dict[str, Any] | None = None  # that the response is of
        self._open_turn = OpenTurn()

    def open(self) -> list[bytes]:
        """The stream begins."""
        return [self._frame("connected", {"threadId": self.run.chat})]

    def encode(self, attempt: int, seq: int, event: AnyEvent) -> list[bytes]:
        """None, one or two frames."""
        self._open_turn.see(event)
        self.at = event.at
        match event:
            case ev.RunQueued():
                said = {"id": self.run.input, "role": "user", "content": self.run.request.get("content", "")}
                return [self._frame("message_saved", {"message": said})]
            case ev.TextDelta(agent="", text=text):
                self.texts.append(text)
                return [self._piece(text)]
            case ev.CitationAdded():
                self.sources.setdefault(event.n, {"title": event.title or event.url, "n": event.n})
                return []
            case ev.WorkflowChanged():
                self._stands(event)
                return [self._frame("workflow_status", _status(event))]
            case ev.WorkflowCompleted():
                self.completed.append(_outcome(event))
                return []
            case ev.TurnReset(agent="") if self._open_turn.is_shown:
                self.is_over = True
                return [self._error(TAKEN_BACK)]
            case ev.RunFailed():
                return [*self._completed(), self._error(event.message)]
            case ev.RunCompleted() | ev.RunCancelled():
                done = self._frame("done", {"success": True})
                return [self._frame("ai_response", self._whole(event)), *self._completed(), done]
            case (
                ev.ReasoningDelta() | ev.TextDelta() | ev.RunStarted() | ev.TurnStarted() | ev.ReplyCompleted()
                | ev.ToolCalled() | ev.ToolProgressed() | ev.ToolReturned() | ev.ToolFailed() | ev.ToolDeferred()
                | ev.ApprovalRequested() | ev.ApprovalResolved() | ev.AgentStarted() | ev.AgentReturned()
                | ev.WorkProgressed() | ev.RetryScheduled() | ev.TurnReset() | ev.TurnCompleted() | ev.MessageSaved()
                | ev.ContextCompacted()
            ):  # fmt: skip
                return []  # no word for it
            case _:
                assert_never(event)

    def let_go(self) -> list[bytes]:
        """Its error: a client that reads a POST does not come back by itself."""
        return [self._error(LET_GO)]

    def _stands(self, event: ev.WorkflowChanged) -> None:
        """The response is of the step that was told before it; a tool's work is no step of the chat's own workflow."""
        if self.step is None or (event.step_id and not self.texts):
            self.step = _step(event)

    def _whole(self, end: ev.RunCompleted | ev.RunCancelled) -> dict[str, Any]:
        """The last response. Nothing of a step but its place, and nothing of a source but its title."""
        named = list(self.sources.values())
        step, used = self.step or {}, end.usage
        metadata = {
            "step": step.get("index"),
            "of": step.get("total"),
            "sources": named,
            "tokens": {"input": used.input_tokens, "output": used.output_tokens, "total": used.total_tokens},
        }
        whole = {"content": "", "isComplete": True, "accumulated": "".join(self.texts)}
        return {**whole, **({"sources": named} if named else {}), "metadata": metadata}

    def _completed(self) -> list[bytes]:
        return [self._frame("workflow_complete", each) for each in self.completed]

    def _error(self, text: str) -> bytes:
        return self._frame("error", {"error": text})

    def _piece(self, text: str) -> bytes:
        """A response that is not whole, as `_frame` makes it."""
        data = f'{{"content":{sse.ascii_text(text)},"isComplete":false}}'
        return f'data: {{"type":"ai_response","data":{data},"timestamp":"{timestamp(self.at)}"}}\n\n'.encode()

    def _frame(self, type: str, data: dict[str, Any]) -> bytes:
        return sse.ascii_frame({"type": type, "data": data, "timestamp": timestamp(self.at)})


def _status(event: ev.WorkflowChanged) -> dict[str, Any]:
    progress = {"done": event.steps_done, "total": event.steps or None}
    named = {"workflowId": event.workflow, "name": event.name}
    return {**named, "status": event.status, "step": _step(event), "progress": progress}


def _step(event: ev.WorkflowChanged) -> dict[str, Any] | None:
    """Where it is. A tool's work does not number its steps: what is done says which one it is."""
    if not event.step:
        return None
    index = event.index or event.steps_done + 1
    return {"id": event.step_id, "name": event.step, "index": index, "total": event.steps or None}


def _outcome(event: ev.WorkflowCompleted) -> dict[str, Any]:
    named = {"workflowId": event.workflow, "name": event.name}
    return {**named, "status": event.outcome, "result": event.result, "error": event.error or None}


def timestamp(at: float) -> str:
    """The time as its clients write it: ISO 8601, UTC, milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
