"""The file: JSON Lines, each line one of these. Version 1.

The header first, then the chat, people, messages by position, runs, their logs, tool calls and usage, files of the
branch; the end last, which says how many lines there are. A field that is not listed here is an error.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from agents.events import AnyEvent
from agents.usage import Usage

FORMAT = "parley-chat"
VERSION = 1

Time = Annotated[datetime, Meta(tz=True)]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Position = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Tokens = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Temperature = Annotated[float, Meta(ge=0.0, le=2.0)]
Text30 = Annotated[str, Meta(max_length=30)]
Text40 = Annotated[str, Meta(max_length=40)]
Text60 = Annotated[str, Meta(max_length=60)]
Text100 = Annotated[str, Meta(max_length=100)]
Currency = Annotated[str, Meta(max_length=10)]
Text200 = Annotated[str, Meta(max_length=200)]
Text300 = Annotated[str, Meta(max_length=300)]
Object = dict[str, Any]
Effort = Literal["", "none", "minimal", "low", "medium", "high", "xhigh", "max"]
Sureness = Literal["", "reported", "estimated", "unknown"]


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="line"):
    """What every line is."""


class Header(Line, frozen=True, kw_only=True, tag="header"):
    """What this file is, and who wrote it."""

    format: Literal["parley-chat"]
    version: Literal[1]
    parley: str  # the version that wrote it
    exported_at: Time


class ChatLine(Line, frozen=True, kw_only=True, tag="chat", omit_defaults=True):
    """The chat itself. Where it belongs, whom it is shared with and whose it is, the importing side says."""

    id: UUID
    title: Text200
    summary: str
    model: Text100
    temperature: Temperature | None
    effort: Effort = ""  # what earlier versions have written names none
    fallbacks: list[Text100] | None = None
    archetype: Text40
    branch: Text100
    metadata: Object
    status: Literal["active", "archived"]
    origin: Text30
    is_listed: bool
    character: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None
    level: Annotated[int, Meta(ge=0, le=3)] = 0  # how confidential what it holds is
    position: Count
    leaf: UUID | None
    input_tokens: Tokens
    cached_tokens: Tokens
    output_tokens: Tokens
    reasoning_tokens: Tokens
    created_at: Time
    updated_at: Time
    last_activity_at: Time


class PersonLine(Line, frozen=True, kw_only=True, tag="person"):
    """Somebody who wrote a message or asked for a run. Found again by the address."""

    id: UUID
    email: str
    name: str


class AliasLine(Line, frozen=True, kw_only=True, tag="alias"):
    """What the owner's client calls the chat at one door."""

    door: Text30
    external_id: Text200


class MessageLine(Line, frozen=True, kw_only=True, tag="message"):
    """A message. Its parent comes before it."""

    id: UUID
    parent: UUID | None
    position: Position
    role: Literal["user", "assistant", "system", "tool"]
    author: UUID | None
    content: str
    parts: list[Object]
    attachments: list[Object]
    status: Literal["completed", "cancelled", "failed", "deleted"]
    kind: Literal["text", "patch", "component", "command"]
    model: Text100
    usage: Usage | None
    error: Object | None
    created_at: Time
    updated_at: Time


class RunLine(Line, frozen=True, kw_only=True, tag="run"):
    """A run that is over."""

    id: UUID
    kind: Literal["answer"]
    status: Literal["succeeded", "failed", "cancelled"]
    user: UUID
    input: UUID
    message: UUID
    position: Position
    archetype: Text40
    model: Text100
    temperature: float | None
    door: Text30
    request: Object
    options: Object
    attempt: Count
    crashes: Count
    cancel_requested_at: Time | None
    end_reason: Text40
    error_code: Text40
    error_message: str
    turns: Count
    retries: Count
    input_tokens: Tokens
    cached_tokens: Tokens
    output_tokens: Tokens
    reasoning_tokens: Tokens
    usage_status: Sureness
    created_at: Time
    started_at: Time | None
    first_token_ms: Count | None
    ended_at: Time
    log_state: Literal["whole", "merged", "answer"]


class EventsLine(Line, frozen=True, kw_only=True, tag="events"):
    """A piece of a run's log."""

    run: UUID
    attempt: Count
    first_seq: Position
    last_seq: Position
    events: list[AnyEvent]
    created_at: Time


class ToolCallLine(Line, frozen=True, kw_only=True, tag="tool_call"):
    """A tool call of a run."""

    run: UUID
    call: Text60
    agent: Text300
    name: Text100
    arguments: Any
    status: Literal["called", "returned", "failed", "refused", "unknown", "deferred"]
    result: str
    elapsed_ms: Count | None
    called_at: Time
    ended_at: Time | None


class UsageLine(Line, frozen=True, kw_only=True, tag="usage"):
    """What one turn of a run used."""

    run: UUID
    user: UUID
    agent: Text300
    turn: Count
    attempt: Count
    model: Text100
    input_tokens: Tokens
    cached_tokens: Tokens
    output_tokens: Tokens
    reasoning_tokens: Tokens
    status: Sureness
    created_at: Time
    # What earlier versions have written says none of these: unknown.
    cache_write_tokens: Tokens = 0
    cost_nanos: Tokens | None = None
    currency: Currency = ""


class FileLine(Line, frozen=True, kw_only=True, tag="file"):
    """A file that the chat's branch changed."""

    path: str
    data: bytes | None  # base64; null: the branch removed it


class End(Line, frozen=True, kw_only=True, tag="end"):
    """The file is whole."""

    lines: Count  # this one included


AnyLine = (
    Header
    | ChatLine
    | PersonLine
    | AliasLine
    | MessageLine
    | RunLine
    | EventsLine
    | ToolCallLine
    | UsageLine
    | FileLine
    | End
)
