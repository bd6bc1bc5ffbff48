"""What a tool may give besides a value: files, as they were kept in the chat. No Django."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class Attached:
    """A file that came of a call, as an attachment of its chat."""

    id: str
    type: Literal["image"] = "image"
    name: str = ""
    media_type: str = ""
    bytes: int = 0
    width: int = 0  # pixels
    height: int = 0

    def __post_init__(self) -> None:
        UUID(self.id)  # a tool that makes one up is told so here, and not by who stores it


@dataclass(frozen=True)
class ToolResult:
    """A value and the files that belong to it: kept before by `tools.giving`, in the same call."""

    value: Any  # JSON
    attachments: tuple[Attached, ...] = ()
