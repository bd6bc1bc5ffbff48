"""The bytes of a Responses stream, read into pieces.

As those of chat completions are (docs/decisions/0010-the-provider-reads-bytes.md): split once per network read, each
`data:` line decoded by itself. There is no `[DONE]`: the reply is whole when an event says so.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from agents.errors import ProviderError
from agents.providers import errors as provider_errors
from agents.providers.base import Finish, Piece, StatePiece, TextPiece, UsageReport
from agents.providers.counting import MOST_TOKENS, input_of
from agents.providers.responses import items
from agents.providers.responses.events import (
    NONE,
    Event,
    InputDetails,
    OutputDetails,
    Response,
    Tokens,
    decode,
    response_of,
)
from agents.providers.responses.failures import from_event
from agents.providers.responses.output import Coming, Output
from agents.providers.sse import BODY, Events, Lines
from agents.usage import Usage

TEXT = "response.output_text.delta"
THOUGHTS = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")
ENDS = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "response.cancelled": "cancelled",
}
UNHAPPY = ("incomplete", "failed", "cancelled")
ERRORS = ("error", "response.error")
# Why a reply is not complete. An unknown word is "other": surely not "stop".
REASONS = {"max_output_tokens": "length", "content_filter": "content_filter"}


class Reply:
    """Reads one reply. Feed it until `is_over`; `error` is set where the reply cannot be read on."""

    def __init__(self, *, max_event_bytes: int, max_argument_bytes: int, scrub: provider_errors.Scrub) -> None:
        self.is_over = False  # nothing more is to be fed
        self.is_done = False  # the reply's end was seen
        self.has_pieces = False
        self.skipped = 0  # events that were well formed nonsense
        self.error: ProviderError | None = None
        self._scrub = scrub
        self._argument_bytes_left = max_argument_bytes
        self._lines = Lines(max_event_bytes)
        self._events = Events(self._take, self._break, max_event_bytes)
        self._pieces: list[Piece] = []  # of the read under way
        self._output = Output()
        self._speaker: Coming | None = None  # whose text comes, mostly piece by piece
        self._speaker_id: str | None = None

    def feed(self, data: bytes) -> list[Piece]:
        """What these bytes brought. Pieces that came before an error are still given."""
        lines = self._lines.feed(data)
        pieces = self._read(lambda: self._events.read(lines))
        if self._lines.is_too_long:
            self._fail(ProviderError("upstream_malformed", "The model provider sent a line that is too long."))
        return pieces

    def end(self) -> list[Piece]:
        """What an unended last line still holds. If it was cut in the middle, it is dropped."""
        pieces = self._read(lambda: self._events.end(self._lines.end()))
        self.is_over = True
        return pieces

    def read_whole(self, body: bytes) -> list[Piece]:
        """The pieces of a reply that came at once: one JSON document, from a server that does not stream.

        Or a stream after all, from one that calls it JSON.
        """
        if not body.lstrip().startswith((b"{", b"[")):
            return [*self.feed(body), *self.end()]
        pieces = self._read(lambda: self._take(BODY, body))
        self.is_over = True
        return pieces

    def _read(self, read: Callable[[], object]) -> list[Piece]:
        pieces: list[Piece] = []
        self._pieces = pieces
        read()
        if pieces:
            self.has_pieces = True
        return pieces

    def _break(self, sentence: str) -> None:
        if not self.is_done:  # a broken tail takes nothing from a whole reply
            self._fail(ProviderError("upstream_malformed", sentence, retryable=not sentence))

    def _take(self, name: str, data: bytes) -> bool:
        """Read an event; False where it is not whole."""
        if self.is_over:  # bytes behind the end or an error are not read
            return True
        if data == b"[DONE]":  # some servers say it all the same
            self.is_over = True
            return True
        event = decode(data)
        if event is None:
            if name == "error":  # in words of its own
                self._fail(provider_errors.from_chunk(data.decode("utf-8", "replace"), self._scrub))
            return name == "error"
        if event.type == TEXT and event.item_id == self._speaker_id and event.delta and self._speaker is not None:
            self._speaker.told_chars += len(event.delta)
            self._pieces.append(TextPiece(event.delta))
            return True
        try:
            self._read_event(event, name, data)
        except ProviderError as error:
            self._fail(error)
        return True

    def _read_event(self, event: Event, name: str, data: bytes) -> None:
        kind = event.type or name
        if kind in ERRORS or name == "error" or (event.error and not event.object):
            raise from_event(event, self._scrub)
        if kind in ENDS:
            self._end(response_of(event.response), ENDS[kind])
        elif kind.startswith("response."):
            self._read_part(kind, event)
        elif name == BODY and (event.object == "response" or event.error):
            self._end(response_of(msgspec.Raw(data)), "")
        else:
            self.skipped += 1

    def _read_part(self, kind: str, event: Event) -> None:
        output, delta = self._output, event.delta or ""
        match kind:
            case "response.output_text.delta" | "response.refusal.delta":
                self._speaker, self._speaker_id = output.find(event, "message"), event.item_id
                self._pieces.extend(output.say(self._speaker, delta))
            case _ if kind in THOUGHTS:
                self._speaker = None
                part = event.summary_index or 0
                self._pieces.extend(output.think(output.find(event, "reasoning"), delta, part, kind))
            case "response.function_call_arguments.delta":
                self._call(output.find(event, "function_call"), delta)
            case "response.function_call_arguments.done":
                coming = output.find(event, "function_call")
                self._pieces.extend(output.argue_rest(coming, "", event.arguments))
            case "response.output_item.added" | "response.output_item.done" if event.item is not NONE:
                self._read_item(event, is_whole=kind.endswith("done"))

    def _read_item(self, event: Event, *, is_whole: bool) -> None:
        item = items.read(event.item)
        self._speaker = None
        if not is_whole:
            self._pieces.extend(self._output.begin(event, item))
            return
        if isinstance(item.id, str):
            event.item_id = item.id
        self._whole(self._output.find(event, item.type), event.item)

    def _whole(self, coming: Coming, raw: msgspec.Raw) -> None:
        text = bytes(raw).decode("utf-8", "replace")
        self._pieces.extend(self._output.end(coming, items.read(raw), text))

    def _call(self, coming: Coming, delta: str) -> None:
        self._argument_bytes_left -= len(delta)
        if self._argument_bytes_left < 0:
            raise ProviderError("upstream_malformed", "The model provider sent tool arguments that are too long.")
        self._pieces.extend(self._output.argue(coming, "", delta))

    def _end(self, response: Response, kind: str) -> None:
        """The reply is over: why, what it cost, and what is wanted back. Raises ProviderError."""
        self._take_missing(response)
        if response.usage and (usage := usage_of(response.usage)):
            self._pieces.append(UsageReport(usage))
        self.is_done = self.is_over = True
        # The event says how it ended, unless the reply itself says that it did not go well.
        told = response.status or ""
        status = told if told in UNHAPPY else kind or told
        if response.error or status == "failed":
            raise from_event(Event(error=response.error), self._scrub)
        if status == "cancelled":
            raise ProviderError("upstream_incomplete", retryable=True)
        if status == "completed" and (state := items.kept(self._output.whole)):
            self._pieces.append(StatePiece(state))
        self._pieces.append(Finish(self._reason(status, response.incomplete_details)))

    def _take_missing(self, response: Response) -> None:
        """Read what stands only here."""
        raws = response.output or []
        for coming, raw in zip(self._output.placed([items.read(each) for each in raws]), raws, strict=True):
            if not coming.whole:
                self._whole(coming, raw)

    def _reason(self, status: str, details: dict[str, Any] | None) -> str:
        if status == "completed":
            return "tool_calls" if self._output.has_calls else "stop"
        return REASONS.get(str((details or {}).get("reason")), "other")

    def _fail(self, error: ProviderError) -> None:
        self.error = self.error or error
        self.is_over = True


def usage_of(tokens: Tokens) -> Usage | None:
    """What was counted; None where it cannot be. Reasoning is part of the output, also where a server adds it to it."""
    inputs, outputs = tokens.input_tokens, tokens.output_tokens
    if inputs is None or outputs is None or not (0 <= inputs <= MOST_TOKENS and 0 <= outputs <= MOST_TOKENS):
        return None
    told = tokens.input_tokens_details or InputDetails()
    inputs, cached, written = input_of(inputs, told.cached_tokens, told.cache_write_tokens)
    outputs = max(outputs, min(tokens.total_tokens or 0, MOST_TOKENS) - inputs)
    thought = tokens.output_tokens_details or OutputDetails()
    return Usage(
        input_tokens=inputs,
        cached_tokens=cached,
        output_tokens=outputs,
        reasoning_tokens=_within(thought.reasoning_tokens, outputs),
        cache_write_tokens=written or msgspec.UNSET,
    )


def _within(part: int | None, whole: int) -> int:
    return min(max(part or 0, 0), whole)
