"""The bytes of a Messages stream, read into pieces.

By the `type` in an event's data, so that servers which name no event are read too. Bytes, because the SDK's own events
cost ten times as much and pass over what they cannot read (docs/decisions/0010-the-provider-reads-bytes.md).
"""

import logging
from collections.abc import Callable
from typing import Any

import msgspec

from agents.errors import ProviderError
from agents.providers import errors as provider_errors
from agents.providers.anthropic.blocks import Block, state_of
from agents.providers.anthropic.events import Delta, Event, Tokens, decode
from agents.providers.base import CallPiece, Finish, Piece, ReasoningPiece, StatePiece, TextPiece, UsageReport
from agents.providers.sse import BODY, Events, Lines
from agents.usage import Usage

logger = logging.getLogger(__name__)

REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_MAX_TOKENS = 10**12  # a count beyond this is nonsense


class Reply:
    """Reads one reply. Feed it until `is_over`; `error` is set where the reply cannot be read on."""

    def __init__(self, *, max_event_bytes: int, max_argument_bytes: int, scrub: provider_errors.Scrub) -> None:
        self.is_over = False  # nothing more is to be fed
        self.is_done = False  # message_stop was seen
        self.has_pieces = False
        self.skipped = 0  # events that were well formed nonsense
        self.error: ProviderError | None = None
        self._scrub = scrub
        self._argument_bytes_left = max_argument_bytes
        self._lines = Lines(max_event_bytes)
        self._events = Events(self._take, self._break, max_event_bytes)
        self._pieces: list[Piece] = []  # of the read under way
        self._tokens = Tokens()
        self._blocks: dict[int, Block] = {}
        self._calls = 0
        self._reason = ""  # ours

    @property
    def is_finished(self) -> bool:
        """A stop reason was seen: the reply is whole, whatever its connection does."""
        return bool(self._reason)

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
        """The pieces of a reply that came at once: one JSON document, or a stream that calls itself one."""
        if not body.lstrip().startswith(b"{"):
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
        if not self.is_finished:  # a broken tail takes nothing from a whole reply
            self._fail(ProviderError("upstream_malformed", sentence, retryable=not sentence))

    def _take(self, name: str, data: bytes) -> bool:
        """Read an event; False where it is not whole."""
        if self.is_done or self.error is not None:  # bytes behind either are not read
            return True
        if data == b"[DONE]":  # from servers that are compatible with others too
            self.is_done = self.is_over = True
            return True
        try:
            event = decode(data)
        except ProviderError:
            if name == "error":  # in words of its own
                self._fail(provider_errors.from_chunk(data.decode("utf-8", "replace"), self._scrub))
            return name == "error"
        try:
            self._read_event(event, name)
        except ProviderError as error:
            self._fail(error)
        return True

    def _read_event(self, event: Event, name: str) -> None:
        match event.type or name:
            case "content_block_delta":
                if event.delta is not None:
                    self._read_delta(event.index or 0, event.delta)
            case "content_block_start":
                self._begin(event.index or 0, event.content_block or {})
            case "content_block_stop":
                self._end(event.index or 0)
            case "message_start":
                self._count(event.message.usage if event.message else None)
            case "message_delta":
                self._count(event.usage)
                self._finish(event.delta.stop_reason if event.delta else None, event.delta and event.delta.stop_details)
            case "message_stop":
                self.is_done = self.is_over = True
            case "message" if event.content is not None:
                self._read_message(event)
            case kind if kind == "error" or event.error:  # the latter in the form of another API
                raise provider_errors.from_chunk(event.error or "error", self._scrub)
            case "":
                self.skipped += 1

    def _read_delta(self, index: int, delta: Delta) -> None:
        block = self._blocks.get(index)
        if block is None or _is_another(block, delta):  # some servers do not say that it begins
            block = self._begin(index, {"type": _kind(delta)})
        if delta.text and block.kind == "text":
            block.chars += len(delta.text)
            self._pieces.append(TextPiece(delta.text))
        elif delta.thinking and block.kind == "thinking":
            block.thoughts.append(delta.thinking)
            self._pieces.append(ReasoningPiece(delta.thinking))
        elif delta.signature and block.kind == "thinking":
            block.signature = delta.signature
        elif delta.partial_json and block.kind == "tool_use":
            block.is_told = True
            self._argue(CallPiece(block.call, "", delta.partial_json))

    def _begin(self, index: int, begin: dict[str, Any]) -> Block:
        if (last := self._blocks.get(index)) is not None:  # a server that gives every block one index
            self._end(index)
            self._blocks[-len(self._blocks) - 1] = last
            del self._blocks[index]
        block = self._blocks[index] = Block(begin, self._calls)
        self._calls += block.kind == "tool_use"
        self._pieces += block.begun()
        return block

    def _end(self, index: int) -> None:
        if index in self._blocks:
            for piece in self._blocks[index].ended():
                self._argue(piece)

    def _argue(self, piece: Piece) -> None:
        """Hand on arguments, as long as there is room for them."""
        if isinstance(piece, CallPiece):
            self._argument_bytes_left -= len(piece.arguments)
        if self._argument_bytes_left < 0:
            raise ProviderError("upstream_malformed", "The model provider sent tool arguments that are too long.")
        self._pieces.append(piece)

    def _read_message(self, message: Event) -> None:
        """A reply that came whole."""
        for index, begin in enumerate(message.content or ()):
            if isinstance(begin, dict):
                self._begin(index, begin)
                self._end(index)
        self._count(message.usage)
        self._finish(message.stop_reason, message.stop_details)

    def _finish(self, reason: str | None, details: Any) -> None:
        """The reply is whole: say its state, why it ends and what it cost."""
        if reason and not self._reason:
            self._reason = self._our_reason(reason, details)
            for index in self._blocks:
                self._end(index)
            is_whole = self._reason in ("stop", "tool_calls")  # a thought that was cut has no signature
            if is_whole and (state := state_of(list(self._blocks.values()))):
                self._pieces.append(StatePiece(state))
            self._pieces.append(Finish(self._reason))
        if self._reason and (usage := _usage(self._tokens)) is not None:
            self._pieces.append(UsageReport(usage))

    def _our_reason(self, reason: str, details: Any) -> str:
        if reason == "pause_turn":  # of the vendor's own tools, of which none are asked for
            raise ProviderError("upstream_error", retryable=True, detail={"code": reason})
        if reason == "refusal":
            category = details.get("category") if isinstance(details, dict) else None
            logger.info("A reply was refused: %s", self._scrub(str(category)))
        ours = REASONS.get(reason, "other")
        if ours in ("stop", "tool_calls"):  # our doors read the latter as: the client must act
            return "tool_calls" if self._calls else "stop"
        return ours

    def _count(self, tokens: Tokens | None) -> None:
        """Keep the newest of each count: they are cumulative, and not each event says all of them."""
        for name in Tokens.__struct_fields__ if tokens else ():
            if (value := getattr(tokens, name)) is not None:
                setattr(self._tokens, name, value)

    def _fail(self, error: ProviderError) -> None:
        self.error = self.error or error
        self.is_over = True


def _kind(delta: Delta) -> str:
    """Of the block that such a delta is a part of."""
    if delta.thinking is not None or delta.signature is not None:
        return "thinking"
    return "text" if delta.text is not None else ""


def _is_another(block: Block, delta: Delta) -> bool:
    """Whether what is said or thought belongs to a block of another kind; a call is one while its arguments come."""
    is_own = block.kind in ("text", "thinking") or (block.kind == "tool_use" and block.is_whole)
    return is_own and bool(delta.text or delta.thinking) and block.kind != _kind(delta)


def _usage(tokens: Tokens) -> Usage | None:
    """All input counts, whether it was written to the cache or read from it."""
    written, cached = tokens.cache_creation_input_tokens or 0, tokens.cache_read_input_tokens or 0
    fresh, outputs = tokens.input_tokens, tokens.output_tokens
    if (
        fresh is None
        or outputs is None
        or not all(0 <= each <= _MAX_TOKENS for each in (written, cached, fresh, outputs))
    ):
        return None
    thought = (tokens.output_tokens_details.thinking_tokens if tokens.output_tokens_details else 0) or 0
    reasoning = min(max(thought, 0), outputs)
    inputs = fresh + written + cached
    return Usage(inputs, cached, outputs, reasoning, cache_write_tokens=written or msgspec.UNSET)
