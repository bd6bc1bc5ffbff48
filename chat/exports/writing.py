"""One export while it is written: what every kind is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.conf import settings

from accounts.models import User
from chat.models import Chat
from chat.transfer.views import ExportTooLarge


@dataclass(frozen=True)
class Place:
    """What an export is of."""

    organization: UUID | None = None
    chat: Chat | None = None
    name: str = ""  # of its file, without an ending


@dataclass
class Writing:
    """For whom it is written, what was asked for, and where to."""

    user: User
    asked: Mapping[str, Any]
    format: str
    place: Place
    path: Path
    total: int | None = None  # the kind says it as soon as it knows


def put(file: IO[bytes], text: str, most: int | None = None) -> None:
    """Write more of a file. Raises ExportTooLarge; half characters, which nothing can read, are replaced."""
    file.write(text.encode("utf-8", "replace"))
    most = most or settings.EXPORT_FILE_MAX_BYTES
    if file.tell() > most:
        raise ExportTooLarge(f"The file would be larger than {most:,} bytes. Ask for less of it.")
