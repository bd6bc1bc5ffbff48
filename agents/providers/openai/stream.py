"""The bytes of a chat completions stream, read into pieces.

Bytes are split once per network read and each `data:` line is decoded by itself: line by line reading and the SDK's own
chunk objects are what costs most on this path (docs/decisions/0010-the-provider-reads-bytes.md).
"""

from agents.errors import ProviderError
from agents.providers.base import CallPiece, Finish, Piece, ReasoningPiece, TextPiece, UsageReport
from agents.providers.openai import errors as openai_errors
from agents.providers.openai.chunks import Choice, Chunk, Delta, Tokens, ToolCall, decode
from agents.usage import Usage

# Other words that compatible servers use; an unknown one counts as "stop".
_REASONS = {
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
# Not an end but a failure: OpenRouter, vLLM, DeepSeek.
_FAILURES = {
    "error": "upstream_error",
    "abort": "upstream_incomplete",
    "insufficient_system_resource": "upstream_unavailable",
}
_MAX_TOKENS = 10**12  # a count beyond this is nonsense


class Reply:
    """Reads one reply. Feed it until `is_over`; `error` is set where the reply cannot be read on."""

    def __init__(self, *, max_line_bytes: int, max_argument_bytes: int) -> None:
        self.is_over = False  # nothing more is to be fed
        self.is_done = False  # [DONE] was seen
        self.is_finished = False  # a finish reason was seen: the reply is whole
        self.has_pieces = False
        self.skipped = 0  # chunks that were well formed nonsense
        self.error: ProviderError | None = None
        self._max_line_bytes = max_line_bytes
        self._argument_bytes_left = max_argument_bytes
        self._rest = bytearray()  # the line that has not ended yet
        self._usage: Usage | None = None
        self._calls = _Calls()

    def feed(self, data: bytes) -> list[Piece]:
        """What these bytes brought. Pieces that came before an error are still given."""
        pieces = self._read(self._whole_lines(data))
        if len(self._rest) > self._max_line_bytes:
            self._fail(ProviderError("upstream_malformed", "The model provider sent a line that is too long."))
        return pieces

    def _whole_lines(self, data: bytes) -> list[bytes]:
        """The lines that these bytes end; what follows them is kept."""
        if not self._rest and data.endswith(b"\n"):  # most reads bring whole lines
            return data.split(b"\n")
        self._rest += data
        if b"\n" not in data:
            return []
        *lines, rest = bytes(self._rest).split(b"\n")
        self._rest = bytearray(rest)
        return lines

    def end(self) -> list[Piece]:
        """What an unended last line still holds. If it was cut in the middle, it is dropped."""
        last = bytes(self._rest)
        self._rest.clear()
        self.is_over = True
        return self._read([last]) if _is_whole(last) else []

    def read_whole(self, body: bytes) -> list[Piece]:
        """The pieces of a reply that came as one JSON document, from a server that does not stream."""
        self.is_over = True
        return self._read([b"data:" + body])

    def _read(self, lines: list[bytes]) -> list[Piece]:
        pieces: list[Piece] = []
        usage = self._usage
        for line in lines:
            if self.is_done or self.error is not None:  # bytes behind either are not read
                break
            if line.startswith(b"data:"):
                self._read_data(line[5:].strip(), pieces)
        if self._usage is not None and self._usage != usage:
            pieces.append(UsageReport(self._usage))
        if pieces:
            self.has_pieces = True
        return pieces

    def _read_data(self, data: bytes, pieces: list[Piece]) -> None:
        if data == b"[DONE]":
            self.is_done = self.is_over = True
            return
        try:
            self._read_chunk(decode(data), pieces)
        except ProviderError as error:
            if not self.is_finished:  # behind the finish reason only the usage matters
                self._fail(error)

    def _read_chunk(self, chunk: Chunk, pieces: list[Piece]) -> None:
        if chunk.error or chunk.object == "error":
            raise openai_errors.from_chunk(chunk.error or {"code": chunk.code})
        if chunk.choices is None and chunk.usage is None:
            self.skipped += 1  # nothing in it is of any use
        if chunk.usage is not None:
            self._usage = _usage(chunk.usage) or self._usage
        if chunk.choices and not self.is_finished:
            self._read_choice(chunk.choices[0], pieces)

    def _read_choice(self, choice: Choice, pieces: list[Piece]) -> None:
        delta = choice.delta or choice.message
        if delta is not None:
            self._read_delta(delta, pieces)
        if choice.finish_reason:
            pieces.append(self._finish(choice.finish_reason))
        elif delta is None:
            self.skipped += 1

    def _read_delta(self, delta: Delta, pieces: list[Piece]) -> None:
        reasoning = delta.reasoning_content or delta.reasoning  # some servers send both: the same text twice
        if reasoning:
            pieces.append(ReasoningPiece(reasoning))
        text = delta.content or delta.refusal
        if text:
            pieces.append(TextPiece(text))
        for call in delta.tool_calls or ():
            pieces.append(self._call(call))

    def _call(self, call: ToolCall) -> CallPiece:
        piece = self._calls.piece(call)
        self._argument_bytes_left -= len(piece.arguments)
        if self._argument_bytes_left < 0:
            raise ProviderError("upstream_malformed", "The model provider sent tool arguments that are too long.")
        return piece

    def _finish(self, reason: str) -> Finish:
        if reason in _FAILURES:
            raise ProviderError(_FAILURES[reason], retryable=True)
        self.is_finished = True
        ours = _REASONS.get(reason, "stop")
        # Some servers say "stop" after tool calls.
        return Finish("tool_calls" if ours == "stop" and self._calls.count else ours)

    def _fail(self, error: ProviderError) -> None:
        self._rest.clear()
        self.error = self.error or error
        self.is_over = True


class _Calls:
    """Numbers the tool calls of a reply 0, 1, 2 ... whatever the server's own indexes are.

    Seen: gaps, no index at all with each call whole (Gemini), one index for several calls that differ in id (Gemini),
    and an id that changes from piece to piece of one call (vLLM): so a new call needs a new id and a name.
    """

    def __init__(self) -> None:
        self.count = 0
        self._last = 0
        self._known: dict[int, tuple[str, int]] = {}  # the server's index: the id it came with, our number
        self._named: set[int] = set()

    def piece(self, call: ToolCall) -> CallPiece:
        name = (call.function.name if call.function else "") or ""
        arguments = (call.function.arguments if call.function else "") or ""
        number = self._last = self._number(call, name)
        if number in self._named:
            name = ""  # a name comes once, though some servers repeat it
        elif name:
            self._named.add(number)
        return CallPiece(number, name, arguments)

    def _number(self, call: ToolCall, name: str) -> int:
        if call.index is None:
            return self._new() if name or not self.count else self._last
        id, number = self._known.get(call.index, ("", -1))
        is_another = bool(name and call.id and id and call.id != id)
        if number < 0 or is_another:
            number = self._new()
            self._known[call.index] = (call.id or "", number)
        return number

    def _new(self) -> int:
        self.count += 1
        return self.count - 1


def _is_whole(line: bytes) -> bool:
    data = line[5:].strip()
    try:
        return data == b"[DONE]" or bool(decode(data))
    except ProviderError:
        return False


def _usage(tokens: Tokens) -> Usage | None:
    inputs, outputs = tokens.prompt_tokens, tokens.completion_tokens
    if inputs is None or outputs is None or not (0 <= inputs <= _MAX_TOKENS and 0 <= outputs <= _MAX_TOKENS):
        return None
    cached = tokens.prompt_tokens_details.cached_tokens if tokens.prompt_tokens_details else 0
    reasoning = tokens.completion_tokens_details.reasoning_tokens if tokens.completion_tokens_details else 0
    return Usage(inputs, _within(cached, inputs), outputs, _within(reasoning, outputs))


def _within(part: int | None, whole: int) -> int:
    return min(max(part or 0, 0), whole)
