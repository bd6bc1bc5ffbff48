"""A conversation as the model sees it: pure values, no Django."""

from typing import Any, Literal

import msgspec

from agents.events import Call


class Image(msgspec.Struct, frozen=True):
    """An image the model may look at."""

    url: str  # https: or data:
    name: str = ""
    origin: str = ""  # where it comes from, in words of whoever made the conversation: never sent


class UserMessage(msgspec.Struct, frozen=True):
    """What a person said; the texts of attached files are part of `text`."""

    text: str
    images: tuple[Image, ...] = ()


class SystemMessage(msgspec.Struct, frozen=True):
    """What a client tells the model in the middle of a conversation."""

    text: str


class AssistantMessage(msgspec.Struct, frozen=True):
    """What the model said in one turn, with the tool calls it asked for."""

    text: str
    calls: tuple[Call, ...] = ()


class ToolMessage(msgspec.Struct, frozen=True):
    """What a tool answered."""

    call: str  # id of the call
    name: str
    content: str  # JSON or text, as the model reads it
    is_error: bool = False


class ToolSpec(msgspec.Struct, frozen=True):
    """A tool as the model is told of it."""

    name: str
    description: str
    schema: dict[str, Any]  # JSON Schema of the arguments, an object


Message = UserMessage | SystemMessage | AssistantMessage | ToolMessage

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
