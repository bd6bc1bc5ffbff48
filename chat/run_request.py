"""What a door asks the engine to do: the one word that dialects and services share. Pure."""

from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from agents.options import RunOptions

IfBusy = Literal["enqueue", "reject", "interrupt"]


IF_BUSY: tuple[IfBusy, ...] = ("enqueue", "reject", "interrupt")


@dataclass(frozen=True)
class Item:
    """One message of a request. A tool's has one part, `{"type": "tool_result", "call", "name", "result"}`."""

    role: Literal["user", "assistant", "system", "tool"]
    content: Any = ""
    attachments: Any = ()
    parts: tuple[
        dict[str, Any], ...
    ] = ()  # an assistant's tool calls, or a tool's result, as in chat.eventlog.projection
    level: int = 0  # of the chat that it comes from, where it was looked up in one


@dataclass(frozen=True)
class RunRequest:
    """What a door asks the engine to do: answer this, with these choices for this one run.

    Values are as they came; `chat.services.rules` says what they may be.
    """

    content: Any = ""
    attachments: Any = ()
    items: tuple[Item, ...] = ()  # instead of content: several messages, the last of them to be answered
    parent: UUID | Literal["leaf"] | None = "leaf"  # the message it follows; None: the beginning of the chat
    model: Any = None  # None: the chat's
    temperature: Any = None
    effort: Any = None
    archetype: Any = None
    if_busy: Any = "enqueue"  # an IfBusy: what to do while another run of the chat is open
    door: str = "native"
    options: RunOptions = field(default_factory=RunOptions)
    request: dict[str, Any] = field(default_factory=dict)  # what the door's encoder must say back
