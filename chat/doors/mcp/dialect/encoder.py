"""A run as its asker follows it: notifications of progress, and at its end, or where a person is asked, the result."""

from typing import Any, assert_never

from agents import events as ev
from agents.events import AnyEvent
from chat.doors import base, sse
from chat.doors.asking import Asking
from chat.doors.base import RunInfo
from chat.doors.mcp.dialect.messages import Id
from chat.doors.mcp.dialect.results import Wrap, of_tool, piece

TEXT_STEP = 500  # characters of the answer between two notifications
GOES_ON = "The answer goes on. read_run gets it."
WAITS = "A person must first allow a call, on the page of the chat: {calls}. Then read_run gets the rest."
MORE = "The answer is longer. read_run gets what follows, from `start`."


class Encoder(base.Encoder):
    """One request's response. Its run goes on whoever leaves, so the first word names it."""

    def __init__(self, run: RunInfo, wrap: Wrap, token: Id | None, most_chars: int) -> None:
        self.run = run
        self._wrap = wrap
        self._token = token
        self._most = most_chars
        self._asking = Asking()
        self._told = 0  # notifications so far
        self._texts: list[str] = []
        self._turn_at = 0  # how many of them are of the turns before
        self._untold = 0  # characters that came since the last notification of them

    def open(self) -> list[bytes]:
        """A comment, so that whatever is on the way sees the stream begin; then the run's name."""
        return [sse.OK, *self._progress(f"Run {self.run.run} has begun, in chat {self.run.chat}.")]

    def encode(self, attempt: int, seq: int, event: AnyEvent) -> list[bytes]:
        """None or one frame; the last one is the result."""
        self._asking.feed(event)
        if self._asking.waits:
            calls = ", ".join(sorted({each.title or each.name for each in self._asking.asked.values()}))
            return self._end("waiting", note=WAITS.format(calls=calls))
        match event:
            case ev.TurnStarted(agent=""):
                self._turn_at = len(self._texts)
                return self._progress(f"Turn {event.turn}: the model is asked.")
            case ev.TextDelta(agent="", text=text):
                self._texts.append(text)
                return self._written(len(text))
            case ev.TurnReset(agent=""):
                del self._texts[self._turn_at :]
                return self._progress("The turn is begun again.")
            case ev.ToolCalled():
                return self._progress(f"Calls {event.name}.")
            case ev.RetryScheduled(agent=""):
                return self._progress("The model did not answer; it is asked again.")
            case ev.RunCompleted():
                return self._end("succeeded", end_reason=event.reason)
            case ev.RunCancelled():
                return self._end("cancelled")
            case ev.RunFailed():
                return self._end("failed", is_error=True, error=event.message)
            case (
                ev.CitationAdded() | ev.ContextCompacted()
                | ev.ReasoningDelta() | ev.TextDelta() | ev.RunQueued() | ev.RunStarted() | ev.TurnStarted()
                | ev.ReplyCompleted() | ev.ToolProgressed() | ev.ToolReturned() | ev.ToolFailed() | ev.ToolDeferred()
                | ev.ApprovalRequested() | ev.ApprovalResolved() | ev.AgentStarted() | ev.AgentReturned()
                | ev.WorkflowChanged() | ev.WorkflowCompleted() | ev.WorkProgressed() | ev.RetryScheduled()
                | ev.TurnReset() | ev.TurnCompleted() | ev.MessageSaved()
            ):  # fmt: skip
                return []  # no word for it
            case _:
                assert_never(event)

    def let_go(self) -> list[bytes]:
        """A result too, so that nobody takes the run for lost."""
        return self._end("running", note=GOES_ON)

    def _written(self, chars: int) -> list[bytes]:
        self._untold += chars
        if self._untold < TEXT_STEP:
            return []
        self._untold = 0
        return self._progress(f"{sum(map(len, self._texts)):,} characters are written.")

    def _progress(self, text: str) -> list[bytes]:
        """A notification that is one more than the last, for who asked for them."""
        if self._token is None:
            return []
        self._told += 1
        told = {"progressToken": self._token, "progress": self._told, "message": text}
        return [sse.frame({"jsonrpc": "2.0", "method": "notifications/progress", "params": told})]

    def _end(self, status: str, *, is_error: bool = False, **more: Any) -> list[bytes]:
        self.is_over = True
        answer, next_start = piece("".join(self._texts), self._most)
        rest = {"next_start": next_start, "note": MORE} if next_start is not None else {}
        named = {"run": self.run.run, "chat": self.run.chat, "status": status}
        return [sse.frame(self._wrap(of_tool({**named, "answer": answer, **rest, **more}, is_error=is_error)))]
