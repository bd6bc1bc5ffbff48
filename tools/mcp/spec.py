"""What is asked of a server and what comes back, as values. No Django, and nothing of the SDK."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tools.forms import Form


@dataclass(frozen=True)
class ServerSpec:
    """One server, and for whom it is asked."""

    id: UUID
    url: str
    token: str | None = field(default=None, repr=False)  # sent as `Authorization: Bearer`
    protocol: str | None = None  # what `discover` found: asked so, without finding out again
    discovered: dict[str, Any] | None = field(default=None, repr=False)  # what `discover` kept, the same way
    principal: str = ""  # whose connection it is: connections are not shared between principals
    project: UUID | None = None  # that has only its share of all connections


@dataclass(frozen=True)
class FoundTool:
    """A tool as its server describes it, within our bounds. All of it is a claim."""

    name: str
    title: str  # "" where the server gives none
    description: str
    schema: dict[str, Any]  # of the arguments: checked, an object, without a foreign $ref and without patterns
    annotations: dict[str, Any]  # as they are written: readOnlyHint, destructiveHint, ...


@dataclass(frozen=True)
class Found:
    """What a server has."""

    protocol: str
    tools: tuple[FoundTool, ...]
    discovered: dict[str, Any] | None  # to keep beside the protocol; None for a server of an older protocol
    truncated: str  # a sentence for a person about what was left out or cut; "" where nothing was


@dataclass(frozen=True)
class CalledImage:
    """A picture of a result, looked at."""

    kind: str  # one of tools.pictures.TAKEN
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class NeedsInput:
    """A call that wants to be made again with answers."""

    asked: tuple[Form, ...]
    state: str | None  # handed back with the answers, as it is
    can_answer: bool  # False: a server of an older protocol, which was told that nobody answers


@dataclass(frozen=True)
class Called:
    """What a call came to."""

    text: str
    images: tuple[CalledImage, ...] = ()
    is_error: bool = False  # the tool itself says that it failed; the text says how
    needs_input: NeedsInput | None = None
