"""What a form is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from chat.exports.conversation import Head, Said


@dataclass(frozen=True)
class Form:
    """One form of a chat as text."""

    content_type: str
    ending: str  # of the file's name
    head: Callable[[Head], str]
    message: Callable[[Said, bool], str]  # and whether it is the first
    tail: str = ""


def time_of(at: datetime) -> str:
    """As people read it."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
