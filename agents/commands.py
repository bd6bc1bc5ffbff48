"""Slash commands of own apps: what the page's composer offers behind a "/", beside its own."""

import re
from dataclasses import dataclass

NAME = re.compile(r"[a-z][a-z0-9_-]{0,29}")
LABEL_MAX_CHARS, TEXT_MAX_CHARS = 100, 10_000


@dataclass(frozen=True)
class Command:
    """Puts a text into the composer, for the person to complete and send, and may choose an archetype."""

    name: str  # what one types behind the /
    label: str  # what it does, in a few words
    text: str
    archetype: str = ""  # empty: the one that is chosen stays

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"command {self.name!r}: lower case letters, digits, _ and -, at most 30, a letter first")
        if not 0 < len(self.label) <= LABEL_MAX_CHARS:
            raise ValueError(f"command {self.name}: the label is 1 to {LABEL_MAX_CHARS} characters")
        if not 0 < len(self.text) <= TEXT_MAX_CHARS or self.text.startswith("/"):
            raise ValueError(f"command {self.name}: the text is 1 to {TEXT_MAX_CHARS} characters, and begins with no /")


_all: dict[str, Command] = {}


def add(command: Command) -> None:
    """One more command, for as long as the process lives. Its name must be free."""
    _all[command.name] = command


def every() -> tuple[Command, ...]:
    """All that own apps have registered, in that order."""
    return tuple(_all.values())
