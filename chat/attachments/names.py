"""What a file may be called: names that people have are taken as they are."""

import unicodedata
from typing import Any

from accounts.errors import refuse
from accounts.normal import normal

NAME_MAX_CHARS = 255  # composed (NFC), as file systems count: a Mac sends each accent apart
# Controls, line ends and half characters have no place in a name; nor has what turns the order of what is read:
# "photo\u202egnp.exe" looks like a picture. Joiners and spaces of every kind are in names that people have.
NAME_REFUSED = frozenset({"Cc", "Cs", "Zl", "Zp"})
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def check_name(value: Any, field: str) -> str:
    """The name. Raises Invalid."""
    if not isinstance(value, str) or not _is_short(value, NAME_MAX_CHARS):
        raise refuse(field, f"Expected a text of at most {NAME_MAX_CHARS} characters.")
    if any(unicodedata.category(each) in NAME_REFUSED or each in TURNING for each in value):
        raise refuse(field, "Expected no line breaks, control characters or marks that turn the direction of writing.")
    return value


def composed(value: str) -> str:
    """The name in its one form of writing, as it is stored."""
    return normal("NFC", value)


def _is_short(name: str, limit: int) -> bool:
    """Whether it has so many characters at most when composed, which makes one of four at most: seen first."""
    return len(name) <= 4 * limit and len(normal("NFC", name)) <= limit
