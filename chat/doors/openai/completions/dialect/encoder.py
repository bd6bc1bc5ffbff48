"""OpenAI's chat completions. Source: https://platform.openai.com/docs/api-reference/chat (create and streaming) and
openai 3.52.0. Read 2026-11.

Data-only frames, one id for all: a chunk with the role, chunks with text, two for each call of a tool of the client's,
one with the finish_reason, where it was asked for one with the usage, and `[DONE]`. `completion()` is the same, whole.
Sources with an address are annotations of the whole message; chunks have none.
No words for: reasoning, tools that the agent runs itself, subagents, retries, approvals, workflows. A turn's text
follows the turn's before. An answer that was stopped, or that met a limit of the agent's, ends with `length`: it is not
whole. Text that is taken back, and a server that goes, is an `error` and the end; the request is to be sent again.
"""

import re
from typing import Any, assert_never

from agents import events as ev
from agents.events import AnyEvent
from agents.usage import Usage
from chat.doors import base, citing, sse
from chat.doors.base import OpenTurn, RunInfo
from chat.doors.openai import errors as openai_errors
from chat.doors.openai.responses.dialect.items import text_of

NAME = "completions"
ID = "chatcmpl-"
DONE = b"data: [DONE]\n\n"
TAKEN_BACK = "The answer was begun again. Send the request again."
GOING = "This server is going. Send the request again."
# Any other end is a limit that it did not ask for, and its answer is not whole.
FINISH_REASONS = {each: each for each in ("stop", "length", "tool_calls", "content_filter")} | {
    "sentence_limit": "stop"
}
CODES = {
    "upstream_rate_limited": "rate_limit_exceeded",
    "upstream_not_found": "model_not_found",
    "plan_model": "model_not_found",
    "upstream_context": "context_length_exceeded",
    "upstream_moderation": "content_filter",
}
# What a failed run is as an HTTP answer, for who wants no stream; 502 for what is not named.
STATUSES = {
    "quota_exceeded": 402,
    "no_rights": 403,
    "plan_model": 403,
    "upstream_invalid": 400,
    "upstream_context": 400,
    "upstream_tools": 400,
    "upstream_moderation": 400,
    "upstream_not_found": 404,
    "upstream_rate_limited": 429,
    "upstream_overloaded": 503,
    "upstream_unavailable": 503,
    "upstream_timeout": 504,
    "limit": 500,
    "poison": 500,
    "storage": 500,
    "internal": 500,
}


class Encoder(base.Encoder):
    """Chunks of a completion, the first with the role; and the completion as far as its events go: `completion()`."""

    def __init__(self, run: RunInfo) -> None:
        if not re.fullmatch(r"[0-9a-f-]{36}", run.run):
            raise ValueError("a run's id is a UUID")
        self.run = run
        self.model = str(run.request.get("model", ""))
        self.wants_usage = bool(run.request.get("include_usage"))
        self.texts: list[str] = []
        self.citations: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = []
        self.end: ev.Terminal | None = None
        self._open_turn = OpenTurn()

    def encode(self, attempt: int, seq: int, event: AnyEvent) -> list[bytes]:
        """The frames that the event makes."""
        self._open_turn.see(event)
        match event:
            case ev.RunQueued():
                self.model = self.model or event.model
                return [self._chunk({"role": "assistant", "content": "", "refusal": None})]
            case ev.TextDelta(agent="", text=text):
                self.texts.append(text)
                return [self._chunk({"content": text})]
            case ev.CitationAdded():
                self.citations.append(citing.told(event))
            case ev.ToolDeferred(agent=""):
                return self._call(event)
            case ev.TurnReset(agent="") if self._open_turn.is_shown:
                return self._error("answer_reset", TAKEN_BACK)
            case ev.RunFailed(code=code, message=message):
                self.end = event
                return self._error(CODES.get(code, code), message, STATUSES.get(code, 502))
            case ev.RunCompleted() | ev.RunCancelled():
                return self._end(event)
            case (
                ev.ReasoningDelta() | ev.TextDelta() | ev.RunStarted() | ev.TurnStarted() | ev.ReplyCompleted()
                | ev.ToolCalled() | ev.ToolProgressed() | ev.ToolReturned() | ev.ToolFailed() | ev.ToolDeferred()
                | ev.ApprovalRequested() | ev.ApprovalResolved() | ev.AgentStarted() | ev.AgentReturned()
                | ev.WorkflowChanged() | ev.WorkflowCompleted() | ev.WorkProgressed() | ev.RetryScheduled()
                | ev.ContextCompacted()
                | ev.TurnReset() | ev.TurnCompleted() | ev.MessageSaved()
            ):  # fmt: skip
                pass  # no word for it
            case _:
                assert_never(event)
        return []

    def let_go(self) -> list[bytes]:
        """An error: there is no way to come back to this answer."""
        return self._error("server_shutdown", GOING)

    def completion(self) -> dict[str, Any]:
        """The whole answer, once it has come to its end."""
        assert self.end is not None
        text = "".join(self.texts)
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        linked = [each for each in self.citations if each.get("url")]
        message["annotations"] = [
            {"type": "url_citation", "url_citation": citing.url_citation(each)} for each in linked
        ]
        if self.calls:
            message |= {"content": text or None, "tool_calls": self.calls}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish_reason(self.end)}
        return {**self._head("chat.completion"), "choices": [choice], "usage": usage(self.end.usage)}

    def _call(self, event: ev.ToolDeferred) -> list[bytes]:
        index, arguments = len(self.calls), text_of(event.arguments)
        function = {"name": event.name, "arguments": arguments}
        self.calls.append({"id": event.call, "type": "function", "function": function})
        begun = {"index": index, "id": event.call, "type": "function", "function": {**function, "arguments": ""}}
        rest = {"index": index, "function": {"arguments": arguments}}
        return [self._chunk({"tool_calls": [begun]}), self._chunk({"tool_calls": [rest]})]

    def _end(self, event: ev.RunCompleted | ev.RunCancelled) -> list[bytes]:
        self.end, self.is_over = event, True
        frames = [self._chunk({}, _finish_reason(event))]
        if self.wants_usage:
            last = {**self._head("chat.completion.chunk"), "choices": [], "usage": usage(event.usage)}
            frames.append(sse.frame(last))
        return [*frames, DONE]

    def _error(self, code: str, message: str, status: int = 500) -> list[bytes]:
        self.is_over = True
        told = {"message": message, "type": openai_errors.type_of(status), "code": code, "param": None}
        return [sse.frame({"error": told}), DONE]

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return sse.frame({**self._head("chat.completion.chunk"), "choices": [choice]})

    def _head(self, object: str) -> dict[str, Any]:
        created = int(self.run.created_at)
        return {"id": ID + self.run.run, "object": object, "created": created, "model": self.model}


def usage(used: Usage) -> dict[str, Any]:
    """Tokens, as this API names them."""
    return {
        "prompt_tokens": used.input_tokens,
        "completion_tokens": used.output_tokens,
        "total_tokens": used.total_tokens,
        "prompt_tokens_details": {"cached_tokens": used.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
    }


def _finish_reason(end: ev.Terminal) -> str:
    reason = end.reason if isinstance(end, ev.RunCompleted) else "length"
    return FINISH_REASONS.get(reason, "length")
