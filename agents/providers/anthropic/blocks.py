"""The content blocks of a reply, and what of them is its vendor state. Pure.

A turn goes back in the order in which it came, as each thinking block is signed with what stood before it. Thoughts are
kept as they came; of texts and calls, which the conversation has, only what it does not know:

    {"type": "thinking", "thinking": "...", "signature": "..."}    as it came
    {"type": "text", "chars": 12}                                  so much of the message's text stood here
    {"type": "tool_use", "id": "toolu_..."}                        its next call, by the vendor's id
"""

import json
from typing import Any

import msgspec

from agents.providers.base import CallPiece, Piece, ReasoningPiece, TextPiece

THOUGHTS = ("thinking", "redacted_thinking")


class Block:
    """One block, as far as it has come."""

    def __init__(self, begin: dict[str, Any], call: int) -> None:
        self.begin = begin
        self.kind = begin.get("type")
        self.call = call  # its number among the calls, where it is one
        self.chars = 0
        self.thoughts: list[str] = []
        self.signature = ""
        self.is_told = False  # arguments came in deltas
        self.is_whole = False

    def begun(self) -> list[Piece]:
        """What its first event already says. Servers that are only compatible say more there than an empty text."""
        match self.begin:
            case {"type": "tool_use"}:
                return [CallPiece(self.call, _str(self.begin.get("name")))]
            case {"type": "text", "text": str(text)} if text:
                self.chars += len(text)
                return [TextPiece(text)]
            case {"type": "thinking", "thinking": str(text)} if text:
                self.thoughts.append(text)
                return [ReasoningPiece(text)]
        return []

    def ended(self) -> list[Piece]:
        """The arguments of a call that came with its first event, or none at all."""
        if self.is_whole:
            return []
        self.is_whole = True
        if self.kind != "tool_use" or self.is_told:
            return []
        given = self.begin.get("input")
        return [CallPiece(self.call, "", json.dumps(given, ensure_ascii=False) if isinstance(given, dict) else "{}")]

    def item(self) -> dict[str, Any] | None:
        """What is kept of it."""
        match self.kind:
            case "redacted_thinking":
                return self.begin
            case "thinking":
                signed = {**self.begin, **({"signature": self.signature} if self.signature else {})}
                # Some servers sign nothing; what should have been signed and was not would be refused.
                return {**signed, "thinking": "".join(self.thoughts)} if signed.get("signature", "-") else None
            case "text" if self.chars:
                return {"type": "text", "chars": self.chars}
            case "tool_use":
                return {"type": "tool_use", "id": _str(self.begin.get("id"))}
        return None


def state_of(blocks: list[Block]) -> tuple[str, ...]:
    """What the provider wants back with the reply: nothing, where it neither thought nor called."""
    items = [item for each in blocks if (item := each.item()) is not None]
    if all(item["type"] == "text" for item in items):
        return ()
    return tuple(_text(item) for item in items)


def _text(item: dict[str, Any]) -> str:
    try:
        return msgspec.json.encode(item).decode()
    except UnicodeEncodeError:  # a lone surrogate, which was not sent as bytes either
        return json.dumps(item)


def _str(value: Any) -> str:
    return value if isinstance(value, str) else ""
