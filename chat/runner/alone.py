"""Is this the only process on its SQLite file? Then whatever another process left running is abandoned, at once."""

import fcntl
from typing import IO

from django.conf import settings

_lock: "IO[str] | None" = None


def is_alone() -> bool:
    """Take the data folder's process lock, for as long as this process lives. False where another one holds it."""
    global _lock
    if _lock is not None:
        return True
    settings.PARLEY_DATA.mkdir(parents=True, exist_ok=True)
    lock = (settings.PARLEY_DATA / "process.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return False
    _lock = lock
    return True
