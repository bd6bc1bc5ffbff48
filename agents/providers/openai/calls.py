"""The pieces of tool calls, numbered: which call each belongs to, whatever the server says of that.

Seen: gaps in the indexes, no index at all with each call whole (Gemini, Ollama), one index for several calls that
differ in id (Gemini, Ollama), an id that changes from piece to piece of one call (vLLM), the name in each piece
(llama.cpp, NIM) or in two (Gemini), the name at one index and the arguments at another (Bedrock).
"""

import json
from dataclasses import dataclass, field

from agents.providers.base import CallPiece
from agents.providers.openai.chunks import ToolCall


@dataclass(eq=False)
class _Call:
    """A call, as far as it has come."""

    number: int  # ours: 0, 1, 2 ...
    index: int | None  # the server's
    ids: set[str] = field(default_factory=set)
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    last: str = ""  # of its arguments, the last piece that shows anything

    @property
    def has_arguments(self) -> bool:
        return any(self.arguments)

    @property
    def is_whole(self) -> bool:
        """Its arguments are a JSON object. They are parsed where they may be: all of them, for each piece, is much."""
        if not self.last.endswith("}"):
            return False
        try:
            return isinstance(json.loads("".join(self.arguments)), dict)
        except (ValueError, RecursionError):
            return False


class Calls:
    """Numbers the calls of one reply.

    A piece belongs to the call of its index, else of its id, else to the last. It opens a new one where it has a name
    and its id is new, or its index, or where the call it would belong to is whole and it brings arguments or another
    name. A name that is held is a repetition; another one, before any arguments, is the next part of it.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._calls)

    @property
    def are_whole(self) -> bool:
        """Each has a JSON object for its arguments."""
        return all(each.is_whole for each in self._calls)

    def piece(self, part: ToolCall) -> CallPiece:
        """The next piece."""
        name = (part.function.name if part.function else "") or ""
        arguments = (part.function.arguments if part.function else "") or ""
        call = self._belongs_to(part, name)
        if call is None or (name and call.name and self._is_another(call, part.id or "", name, arguments)):
            call = self._open(part.index)
        if part.id:
            call.ids.add(part.id)
        told = "" if name == call.name or (call.name and call.has_arguments) else name
        call.name += told
        call.arguments.append(arguments)
        call.last = arguments.rstrip() or call.last
        return CallPiece(call.number, told, arguments)

    def _belongs_to(self, part: ToolCall, name: str) -> _Call | None:
        same_id = [each for each in self._calls if part.id and part.id in each.ids]
        if part.index is not None:
            same_index = [each for each in self._calls if each.index == part.index]
            if same_index:
                return next((each for each in reversed(same_index) if each in same_id), same_index[-1])
            if name and not same_id:
                return None
        found = same_id or self._calls
        return found[-1] if found else None

    def _is_another(self, call: _Call, id: str, name: str, arguments: str) -> bool:
        if id and not any(id in each.ids for each in self._calls):
            return True
        if id in call.ids and name == call.name:  # said again: what comes twice is taken once later
            return False
        return bool(arguments or name != call.name) and call.is_whole

    def _open(self, index: int | None) -> _Call:
        self._calls.append(_Call(len(self._calls), index))
        return self._calls[-1]
