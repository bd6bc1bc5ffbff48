"""One repository in the place of another, under its lock: whoever dies at any step leaves both of them whole.

Where the system can, the two change places in one step. Elsewhere there is a moment in which nothing is at the path:
what was there waits at ASIDE, and `put_right`, which runs whenever somebody takes the lock, brings it back.
"""

import contextlib
import ctypes
import errno
import functools
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

BEFORE = ".before"  # beside a repository: the one that the newest clone or upload has replaced
ASIDE = ".aside"  # the one that is being replaced
MARK = ".lost"  # there are objects that no branch reaches: for tools.git.removal
EXCHANGE, AT_CWD = 2, -100  # RENAME_EXCHANGE and AT_FDCWD of Linux
CANNOT = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)  # not here, or not on this file system


def put_in_place(new: Path, path: Path, *, aside: Path) -> None:
    """Make the new one the repository at the path; what was there, if anything, lies at `aside` then, where nothing is.

    With the lock. Whoever rewrites the old one now finds another mark, and begins again.
    """
    _renew_mark(path)
    if path.exists():
        new.rename(aside)
        sync(path.parent)
        exchange(aside, path)
    else:
        new.rename(path)
    sync(path.parent)


def exchange(one: Path, path: Path) -> None:
    """Each of the two at the other's place. With the lock."""
    if not _exchanged_at_once(one, path):
        waits = path.with_suffix(ASIDE)
        path.rename(waits)
        one.rename(path)
        waits.rename(one)


def is_away(path: Path) -> bool:
    """Whether nothing is at the path because somebody died while they replaced it."""
    return not path.exists() and _put_aside(path) is not None


def put_right(path: Path) -> None:
    """Bring back what somebody who died has left aside. With the lock."""
    if is_away(path) and (found := _put_aside(path)):
        _renew_mark(path)
        found.rename(path)
        sync(path.parent)
    elif (left := path.with_suffix(ASIDE)).exists():  # the other one came: this is kept as an import's is
        left.rename(path.with_suffix(f".{time.time_ns()}"))


def sync(folder: Path) -> None:
    """What was renamed in the folder stays so, whatever happens to the machine."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put_aside(path: Path) -> Path | None:
    """The newest that was."""
    places = (path.with_suffix(ASIDE), path.with_suffix(BEFORE))
    return next((each for each in places if (each / "HEAD").is_file()), None)


def _renew_mark(path: Path) -> None:
    mark = path.with_suffix(MARK)
    if mark.exists():
        mark.write_text(uuid4().hex)


def _exchanged_at_once(one: Path, other: Path) -> bool:
    rename = _renameat2()
    if rename is None:
        return False
    if rename(AT_CWD, os.fsencode(one), AT_CWD, os.fsencode(other), EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code not in CANNOT:
        raise OSError(code, os.strerror(code), str(other))
    return False


@functools.cache
def _renameat2() -> Callable[..., Any] | None:
    """Of the C library, where it has it."""
    if sys.platform != "linux":
        return None
    with contextlib.suppress(AttributeError):
        found: Callable[..., Any] = ctypes.CDLL(None, use_errno=True).renameat2
        return found
    return None
