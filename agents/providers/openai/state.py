"""What servers of chat completions want to see again with a reply that asked for tools, gathered from its pieces.

`reasoning_content` (DeepSeek, Kimi: langchain-ai/langchain#37713), `reasoning_details` (OpenRouter; its pieces belong
together by type and index: agno-agi/agno#8794), `extra_content` of a call (Gemini's thought signatures:
langroid/langroid#969). It goes back by the name and in the place that it came by.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from agents.state import STATE_MAX_BYTES, VendorState

JOINED = ("text", "summary", "data")  # of the pieces of one detail
# What Gemini takes in place of a signature, on a call that it did not make: codedogQBY/ReadAny#448,
# https://ai.google.dev/gemini-api/docs/thought-signatures
SIGNATURE = "thought_signature"
UNSIGNED = "skip_thought_signature_validator"
GOOGLE_HOST = re.compile(r"(?:^|[.-])(?:generativelanguage|aiplatform)\.googleapis\.com$")
SIGNING_MODEL = re.compile(r"(?:^|/)gemini-(?:[3-9]|\d\d)")


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """A field of the message, or of one of its calls."""

    field: str
    value: msgspec.Raw
    call: int | None = None  # its number in the reply


class Collected:
    """What has come of one reply."""

    def __init__(self) -> None:
        self.is_changed = False  # since it was last asked for
        self._thoughts: dict[str, list[str]] = {}
        self._details: list[Any] = []
        self._detail_at: dict[tuple[int, str], dict[str, Any]] = {}  # of those with a number
        self._detail_chars = 0  # about
        self._calls: dict[int, Any] = {}

    def think(self, field: str, text: str) -> None:
        """The next piece of reasoning, by the name of its field."""
        self._thoughts.setdefault(field, []).append(text)
        self.is_changed = True

    def detail(self, pieces: Any) -> None:
        """Pieces of `reasoning_details`. Those of one number and type are one, of those without a number none are."""
        for each in pieces if isinstance(pieces, list) else ():
            if self._is_too_much:
                return
            place = _place(each)
            held = self._detail_at.get(place) if place else None
            if held is not None:
                self._detail_chars += _join(held, each)
            else:
                self._add(dict(each) if isinstance(each, dict) else each, place)
            self.is_changed = True

    @property
    def _is_too_much(self) -> bool:
        """More than is kept: what is left out in part would be refused, so all of it is."""
        return self._detail_chars > STATE_MAX_BYTES

    def _add(self, detail: Any, place: tuple[int, str] | None) -> None:
        self._details.append(detail)
        self._detail_chars += len(str(detail))
        if place:
            self._detail_at[place] = detail

    def call(self, number: int, extra: Any) -> None:
        """The `extra_content` of a call, all of it or more of it."""
        if isinstance(extra, dict) and extra:
            self._calls[number] = _merged(self._calls.get(number, {}), extra)
            self.is_changed = True

    def items(self) -> tuple[str, ...]:
        """All of it, as JSON texts."""
        self.is_changed = False
        return () if self._is_too_much else tuple(msgspec.json.encode(each).decode() for each in self._items())

    def _items(self) -> Iterator[Item]:
        if self._details:  # the same as `reasoning`, and more
            yield Item("reasoning_details", _raw(self._details))
        for field, texts in self._thoughts.items():
            if field != "reasoning" or not self._details:
                yield Item(field, _raw(_whole("".join(texts))))
        for number, extra in sorted(self._calls.items()):
            yield Item("extra_content", _raw(extra), number)


def items_of(state: VendorState | None) -> Iterator[Item]:
    """What is to be sent back with the message; what cannot be read is left out."""
    for each in state.items if state else ():
        try:
            yield msgspec.json.decode(each, type=Item)
        except msgspec.DecodeError:
            continue


def signer(host: str, model: str, states: Iterable[VendorState | None]) -> str:
    """Who signs the calls of this model: `google` or `vertex`, by what it gave in this conversation or by where it is.

    Empty where nobody is known to.
    """
    for item in (item for state in states for item in items_of(state) if item.field == "extra_content"):
        for name, value in msgspec.json.decode(item.value, type=dict[str, Any]).items():
            if isinstance(value, dict) and SIGNATURE in value:
                return name
    return "google" if GOOGLE_HOST.search(host) and SIGNING_MODEL.search(model) else ""


def unsigned(by: str) -> dict[str, Any]:
    """The `extra_content` of a call that another model made."""
    return {by: {SIGNATURE: UNSIGNED}}


def _place(piece: Any) -> tuple[int, str] | None:
    """The number and type of a detail, where it has a number."""
    index = piece.get("index") if isinstance(piece, dict) else None
    return (index, str(piece.get("type"))) if isinstance(index, int) else None


def _join(held: dict[str, Any], piece: dict[str, Any]) -> int:
    """Put a piece to the others; how much longer it is now, about."""
    before = _chars(held)
    for name, value in piece.items():
        if name in JOINED and isinstance(value, str) and isinstance(held.get(name), str):
            held[name] += value
        elif value is not None:
            held[name] = value
    return max(_chars(held) - before, 0)


def _chars(detail: dict[str, Any]) -> int:
    return sum(len(each) for each in detail.values() if isinstance(each, str))


def _merged(held: Any, more: Any) -> Any:
    if isinstance(held, dict) and isinstance(more, dict):
        return held | {name: _merged(held.get(name), value) for name, value in more.items()}
    return more


def _whole(text: str) -> str:
    """Halves of characters that came in two pieces are put together; a half that stays one is replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))
