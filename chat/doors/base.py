"""What a dialect is: one wire format. It reads a request and writes events; it does no I/O and knows no clock."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from uuid import UUID

from accounts.errors import Invalid
from agents.events import AnyEvent
from agents.options import RunOptions

IfBusy = Literal["enqueue", "reject", "interrupt"]
IF_BUSY: tuple[IfBusy, ...] = ("enqueue", "reject", "interrupt")


@dataclass(frozen=True)
class Item:
    """One message of a request. A tool's has one part, `{"type": "tool_result", "call", "name", "result"}`."""

    role: Literal["user", "assistant", "system", "tool"]
    content: Any = ""
    attachments: Any = ()
    parts: tuple[dict[str, Any], ...] = ()  # an assistant's tool calls, or a tool's result, as in chat.projection


@dataclass(frozen=True)
class RunRequest:
    """What a door asks the engine to do: answer this, with these choices for this one run.

    Values are as they came; `chat.rules` says what they may be.
    """

    content: Any = ""
    attachments: Any = ()
    items: tuple[Item, ...] = ()  # instead of content: several messages, the last of them to be answered
    parent: UUID | Literal["leaf"] | None = "leaf"  # the message it follows; None: the beginning of the chat
    model: Any = None  # None: the chat's
    temperature: Any = None
    archetype: Any = None
    if_busy: Any = "enqueue"  # an IfBusy: what to do while another run of the chat is open
    door: str = "native"
    options: RunOptions = field(default_factory=RunOptions)
    request: dict[str, Any] = field(default_factory=dict)  # what the door's encoder must say back


@dataclass(frozen=True)
class RunInfo:
    """What an encoder may know of its run besides its events."""

    run: str  # ids
    chat: str
    message: str  # the answer's
    input: str  # the id of the message that is answered
    created_at: float  # seconds since 1970
    request: dict[str, Any] = field(default_factory=dict)  # what the door stored of the request


def known_only(body: dict[str, Any], fields: Sequence[str]) -> None:
    """Raise Invalid, naming each of them, if the body has other fields than these."""
    if unknown := sorted(set(body) - set(fields)):
        expected = f"Unknown field. Expected: {', '.join(fields)}."
        raise Invalid(f"{unknown[0]}: {expected}", fields=dict.fromkeys(unknown, (expected,)))


class Encoder(Protocol):
    """Writes one run's events as frames. A frame is bytes that are sent whole."""

    is_over: bool  # it has said its end, though the run may go on: nothing more is for this reader

    def open(self) -> list[bytes]:
        """Frames before the first event of a connection."""
        ...

    def encode(self, attempt: int, seq: int, event: AnyEvent) -> list[bytes]:
        """The event's frames, the n-th of which a cursor names `.n`; none where the dialect has no word for it."""
        ...

    def reset(self) -> list[bytes]:
        """What is said to a reader whose cursor is unknown, before the whole log follows."""
        ...

    def let_go(self) -> list[bytes]:
        """Frames for a reader who must come back: this process is going, or their access has ended."""
        ...
