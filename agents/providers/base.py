"""What a provider is: a vendor's stream in, neutral pieces out."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

import msgspec

from agents.messages import Message, ToolSpec
from agents.options import OutputFormat
from agents.usage import Usage


class ProviderRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """One turn's question to the model."""

    model: str
    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    temperature: float | None = None
    max_output_tokens: int | None = None
    output_limit: int | None = (
        None  # the most that the model can say; None: nobody knows. For servers that want a number
    )
    user: str = ""  # opaque id of the person, for the provider's abuse reports
    tool_choice: str = "auto"  # auto, required, or the name of the tool to call
    has_client_tools: bool = False  # some of the tools are the client's own: it runs them
    chat: str = ""  # opaque id of the conversation, for the provider's cache of prompts
    effort: str = ""  # how much the model is to reason: one of agents.options.EFFORTS; empty: as it does by itself
    output: OutputFormat | None = None  # the answer is to be JSON of this form
    extra: dict[str, Any] = {}  # further fields of chat completions; others send what they have a word for
    on_sent: Callable[[bytes], None] | None = None  # told each body that goes out for it, as it goes

    def sent(self, body: bytes) -> bytes:
        """The body, which is about to go out: whoever wants to know what was sent is told."""
        if self.on_sent is not None:
            self.on_sent(body)
        return body

    def asked(self) -> None:
        """The same for a provider that sends no bytes: the question is told, without what nobody has chosen."""
        if self.on_sent is not None:
            self.on_sent(_as_json(msgspec.structs.replace(self, on_sent=None)))


def _as_json(request: ProviderRequest) -> bytes:
    """As JSON. Lone surrogates, which UTF-8 cannot carry, become question marks."""
    try:
        return msgspec.json.encode(request)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(request), ensure_ascii=False).encode("utf-8", "replace")


class TextPiece(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The next piece of text."""

    text: str


class ReasoningPiece(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The next piece of reasoning."""

    text: str


class CallPiece(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A piece of a tool call; pieces of one call share `index`. Name comes whole, arguments in parts."""

    index: int
    name: str = ""
    arguments: str = ""


class Finish(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The provider said why it stopped: stop, length, tool_calls or content_filter."""

    reason: str


class StatePiece(msgspec.Struct, frozen=True, tag=True):
    """What the provider wants to see again with this reply: once, before or with Finish."""

    items: tuple[str, ...]  # JSON texts, as they came


class LeftOut(msgspec.Struct, frozen=True, tag=True):
    """What somebody chose and the server would not take, so that it was not told of it: once, in front of the rest."""

    names: tuple[str, ...]  # temperature, tools, tool_choice, effort, output, or a field of the request's `extra`


class UsageReport(msgspec.Struct, frozen=True, tag=True):
    """The provider said what it counted."""

    usage: Usage


Piece = TextPiece | ReasoningPiece | CallPiece | Finish | StatePiece | LeftOut | UsageReport


class Question(msgspec.Struct, frozen=True):
    """What a provider would send, so that whoever keeps its answers knows the same one again."""

    address: str  # where, and with which headers of whoever runs this: it may hold secrets, and is only hashed
    body: bytes  # the very bytes, but for the ids of person and chat


class Provider(Protocol):
    """Serves a model. Closing the iterator closes the connection to the vendor."""

    name: str

    @property
    def maker(self) -> str:
        """Whose vendor state it makes and takes: the same for every process that asks the same server."""
        ...

    def stream(self, request: ProviderRequest) -> AsyncIterator[list[Piece]]:
        """Yield what each network read brought, in order, until the vendor's stream ends.

        Raises ProviderError. It does not retry: the loop does. An end without a Finish is for the loop to judge.
        """
        ...

    async def close(self) -> None:
        """Let go of pooled connections."""
        ...
