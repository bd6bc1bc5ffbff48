"""The bytes of a chat completions stream, read into pieces.

Bytes are split once per network read and each `data:` line is decoded by itself: line by line reading and the SDK's own
chunk objects are what costs most on this path (docs/decisions/0010-the-provider-reads-bytes.md).
"""

from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from agents.errors import ProviderError
from agents.providers import errors as provider_errors
from agents.providers.base import CallPiece, Finish, Piece, ReasoningPiece, StatePiece, TextPiece, UsageReport
from agents.providers.counting import MOST_TOKENS, input_of
from agents.providers.openai.calls import Calls
from agents.providers.openai.chunks import Choice, Chunk, Delta, InputDetails, Tokens, ToolCall, decode
from agents.providers.openai.state import Collected
from agents.providers.sse import BODY, Events, Lines
from agents.usage import Usage

# Each word that servers were seen to end with, in lower case. An unknown one is "other": surely not "stop".
_REASONS = {
    "stop": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",  # Mistral
    "model_context_window_exceeded": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",  # Z.ai
    "safety": "content_filter",
    "refusal": "content_filter",
}
_NO_REASONS = ("", "null", "none")  # as texts, from servers whose language has no null
# Not an end but a failure: OpenRouter, vLLM, DeepSeek, Z.ai.
_FAILURES = {
    "error": "upstream_error",
    "abort": "upstream_incomplete",
    "insufficient_system_resource": "upstream_unavailable",
    "network_error": "upstream_interrupted",
}


class Reply:
    """Reads one reply. Feed it until `is_over`; `error` is set where the reply cannot be read on."""

    def __init__(self, *, max_event_bytes: int, max_argument_bytes: int, scrub: provider_errors.Scrub) -> None:
        self.is_over = False  # nothing more is to be fed
        self.is_done = False  # [DONE] was seen
        self.has_pieces = False
        self.skipped = 0  # chunks that were well formed nonsense
        self.error: ProviderError | None = None
        self._scrub = scrub
        self._argument_bytes_left = max_argument_bytes
        self._lines = Lines(max_event_bytes)
        self._events = Events(self._take, self._break, max_event_bytes)
        self._pieces: list[Piece] = []  # of the read under way
        self._usage: Usage | None = None
        self._calls = Calls()
        self._state = Collected()
        self._reason = ""  # ours, for the last finish reason
        self._told = ""  # that was handed on
        self._has_said = False  # text or a call came
        self._is_loose = False  # something was said with a finish reason or behind it: each chunk may have one here

    @property
    def is_finished(self) -> bool:
        """A finish reason was seen that is to be believed: the reply is whole, whatever its connection does.

        One that came by itself, behind text or a call. Beside text it may stand in each chunk, and more may follow.
        """
        return bool(self._reason) and self._has_said and not self._is_loose

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
        self._pieces, usage = pieces, self._usage
        read()
        if self._told and self._state.is_changed and self._calls.count:  # without calls nobody asks for it again
            self._tell_state()
        if self._usage is not None and self._usage != usage:
            pieces.append(UsageReport(self._usage))
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
        if data == b"[DONE]":
            self.is_done = self.is_over = True
            return True
        try:
            chunks = decode(data)
        except ProviderError:
            if name == "error":  # in words of its own
                self._fail(provider_errors.from_chunk(data.decode("utf-8", "replace"), self._scrub))
            return name == "error"
        try:
            for chunk in chunks:
                self._read_chunk(chunk, name)
        except ProviderError as error:
            self._fail(error)
        return True

    def _read_chunk(self, chunk: Chunk, name: str) -> None:
        if chunk.usage is not None:
            self._usage = _usage(chunk.usage) or self._usage
        error = chunk.as_error() if chunk.error or self._is_error(chunk, name) else None
        if chunk.choices:
            self._read_choice(chunk.choices[0], error)
        if error is not None:
            raise provider_errors.from_chunk(error, self._scrub)
        if chunk.choices is None and chunk.usage is None:
            self.skipped += 1  # nothing in it is of any use

    def _is_error(self, chunk: Chunk, name: str) -> bool:
        """Whether the chunk itself is an error object, without saying so by `error`."""
        if chunk.object == "error" or name == "error":
            return True
        if chunk.choices is not None or chunk.usage is not None:
            return False
        is_whole = name == BODY and not (self.has_pieces or self._pieces)
        return provider_errors.is_status(chunk.code) or (is_whole and bool(chunk.message or chunk.code or chunk.detail))

    def _read_choice(self, choice: Choice, error: Any) -> None:
        before = len(self._pieces)
        if choice.usage is not None:
            self._usage = _usage(choice.usage) or self._usage
        delta = choice.delta or (None if self.has_pieces or before else choice.message)
        if delta is not None:
            self._read_delta(delta)
        brought = len(self._pieces) > before
        if error or choice.error:
            raise provider_errors.from_chunk(error or choice.error, self._scrub)
        if choice.finish_reason and (reason := choice.finish_reason.strip().lower()) not in _NO_REASONS:
            self._end_by(reason)
        elif choice.delta is None and choice.message is None:
            self.skipped += 1
        if self._reason:
            self._is_loose = self._is_loose or brought
            self._tell_reason()

    def _end_by(self, reason: str) -> None:
        if reason in _FAILURES:
            raise ProviderError(_FAILURES[reason], retryable=True, detail={"code": reason})
        self._reason = _REASONS.get(reason, "other")

    def _read_delta(self, delta: Delta) -> None:
        pieces = self._pieces
        reasoning = delta.reasoning_content or delta.reasoning  # some servers send both: the same text twice
        if reasoning:
            pieces.append(ReasoningPiece(reasoning))
            self._state.think("reasoning_content" if delta.reasoning_content else "reasoning", reasoning)
        if delta.reasoning_details is not None:
            self._state.detail(delta.reasoning_details)
        for text in (delta.content, delta.refusal):
            if text:
                self._has_said = True
                pieces.append(TextPiece(text))
        for call in delta.tool_calls or ():
            self._has_said = True
            pieces.append(self._call(call))

    def _call(self, call: ToolCall) -> CallPiece:
        piece = self._calls.piece(call)
        if call.extra_content is not None:
            self._state.call(piece.index, call.extra_content)
        self._argument_bytes_left -= len(piece.arguments)
        if self._argument_bytes_left < 0:
            raise ProviderError("upstream_malformed", "The model provider sent tool arguments that are too long.")
        return piece

    def _tell_reason(self) -> None:
        """Hand on why it ends, as far as is known, where that is news: the last one counts."""
        reason = self._reason
        if reason == "tool_calls" and not self._calls.count:
            reason = "stop"  # our doors read it as: the client must act
        elif reason in ("stop", "other") and self._calls.count:
            # Some servers say "stop" behind tool calls. Behind an unknown word they may be cut.
            reason = "tool_calls" if reason == "stop" or self._calls.are_whole else reason
        if reason != self._told:
            self._told = reason
            self._pieces.append(Finish(reason))

    def _tell_state(self) -> None:
        """Hand on what the server wants back, in front of why it ends."""
        at = next((n for n, each in enumerate(self._pieces) if isinstance(each, Finish)), len(self._pieces))
        self._pieces.insert(at, StatePiece(self._state.items()))

    def _fail(self, error: ProviderError) -> None:
        self.error = self.error or error
        self.is_over = True


def _usage(tokens: Tokens) -> Usage | None:
    inputs, outputs = tokens.prompt_tokens, tokens.completion_tokens
    if inputs is None or outputs is None or not (0 <= inputs <= MOST_TOKENS and 0 <= outputs <= MOST_TOKENS):
        return None
    told = tokens.prompt_tokens_details or InputDetails()
    read = told.cached_tokens or tokens.cached_tokens or tokens.prompt_cache_hit_tokens
    inputs, cached, written = input_of(inputs, read, told.cache_write_tokens)
    if tokens.total_tokens is not None and tokens.total_tokens <= MOST_TOKENS:
        outputs = max(outputs, tokens.total_tokens - inputs)  # reasoning is counted beside them: xAI, Gemini
    reasoning = tokens.completion_tokens_details.reasoning_tokens if tokens.completion_tokens_details else 0
    return Usage(
        inputs,
        cached,
        outputs,
        _within(reasoning, outputs),
        cache_write_tokens=written or UNSET,  # no zero: older processes cannot load it
    )


def _within(part: int | None, whole: int) -> int:
    return min(max(part or 0, 0), whole)
