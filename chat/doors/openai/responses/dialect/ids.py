"""Ids on the wire of the Responses API: a prefix and a UUID, made and read here.

A response is a run (`resp_`), a conversation a chat (`conv_`), an item a piece of a message: `msg_` its first text,
`msg_..._1` the next one, and so `rs_` reasoning, `fc_` calls of the client's tools, `fco_` their outputs.
"""

import re
from dataclasses import dataclass
from uuid import UUID

RESPONSE, CONVERSATION, COMPACTION, PROJECT = "resp_", "conv_", "cmp_", "proj_"
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ITEM = re.compile(rf"(msg|rs|fc|fco)_({_UUID})(?:_([0-9]{{1,4}}))?", re.ASCII)


@dataclass(frozen=True)
class ItemId:
    """Which piece of which message."""

    kind: str
    message: UUID
    number: int

    def __str__(self) -> str:
        return item_id(self.kind, self.message, self.number)


def item_id(kind: str, message: UUID | str, number: int = 0) -> str:
    """The id of a message's n-th piece of that kind."""
    return f"{kind}_{message}" + (f"_{number}" if number else "")


def read_item_id(text: str) -> ItemId | None:
    """What an item's id says; None where it is none of ours."""
    match = _ITEM.fullmatch(text)
    return ItemId(match[1], UUID(match[2]), int(match[3] or 0)) if match else None


def read_id(text: str, prefix: str) -> UUID | None:
    """The UUID of an id with that prefix, or of a bare UUID; None where it is neither."""
    bare = text.removeprefix(prefix)
    return UUID(bare) if re.fullmatch(_UUID, bare, re.ASCII) else None
