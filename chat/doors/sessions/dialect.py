"""System 2's dialect, for a browser's EventSource. Source: the Chat SSE document, sections "API" and "frontend"; what
it leaves open is decided in docs/doors/sessions.md. Read 2026-11.

Data frames: token, done, error, and typing for who asks for it; no `[DONE]`, since its client parses every event as
JSON. Each frame but typing has an `id`, so that an EventSource that comes back goes on where it was.
No words for: reasoning, tools, turns, retries, approvals, workflows, subagents' own text, usage, a stopped run (it
ends with `done` as any other).
"""

import re
from dataclasses import dataclass
from typing import Any, assert_never
from uuid import UUID

from accounts.errors import refuse
from agents import events as ev
from agents.events import AnyEvent
from chat.doors import base, fields, sse
from chat.doors.base import OpenTurn, RunInfo, known_only
from chat.run_request import RunRequest

NAME = "sessions"
FIELDS = ("modelId", "prompt", "chatId", "projectId", "taskId")
WORDS = {"content": "prompt", "model": "modelId", "project": "projectId"}  # ours, and its own
TAKEN_BACK = "The answer was begun again. Load the history to see it whole."


@dataclass(frozen=True)
class Place:
    """Where a prompt belongs, as its client says it."""

    chat: str = ""  # a name of the client's own, or a chat's id; empty: a new chat
    project: UUID | None = None
    task: str = ""  # a task's id, or with a project the task's external id


def parse(body: dict[str, Any]) -> RunRequest:
    """The run that `start` asks for. Raises Invalid for a field that is unknown, or missing."""
    known_only(body, FIELDS)
    for name in ("modelId", "prompt"):
        if body.get(name) is None:
            raise refuse(name, "This field is required.")
    return RunRequest(content=body["prompt"], model=body["modelId"], door=NAME)


def place(body: dict[str, Any]) -> Place:
    """The chat, project and task that `start` names; null is as good as left out. Raises Invalid."""
    chat, task = ("" if body.get(name) is None else fields.name(body[name], name) for name in ("chatId", "taskId"))
    return Place(chat, fields.project(body.get("projectId"), "projectId"), task)


class Encoder(base.Encoder):
    """Frames of system 2. `typing`: say so until the first token.

    No comment opens it: its empty line would be a message without data to @microsoft/fetch-event-source. Who is let go
    sees a plain close: an EventSource comes back with its last id.
    """

    def __init__(self, run: RunInfo, *, typing: bool = False) -> None:
        if not re.fullmatch(r"[0-9a-f-]{36}", run.run):
            raise ValueError("a run's id is a UUID")
        self.run = run.run
        self.is_typing = typing
        self._open_turn = OpenTurn()

    def encode(self, attempt: int, seq: int, event: AnyEvent) -> list[bytes]:
        """None or one frame."""
        self._open_turn.see(event)
        id = f"{self.run}.{attempt}.{seq}"
        match event:
            case ev.TextDelta(agent="", text=text):
                self.is_typing = False
                return [f'id: {id}\ndata: {{"type":"token","content":{sse.ascii_text(text)}}}\n\n'.encode()]
            case ev.RunQueued() | ev.TurnStarted(agent="") if self.is_typing:
                return [sse.ascii_frame({"type": "typing"})]
            case ev.TurnReset(agent="") if self._open_turn.is_shown:
                self.is_over = True
                return [error(TAKEN_BACK, "taken_back", id=id)]
            case ev.RunFailed():
                return [error(event.message, event.code, id=id)]
            case ev.RunCompleted() | ev.RunCancelled():
                return [sse.ascii_frame({"type": "done"}, id=id)]
            case (
                ev.CitationAdded()
                | ev.ReasoningDelta() | ev.TextDelta() | ev.RunQueued() | ev.RunStarted() | ev.TurnStarted()
                | ev.ReplyCompleted() | ev.ToolCalled() | ev.ToolProgressed() | ev.ToolReturned() | ev.ToolFailed()
                | ev.ToolDeferred() | ev.ApprovalRequested() | ev.ApprovalResolved() | ev.AgentStarted()
                | ev.AgentReturned() | ev.WorkflowChanged() | ev.WorkflowCompleted() | ev.WorkProgressed()
                | ev.ContextCompacted()
                | ev.RetryScheduled() | ev.TurnReset() | ev.TurnCompleted() | ev.MessageSaved()
            ):  # fmt: skip
                return []  # no word for it
            case _:
                assert_never(event)


def error(message: str, code: str, *, id: str = "") -> bytes:
    """The frame that says what is wrong: the only way to tell an EventSource, which sees no status and no body."""
    return sse.ascii_frame({"type": "error", "message": message, "code": code}, id=id)
