"""A conversation as the model sees it: pure values, no Django."""

from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from agents.events import Call
from agents.state import VendorState


class Image(msgspec.Struct, frozen=True):
    """An image the model may look at."""

    url: str  # https: or data:
    name: str = ""
    origin: str = ""  # where it comes from, in words of whoever made the conversation: never sent
    instead: str = ""  # what a model is told that cannot take it; empty: that there was one


class File(msgspec.Struct, frozen=True):
    """A document or a sound, whole."""

    url: str  # data: with base64
    media_type: str  # application/pdf, audio/wav or audio/mpeg: what its bytes are
    name: str = ""
    origin: str = ""  # as of an image
    instead: str = ""  # the same, of a document its text

    @property
    def kind(self) -> Literal["pdf", "audio"]:
        """The ability of a model that takes it."""
        return "audio" if self.media_type.startswith("audio/") else "pdf"

    @property
    def data(self) -> str:
        """Its bytes in base64."""
        return self.url.partition(",")[2]


def not_shown(attached: Image | File) -> str:
    """What a model is told of what it cannot take."""
    if attached.instead:
        return attached.instead
    kind = "image" if isinstance(attached, Image) else {"pdf": "file", "audio": "audio"}[attached.kind]
    return f"[{kind}: {attached.name or 'without a name'}, not shown to this model]"


class UserMessage(msgspec.Struct, frozen=True):
    """What a person said; the texts of attached files are part of `text`."""

    text: str
    images: tuple[Image, ...] = ()
    files: tuple[File, ...] = ()

    @property
    def attached(self) -> tuple[Image | File, ...]:
        """All that came with it and is no text."""
        return (*self.images, *self.files)


class SystemMessage(msgspec.Struct, frozen=True):
    """What a client tells the model in the middle of a conversation."""

    text: str


class AssistantMessage(msgspec.Struct, frozen=True):
    """What the model said in one turn, with the tool calls it asked for."""

    text: str
    calls: tuple[Call, ...] = ()
    state: VendorState | None = None  # what its provider wants back with it, while text and calls are as it said them


class ToolMessage(msgspec.Struct, frozen=True):
    """What a tool answered."""

    call: str  # id of the call
    name: str
    content: str  # JSON or text, as the model reads it
    is_error: bool = False
    images: tuple[Image, ...] = ()  # that came with it


class ToolSpec(msgspec.Struct, frozen=True):
    """A tool as the model is told of it."""

    name: str
    description: str
    schema: dict[str, Any]  # JSON Schema of the arguments, an object


Message = UserMessage | SystemMessage | AssistantMessage | ToolMessage

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


def has_state(message: Message) -> bool:
    """Whether it goes back to its vendor with something of the vendor's own."""
    return isinstance(message, AssistantMessage) and message.state is not None


def without_state(message: Message) -> Message:
    """The same message, with nothing of a vendor's own."""
    return replace(message, state=None) if isinstance(message, AssistantMessage) else message
