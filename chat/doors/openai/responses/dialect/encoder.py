"""OpenAI's Responses API, as Open Responses writes it down. Source: https://www.openresponses.org (specification of
2026-04-24), https://platform.openai.com/docs/api-reference/responses-streaming and openai 3.52.0. Read 2026-11.

Frames are `event: <type>` and `data: <the same type and a sequence_number>`, then `[DONE]`; on a socket the data alone.
Numbers count what a reader sees who comes late: 0, 1, 2 ... without gaps, the same at every replay.
No words for: tools that the agent runs itself, subagents, turns, retries, approvals, workflows. Reasoning is shown, as
a summary, to whoever asks for one. Text that is taken back is an `error` event, and the end of that stream; the
response is whole when it is read again. A stopped run is a `response.incomplete` whose response has the status
`cancelled`.
"""

import re
from typing import Any, assert_never

from agents import events as ev
from agents.events import AnyEvent
from agents.usage import Usage
from chat.doors import base, citing, sse
from chat.doors.base import RunInfo
from chat.doors.blocks import Block, Blocks, Closed, Opened, Piece
from chat.doors.citing import annotation
from chat.doors.openai.responses.dialect.ids import RESPONSE, item_id
from chat.doors.openai.responses.dialect.items import call_item, message_item, text_of, text_part

NAME = "responses"
DONE = b"data: [DONE]\n\n"
TAKEN_BACK = "The answer was begun again. Retrieve the response to see it whole."

# What a response says of its request, where the request has not said it.
ECHO: dict[str, Any] = {
    "previous_response_id": None,
    "conversation": None,
    "instructions": None,
    "tools": [],
    "tool_choice": "auto",
    "truncation": "disabled",
    "parallel_tool_calls": True,
    "text": {"format": {"type": "text"}},
    "top_p": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "top_logprobs": 0,
    "temperature": 1.0,
    "reasoning": {"effort": None, "summary": None},
    "max_output_tokens": None,
    "max_tool_calls": None,
    "store": True,
    "background": False,
    "service_tier": "default",
    "metadata": {},
    "safety_identifier": None,
    "prompt_cache_key": None,
}
# Why a run ended that did not end by itself; any other limit is of how much an agent may do.
INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
INCOMPLETE |= dict.fromkeys(("max_output_tokens", "max_text_bytes", "max_argument_bytes"), "max_output_tokens")
WHOLE = ("stop", "tool_calls", "sentence_limit")
FAILURES = {"upstream_rate_limited": "rate_limit_exceeded"}
FAILURES |= dict.fromkeys(("upstream_invalid", "upstream_context", "upstream_moderation"), "invalid_prompt")


class Encoder(base.Encoder):
    """Frames of a response, and the response itself as far as its events go: `resource()`.

    Who is let go sees a plain close: a client comes back with `starting_after`. Its places are numbers of the clean
    view, which are never unknown here.
    """

    def __init__(self, run: RunInfo, *, after: int = -1) -> None:
        """`after`: a sequence number; frames up to it are not sent again."""
        if not re.fullmatch(r"[0-9a-f-]{36}", run.run):
            raise ValueError("a run's id is a UUID")
        self.run = run
        self.after = after
        self.number = 0  # of the next frame
        self.status = "queued" if run.request.get("background") else "in_progress"
        self.is_begun = False
        self.model = ""
        self.output: list[dict[str, Any]] = []  # items that are whole
        self.counts: dict[str, int] = {}  # items of each kind
        self.end: ev.Terminal | None = None
        self.blocks = Blocks()
        self.shows_reasoning = bool((run.request.get("reasoning") or {}).get("summary"))
        self.item = ""  # id of the open one
        self.said = 0  # characters of all texts
        self.begins_at = 0  # in them: the open text
        self.annotations: list[dict[str, Any]] | None = None  # of the open text; None: none is open

    def encode(self, attempt: int, seq: int, event: AnyEvent) -> list[bytes]:
        """The frames that the event makes."""
        frames = [frame for block in self.blocks.feed(event) for frame in self._block(block, event)]
        match event:
            case ev.RunQueued():
                self.model = event.model
                frames += self._frame("response.created", response=self.resource())
            case ev.RunStarted() if not self.is_begun:
                self.is_begun, self.status = True, "in_progress"
                frames += self._frame("response.in_progress", response=self.resource())
            case ev.ToolDeferred(agent=""):
                frames += self._call(event)
            case ev.CitationAdded():
                frames += self._annotate(event)
            case ev.TurnReset(agent=""):
                frames += self.error({"type": "server_error", "code": "response_reset", "message": TAKEN_BACK})
            case ev.RunCompleted() | ev.RunFailed() | ev.RunCancelled():
                frames += self._end(event)
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
        return frames

    def error(self, told: dict[str, Any]) -> list[bytes]:
        """An error after the beginning, and the end of this stream."""
        self.is_over = True
        told = {"param": None, **told}
        flat = {name: told[name] for name in ("code", "message", "param")}
        return [*self._frame("error", **flat, error=told), *self.done()]

    def done(self) -> list[bytes]:
        """What follows the last frame."""
        return [DONE]

    def write(self, data: dict[str, Any]) -> bytes:
        """A frame as it is sent."""
        return sse.frame(data, event=data["type"])

    def resource(self) -> dict[str, Any]:
        """The response as it is now."""
        end, request = self.end, self.run.request
        is_over = end is not None
        return {
            "id": RESPONSE + self.run.run,
            "object": "response",
            "created_at": int(self.run.created_at),
            "completed_at": int(end.at) if end is not None else None,
            "status": self.status,
            "incomplete_details": _incomplete(end),
            "error": _failure(end),
            "model": request.get("model") or self.model,
            "output": list(self.output) if is_over else [],
            "usage": usage(end.usage) if end is not None else None,
            **{name: request.get(name, default) for name, default in ECHO.items()},
        }

    def _frame(self, type: str, **fields: Any) -> list[bytes]:
        number, self.number = self.number, self.number + 1
        return [self.write({"type": type, "sequence_number": number, **fields})] if number > self.after else []

    def _block(self, block: Block, event: AnyEvent) -> list[bytes]:
        if block.kind == "reasoning":
            return self._thought(block, event) if self.shows_reasoning else []
        match block:
            case Opened():
                return self._open_text()
            case Piece(text=text):
                self._count_pieces(event)
                self.said += len(text)
                return self._text_frame("response.output_text.delta", delta=text, logprobs=[])
            case Closed(text=text):
                return self._close_text(text, "completed" if _is_whole(event) else "incomplete")

    def _count_pieces(self, event: AnyEvent) -> None:
        """A delta made of several has the number of the last, so that what follows keeps its own."""
        if isinstance(event, ev.TextDelta | ev.ReasoningDelta):
            self.number += event.pieces - 1

    def _open_text(self) -> list[bytes]:
        self.begins_at, self.annotations = self.said, []
        item = message_item(self._next_id("msg"), "assistant", "in_progress", [])
        added = self._frame("response.output_item.added", output_index=len(self.output), item=item)
        return added + self._text_frame("response.content_part.added", part=text_part(""))

    def _close_text(self, text: str, status: str) -> list[bytes]:
        part, self.annotations = text_part(text, self.annotations or []), None
        frames = self._text_frame("response.output_text.done", text=text, logprobs=[])
        frames += self._text_frame("response.content_part.done", part=part)
        return frames + self._done(message_item(self.item, "assistant", status, [part]))

    def _annotate(self, event: ev.CitationAdded) -> list[bytes]:
        if self.annotations is None:
            return []
        added = annotation(citing.told(event), self.begins_at)
        self.annotations.append(added)
        index = len(self.annotations) - 1
        type = "response.output_text.annotation.added"
        return self._text_frame(type, annotation_index=index, annotation=added)

    def _text_frame(self, type: str, **fields: Any) -> list[bytes]:
        place = {"item_id": self.item, "output_index": len(self.output), "content_index": 0}
        return self._frame(type, **place, **fields)

    def _thought(self, block: Block, event: AnyEvent) -> list[bytes]:
        match block:
            case Opened():
                item = {"type": "reasoning", "id": self._next_id("rs"), "summary": []}
                added = self._frame("response.output_item.added", output_index=len(self.output), item=item)
                return added + self._thought_frame("part.added", part={"type": "summary_text", "text": ""})
            case Piece(text=text):
                self._count_pieces(event)
                return self._thought_frame("text.delta", delta=text)
            case Closed(text=text):
                part = {"type": "summary_text", "text": text}
                frames = self._thought_frame("text.done", text=text) + self._thought_frame("part.done", part=part)
                return frames + self._done({"type": "reasoning", "id": self.item, "summary": [part]})

    def _thought_frame(self, what: str, **fields: Any) -> list[bytes]:
        place = {"item_id": self.item, "output_index": len(self.output), "summary_index": 0}
        return self._frame(f"response.reasoning_summary_{what}", **place, **fields)

    def _call(self, event: ev.ToolDeferred) -> list[bytes]:
        id, arguments, index = self._next_id("fc"), text_of(event.arguments), len(self.output)
        item = call_item(id, event.call, event.name, "", "in_progress")
        frames = self._frame("response.output_item.added", output_index=index, item=item)
        place = {"item_id": id, "output_index": index}
        frames += self._frame("response.function_call_arguments.delta", **place, delta=arguments)
        frames += self._frame("response.function_call_arguments.done", **place, name=event.name, arguments=arguments)
        return frames + self._done(call_item(id, event.call, event.name, arguments, "completed"))

    def _next_id(self, kind: str) -> str:
        number = self.counts.get(kind, 0)
        self.counts[kind] = number + 1
        self.item = item_id(kind, self.run.message, number)
        return self.item

    def _done(self, item: dict[str, Any]) -> list[bytes]:
        frames = self._frame("response.output_item.done", output_index=len(self.output), item=item)
        self.output.append(item)
        return frames

    def _end(self, event: ev.Terminal) -> list[bytes]:
        frames: list[bytes] = []
        if isinstance(event, ev.RunCompleted) and not self.counts.keys() & {"msg", "fc"}:
            frames = self._open_text() + self._close_text("", "completed")  # an answer without words is one still
        self.end, self.is_over = event, True
        match event:
            case ev.RunCompleted(reason=reason):
                self.status = "completed" if reason in WHOLE else "incomplete"
                type = f"response.{self.status}"
            case ev.RunFailed():
                self.status, type = "failed", "response.failed"
            case ev.RunCancelled():
                self.status, type = "cancelled", "response.incomplete"
        return [*frames, *self._frame(type, response=self.resource()), *self.done()]


class SocketEncoder(Encoder):
    """The same for a WebSocket: each frame is a line of JSON, to be sent as one message."""

    def __init__(self, run: RunInfo, *, lane: dict[str, Any] | None = None) -> None:
        """`lane`: what the client named this turn by, said in each of its events."""
        super().__init__(run)
        self.lane = lane or {}

    def write(self, data: dict[str, Any]) -> bytes:
        """The data alone, as one line."""
        return sse.json_line({**data, **self.lane})

    def done(self) -> list[bytes]:
        """Nothing: the next turn may have been asked for already."""
        return []

    def let_go(self) -> list[bytes]:
        """A socket's turn cannot be taken up again: say so."""
        return self.error(
            {"type": "server_error", "code": "server_shutdown", "message": "This server is going. Connect again."}
        )


def usage(used: Usage) -> dict[str, Any]:
    """Tokens, as this API names them."""
    return {
        "input_tokens": used.input_tokens,
        "input_tokens_details": {"cached_tokens": used.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": used.output_tokens,
        "output_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
        "total_tokens": used.total_tokens,
    }


def _is_whole(event: AnyEvent) -> bool:
    """Whether what closed a block is the model's own end of it."""
    match event:
        case ev.ReplyCompleted(finish_reason=reason):
            return reason in WHOLE
        case ev.RunCompleted() | ev.RunFailed() | ev.RunCancelled():
            return False
        case _:
            return True


def _incomplete(end: ev.Terminal | None) -> dict[str, Any] | None:
    if not isinstance(end, ev.RunCompleted) or end.reason in WHOLE:
        return None
    return {"reason": INCOMPLETE.get(end.reason, "max_messages")}


def _failure(end: ev.Terminal | None) -> dict[str, Any] | None:
    if not isinstance(end, ev.RunFailed):
        return None
    return {"code": FAILURES.get(end.code, "server_error"), "message": end.message}
