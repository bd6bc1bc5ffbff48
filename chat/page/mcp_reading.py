"""A foreign tool as somebody reads it before it is approved: what its server says of it, as plain text. Pure.

All of it is a stranger's: nothing is rendered, what cannot be seen is written out, and the template escapes it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from chat.page.mcp_words import CLAIMS, PARTS
from tools.hidden import on_one_line, visible
from tools.mcp.approving import Change, changes_of
from tools.models import McpTool

LONG_CHARS = 800  # what is longer is folded
NEAR_CHARS = 160  # of what is the same, that stands beside what is not


@dataclass(frozen=True)
class Side:
    """A text of which only the middle is not as on the other side."""

    before: str
    other: str
    after: str


@dataclass(frozen=True)
class Difference:
    """One thing that a tool says of itself, as it was approved and as it is."""

    part: str
    was: Side
    now: Side


@dataclass(frozen=True)
class Argument:
    """One argument, as the schema has it."""

    name: str
    kind: str
    is_needed: bool
    says: str


@dataclass(frozen=True)
class Claim:
    """One thing that a server claims of its tool."""

    hint: str
    says: str


@dataclass(frozen=True)
class Text:
    """A stranger's text."""

    text: str

    @property
    def is_long(self) -> bool:
        """Whether it is folded."""
        return len(self.text) > LONG_CHARS


def title_of(tool: McpTool) -> str:
    """What its server calls it, on one line."""
    return on_one_line(tool.title or tool.name)


def description_of(tool: McpTool) -> Text:
    """What models are told that it does."""
    return Text(visible(tool.description))


def schema_of(tool: McpTool) -> Text:
    """The whole schema of its arguments, as JSON."""
    return Text(visible(_json(tool.schema)))


def arguments_of(tool: McpTool) -> list[Argument]:
    """Its arguments at the uppermost level, those first that it needs."""
    schemas, needed = tool.schema.get("properties"), tool.schema.get("required")
    if not isinstance(schemas, dict):
        return []
    names = set(map(str, needed)) if isinstance(needed, list) else set()
    found = [_argument(name, each, name in names) for name, each in schemas.items()]
    return sorted(found, key=lambda each: not each.is_needed)


def _argument(name: str, schema: Any, is_needed: bool) -> Argument:
    known = schema if isinstance(schema, dict) else {}
    says = known.get("description")
    return Argument(on_one_line(name), _kind(known), is_needed, visible(says) if isinstance(says, str) else "")


def _kind(schema: dict[str, Any]) -> str:
    """What is taken, in the words of JSON schema: its type, or each value that it may be."""
    values = schema.get("enum")
    if isinstance(values, list):
        return on_one_line(" | ".join(_json(each) for each in values))
    kinds = schema.get("type")
    return on_one_line(" | ".join(map(str, kinds)) if isinstance(kinds, list) else str(kinds or ""))


def claims_of(tool: McpTool) -> list[Claim]:
    """What its server claims of it."""
    known = {hint: value for hint, value in tool.annotations.items() if (hint, value) in CLAIMS}
    return [Claim(hint, str(CLAIMS[hint, value])) for hint, value in sorted(known.items())]


def differences_of(tool: McpTool) -> Iterator[Difference]:
    """What it says of itself and did not say when it was approved; nothing of one that never was."""
    if tool.approved:
        yield from map(_difference, changes_of(tool))


def _difference(change: Change) -> Difference:
    head = _alike(change.before, change.after)
    was, now = change.before[head:], change.after[head:]
    tail = _alike(was[::-1], now[::-1])
    return Difference(
        str(PARTS.get(change.field, change.field)), _side(change.before, head, tail), _side(change.after, head, tail)
    )


def _alike(one: str, other: str) -> int:
    """With how many same characters both begin."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _side(text: str, head: int, tail: int) -> Side:
    end = len(text) - tail
    before = f"…{text[head - NEAR_CHARS : head]}" if head > NEAR_CHARS else text[:head]
    after = f"{text[end : end + NEAR_CHARS]}…" if tail > NEAR_CHARS else text[end:]
    return Side(before, text[head:end], after)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2 if isinstance(value, dict) else None, ensure_ascii=False)
