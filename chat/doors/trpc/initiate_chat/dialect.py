"""System 4's dialect: a message in two steps over tRPC. Source: the streaming sprint document, sections "initiateChat",
"streamResponse" and "events"; the shapes it leaves open are in docs/doors/initiate-chat.md. Read 2026-11.

`status` thinking, `tool_calling` before tools and `building` once one of them has begun a build that does not wait (the
result of a tool that makes components names a `jobId`, or the log a workflow); `delta`, `tool_start`, `tool_result`;
then `complete` with the whole text, or `error`;
last `finalized`, with a build that is not over: `building`, or `pending` where it has not begun.
No words for: reasoning, retries, tools that the client runs, subagents' own text, waiting for an approval, and a run
that was stopped (it ends with `complete` and what had come).
"""

from typing import Any, assert_never

from accounts.errors import refuse
from agents import events as ev
from agents.events import AnyEvent
from chat.doors import base
from chat.doors.base import OpenTurn, RunInfo, known_only
from chat.doors.trpc import dialect as trpc
from chat.run_request import RunRequest

NAME = "initiateChat"
WORDS = {"project": "projectId", "content": "message"}  # our names -> this wire's
CHOICES = ("model", "temperature", "archetype", "attachments")
SEND_FIELDS = ("projectId", "message", "chatId", *CHOICES)
READ_FIELDS = ("messageId", "projectId")
STREAM_FIELDS = ("assistantMessageId", "projectId", "lastEventId")
TAKEN_BACK = "The answer was begun again. Load the message to see it whole."

Place = tuple[int, int, int]  # attempt, seq, frame


def parse(body: dict[str, Any]) -> RunRequest:
    """The run that a message asks for. Raises Invalid for a field it does not know."""
    known_only(body, SEND_FIELDS)
    chosen = {name: body[name] for name in CHOICES if body.get(name) is not None}
    if "message" not in body and not chosen.get("attachments"):
        raise refuse("message", "Expected a text.")
    return RunRequest(content=body.get("message", ""), door=NAME, **chosen)


class Encoder(base.Encoder):
    """Values of a subscription. `after` is the place its client has seen already: what came before is not sent again.

    It still has to be given the run from its start: `complete` holds the whole text. Who is let go sees a plain close:
    its client comes back with its last id.
    """

    def __init__(self, run: RunInfo, *, is_tracked: bool = False, after: Place | None = None) -> None:
        self.run = run.run
        self.is_tracked = is_tracked
        self.after = after
        self._texts: list[str] = []
        self._status = ""
        self._jobs: dict[str, str] = {}  # builds, and how they are: building, pending or over
        self._open_turn = OpenTurn()

    def open(self) -> list[bytes]:
        """That the subscription stands."""
        return [trpc.CONNECTED]

    def encode(self, attempt: int, seq: int, event: AnyEvent) -> list[bytes]:
        """None, one or more values; value n has the id `run.attempt.seq.n`. The last event also ends the stream."""
        is_new = self.after is None or (attempt, seq) > self.after[:2]
        self._open_turn.see(event, is_new=is_new)
        values, is_end = self._values(event)
        frames = [
            trpc.value(data, id=f"{self.run}.{attempt}.{seq}.{number}", is_tracked=self.is_tracked)
            for number, data in enumerate(values)
        ]
        return self._unseen(attempt, seq, [*frames, trpc.RETURN] if is_end else frames)

    def _unseen(self, attempt: int, seq: int, frames: list[bytes]) -> list[bytes]:
        if self.after is None:
            return frames
        seen_attempt, seen_seq, seen_frame = self.after
        if attempt > seen_attempt or seq > seen_seq:
            self.after = None
            return frames
        return frames[seen_frame + 1 :] if seq == seen_seq else []

    def _values(self, event: AnyEvent) -> tuple[list[dict[str, Any]], bool]:
        """What is said of the event, and whether it is the end."""
        match event:
            case ev.RunQueued() | ev.TurnStarted(agent=""):
                return self._now("thinking"), False
            case ev.TextDelta(agent="", text=text):
                self._texts.append(text)
                return [{"type": "delta", "content": text}], False
            case ev.ToolCalled():
                begun = {"type": "tool_start", "name": event.name, "toolCallId": event.call}
                return [*self._now("tool_calling"), begun], False
            case ev.ToolReturned():
                return self._returned(event), False
            case ev.ToolFailed():
                return [{**_tool(event, False), "error": event.error}], False
            case ev.WorkflowChanged(workflow=job, status=status, step_id=""):  # work of a tool; a chat's is no build
                return self._changed(job, "building" if status == "running" else "pending"), False
            case ev.WorkflowCompleted(workflow=job):
                return self._changed(job, "over"), False
            case ev.TurnReset(agent="") if self._open_turn.is_shown:
                self.is_over = True
                return [{"type": "error", "error": TAKEN_BACK}, {"type": "finalized", "status": "error"}], True
            case ev.RunFailed():
                told = {"type": "error", "error": event.message, "finalContent": self._text()}
                return [told, {"type": "finalized", "status": "error"}], True
            case ev.RunCompleted() | ev.RunCancelled():
                return [{"type": "complete", "finalContent": self._text()}, self._finalized()], True
            case (
                ev.CitationAdded() | ev.WorkflowChanged()
                | ev.ReasoningDelta() | ev.TextDelta() | ev.RunStarted() | ev.TurnStarted() | ev.ReplyCompleted()
                | ev.ToolProgressed() | ev.ToolDeferred() | ev.ApprovalRequested() | ev.ApprovalResolved()
                | ev.AgentStarted() | ev.AgentReturned() | ev.WorkProgressed() | ev.RetryScheduled() | ev.TurnReset()
                | ev.ContextCompacted()
                | ev.TurnCompleted() | ev.MessageSaved()
            ):  # fmt: skip
                return [], False  # no word for it
            case _:
                assert_never(event)

    def _returned(self, event: ev.ToolReturned) -> list[dict[str, Any]]:
        result = event.result if isinstance(event.result, dict) else {}
        job = result.get("jobId")
        if not isinstance(job, str) or not job or not (event.makes == "component" or job in self._jobs):
            return [_tool(event, True)]  # whatever else a tool calls so is its own
        told = {**_tool(event, True), "jobId": job}
        begun = "pending" if result.get("status") == "pending" else "building"
        return [told, *self._changed(job, self._jobs.get(job, begun))]

    def _changed(self, job: str, status: str) -> list[dict[str, Any]]:
        self._jobs[job] = status
        return self._now("building") if status == "building" else []

    def _now(self, status: str) -> list[dict[str, Any]]:
        if status == self._status:
            return []
        self._status = status
        return [{"type": "status", "status": status}]

    def _finalized(self) -> dict[str, Any]:
        """`building`: the answer is whole, and a build that it began may still go on."""
        for status in ("building", "pending"):
            if jobs := [job for job, each in self._jobs.items() if each == status]:
                return {"type": "finalized", "status": status, "jobId": jobs[-1]}
        return {"type": "finalized", "status": "success"}

    def _text(self) -> str:
        return "".join(self._texts)


def _tool(event: ev.ToolReturned | ev.ToolFailed, success: bool) -> dict[str, Any]:
    return {"type": "tool_result", "name": event.name, "toolCallId": event.call, "success": success}
