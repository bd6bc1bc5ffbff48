"""System 5's dialect, for fetch readers. Source: the agent chat document (phase 6), sections "API" and "SSE events";
what it leaves open is decided in docs/doors/agent.md. Read 2026-11.

Data frames: text, retry, and last done or error; everything is ASCII, no `[DONE]`. `done` says beside its message's id
the session's, since a client that began with none has to learn it, and the tokens; `error` says the session's too.
No words for: reasoning, tools, turns, approvals, workflows, subagents' own text, a stopped run (it ends with `done`
as any other). Nothing is resumed: the history is read instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, assert_never
from uuid import UUID

from accounts.errors import NotFound, RequestError, refuse
from agents import events as ev
from agents.events import AnyEvent
from agents.usage import Usage
from chat.doors import base, fields, sse
from chat.doors.base import OpenTurn, RunInfo, known_only
from chat.run_request import RunRequest

NAME = "agent"
FIELDS = ("message", "session_id", "character_id", "attachments")
WORDS = {"content": "message", "cursor": "before"}  # ours, and its own
MESSAGE_MAX_CHARS = 10_000
CHARACTER_MAX = 2**53 - 1
TAKEN_BACK = "The answer was begun again. Load the history to see it whole."
LET_GO = "The connection ends here, the answer goes on. Load the history to see it."


# --- In ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """The session that a message is for, and the character it is said to."""

    session: UUID | None  # None: a new one
    character: int


def parse(body: dict[str, Any]) -> RunRequest:
    """The run that a message asks for. Raises Invalid for a field that is unknown or not right."""
    known_only(body, FIELDS)
    message, files = body.get("message", ""), body.get("attachments") or ()
    is_empty = not files and not str(message).strip()
    if not isinstance(message, str) or is_empty or len(message) > MESSAGE_MAX_CHARS:
        raise refuse("message", f"Expected a text of 1 to {MESSAGE_MAX_CHARS} characters.")
    return RunRequest(content=message, attachments=files, door=NAME)


def place(body: dict[str, Any]) -> Place:
    """Where the message goes. Raises Invalid, or NotFound for a session id that is none."""
    session, character = body.get("session_id"), body.get("character_id")
    if isinstance(character, bool) or not isinstance(character, int) or not 0 <= character <= CHARACTER_MAX:
        raise refuse("character_id", f"Expected a whole number from 0 to {CHARACTER_MAX}.")
    if session is None:
        return Place(None, character)
    return Place(session_of(fields.text(session, "session_id")), character)


def session_of(text: str) -> UUID:
    """The chat that is this session. Raises NotFound."""
    try:
        return _id(text, "sess-")
    except ValueError:
        raise NotFound from None


def before_of(text: str) -> UUID | None:
    """The message that a history's page ends before. Raises Invalid."""
    try:
        return _id(text, "msg-") if text else None
    except ValueError:
        raise refuse("before", "Expected the id of a message of the session.") from None


def _id(text: str, prefix: str) -> UUID:
    """The UUID behind the prefix, in the one form that we write."""
    id = UUID(text.removeprefix(prefix))
    if text != f"{prefix}{id}":
        raise ValueError(text[:60])
    return id


# --- Out --------------------------------------------------------------------------------------------------------------


def refused(error: RequestError) -> dict[str, Any]:
    """Our error, and the sentence where its clients look for it."""
    told = {"code": error.code, "message": error.message, "fields": error.fields}
    return {"detail": error.message, "error": told}


def session_id(chat: Any) -> str:
    """The chat's id as a session's."""
    return f"sess-{chat}"


def message_id(message: Any) -> str:
    """A message's id, on the wire."""
    return f"msg-{message}"


def token_usage(usage: Usage) -> dict[str, int] | None:
    """The tokens, or None where nobody knows them."""
    if usage.status == "unknown":
        return None
    return {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}


def content_blocks(
    content: str, parts: list[dict[str, Any]], attachments: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """A message's parts and attachments as blocks: text, thinking, tool_use, tool_result, image, file."""
    texts = [{"type": "text", "text": content}] if content and not parts else []
    return [*texts, *_part_blocks(parts), *({**each, "type": each.get("type", "file")} for each in attachments)]


def _part_blocks(parts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for part in parts:
        match part["type"]:
            case "text":
                yield {"type": "text", "text": part["text"]}
            case "reasoning":
                yield {"type": "thinking", "thinking": part["text"]}
            case "tool_call":
                yield {"type": "tool_use", "id": part["call"], "name": part["name"], "input": part["arguments"]}
            case "tool_result":
                result = part.get("error") if part.get("is_error") else part.get("result")
                named = {"tool_use_id": part["call"], "name": part.get("name", "")}
                yield {"type": "tool_result", **named, "content": result, "is_error": part.get("is_error", False)}


class Encoder(base.Encoder):
    """Frames of system 5."""

    def __init__(self, run: RunInfo) -> None:
        self.run = run
        self.session = session_id(run.chat)
        self._open_turn = OpenTurn()

    def open(self) -> list[bytes]:
        """A comment, so that whatever is on the way sees the stream begin."""
        return [sse.OK]

    def encode(self, attempt: int, seq: int, event: AnyEvent) -> list[bytes]:
        """None or one frame."""
        self._open_turn.see(event)
        match event:
            case ev.TextDelta(agent="", text=text):
                return [sse.ascii_frame({"type": "text", "text": text})]
            case ev.RetryScheduled(agent=""):
                tries = {"attempt": event.failed_attempt, "max_attempts": event.max_attempts}
                return [sse.ascii_frame({"type": "retry", **tries})]
            case ev.TurnReset(agent="") if self._open_turn.is_shown:
                self.is_over = True
                return [self._error(TAKEN_BACK)]
            case ev.RunFailed():
                return [self._error(event.message)]
            case ev.RunCompleted() | ev.RunCancelled():
                end = {"message_id": message_id(self.run.message), "session_id": self.session}
                return [sse.ascii_frame({"type": "done", **end, "token_usage": token_usage(event.usage)})]
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

    def let_go(self) -> list[bytes]:
        """Its error: a client that reads a POST does not come back by itself."""
        return [self._error(LET_GO)]

    def _error(self, text: str) -> bytes:
        return sse.ascii_frame({"type": "error", "error": text, "session_id": self.session})
