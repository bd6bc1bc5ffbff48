"""What a child is to do. No Django."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One repository to be taken in. The bounds are those of the settings that limits.md names."""

    does: Literal["clone", "fetch", "unpack"]
    folder: str  # where the bare repository is made; nothing is there
    parent: int  # the process that started it
    memory_bytes: int
    disk_bytes: int  # of one file that is written
    max_files: int
    timeout_s: int
    # Of clone and fetch
    url: str = ""
    proxy: str = ""
    token: str = ""
    token_user: str = ""
    branch: str = ""  # clone: empty for the one that the server's HEAD names
    depth: int = 0  # clone: so many commits; 0: all
    max_objects: int = 0
    max_file_bytes: int = 0  # of each file in its history
    ca: str = ""  # a file of certificates that are trusted besides those of the machine
    connect_s: int = 10
    idle_s: int = 30
    # Of fetch
    known: str = ""  # the repository whose objects need not come again
    tip: str = ""  # its newest commit of the branch, hex
    # Of unpack
    zip: str = ""  # the file
    max_unpacked_bytes: int = 0
    max_entries: int = 0
    author: tuple[str, str] = ("", "")
    committer: tuple[str, str] = ("", "")
