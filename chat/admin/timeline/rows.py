"""One line of the timeline, and how its texts are put."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agents.usage import Usage
from chat.figures.words import count

SHOWN_CHARS = 20_000  # of one row's arguments, result or text

Kind = Literal[
    "run", "turn", "text", "reasoning", "tool", "wait", "retry", "reset", "agent", "silence", "end", "failed"
]


@dataclass
class Row:
    """One line of the timeline."""

    attempt: int
    kind: Kind
    first_seq: int
    last_seq: int
    start: float  # seconds since 1970
    what: str
    end: float | None = None  # None: it goes on, or is a moment
    is_moment: bool = False
    note: str | Callable[[], str] = ""  # what happened; put into words for a row that is shown
    agent: str = ""
    given: object = None  # what a tool or an agent was asked, as it is in the event
    returned: object = None  # what came back; of a block its text, where that is shown
    is_taken_back: bool = False
    deltas: int = 0  # of a block
    chars: int = 0
    turn: int = 0  # of a turn: its number
    sent: list[str] = field(default_factory=list)  # the same: the addresses of what was sent to the model
    first_token_s: float | None = None  # the same: after its start
    left: int = 0  # of its bar
    width: int = 0
    at: str = ""  # after the run's first event
    took: str = ""

    @property
    def seqs(self) -> str:
        """The numbers of its first and last event."""
        return str(self.first_seq) if self.first_seq == self.last_seq else f"{self.first_seq}–{self.last_seq}"

    @cached_property
    def detail(self) -> str:
        """What happened, in words."""
        if not self.deltas:
            return self.note if isinstance(self.note, str) else self.note()
        deltas = ngettext("%(count)s delta", "%(count)s deltas", self.deltas) % {"count": count(self.deltas)}
        chars = ngettext("%(count)s character", "%(count)s characters", self.chars) % {"count": count(self.chars)}
        return f"{deltas}, {chars}"

    @cached_property
    def arguments(self) -> str:
        """What was asked, as a person reads it."""
        return as_text(self.given)

    @cached_property
    def result(self) -> str:
        """What came back, as a person reads it."""
        return as_text(self.returned)


def used(usage: Usage) -> str:
    """Tokens in words."""
    said = _("%(input)s in (%(cached)s cached), %(output)s out") % {
        "input": count(usage.input_tokens), "cached": count(usage.cached_tokens), "output": count(usage.output_tokens),
    }  # fmt: skip
    return said if usage.status == "reported" else f"{said}, {usage.status}"


def as_text(value: object) -> str:
    """JSON that a person reads; text stays text, and nothing is empty."""
    if value is None:
        return ""
    return clipped(value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False))


def clipped(text: str) -> str:
    """The text, or its beginning and how long it was."""
    if len(text) <= SHOWN_CHARS:
        return text
    return f"{text[:SHOWN_CHARS]}\n" + _("[cut here: it has %(count)s characters]") % {"count": count(len(text))}
