"""What an installation keeps is its owner's alone: its data folder, the database's files, secrets and repositories.

Made so by the umask, mended at each start where the files are ours; the rest a system check names (config.checks).
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

KEYS = ("secret_key", "jwt_key", "secrets_key", "acting_key")
OTHERS = 0o077
BESIDE = ("", "-wal", "-shm", "-journal")  # SQLite's own, next to its file


def keep_to_owner() -> None:
    """From now on what this process makes is its owner's alone; what is there and is ours, too."""
    os.umask(OTHERS)
    for path in exposed():
        try:
            os.chmod(path, stat.S_IMODE(path.stat().st_mode) & ~OTHERS)
        except OSError:
            continue  # another's: the check says what to do


def exposed() -> list[Path]:
    """Files and folders that others than their owner may read or write."""
    return [path for path in dict.fromkeys(_kept()) if _is_open(path)]


def is_reachable(path: Path) -> bool:
    """Whether others get into the folder that it lies in."""
    return bool(path.parent.stat().st_mode & OTHERS)


def _kept() -> Iterator[Path]:
    yield settings.PARLEY_DATA
    yield settings.TOOLS_REPOSITORIES
    yield from (settings.PARLEY_DATA / name for name in KEYS)
    if settings.IS_SQLITE:
        name = str(settings.DATABASES["default"]["NAME"])
        yield from (Path(name + end) for end in BESIDE)
        if _is_for_it(Path(name).parent):
            yield Path(name).parent


def _is_for_it(folder: Path) -> bool:
    """Whether the folder of the database's file is ours and there for data: not for code, and none of the system's."""
    is_of_system = os.geteuid() == 0 and len(folder.parts) <= len(("/", "srv"))
    if not folder.is_absolute() or is_of_system or settings.BASE_DIR.is_relative_to(folder):
        return False
    try:
        return folder.stat().st_uid == os.geteuid()
    except OSError:
        return False


def _is_open(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return bool(mode & OTHERS) and not mode & stat.S_ISVTX  # /tmp and its like belong to everybody
