"""What is wrong with the database or the disk below it, told apart, for who asked and for who runs it.

Only what may pass by itself, or by whoever runs it, is a fault here. A statement that the database does not understand
is a bug of ours, whichever class of error it comes as.
"""

import errno
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError

from accounts.errors import Unavailable

RETRY_S = 2
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fault:
    """A kind of trouble."""

    name: str  # at /readyz and in the log
    told: str  # to who asked
    hint: str  # to who runs it

    def in_words(self, error: BaseException) -> str:
        """For who runs it: what, what to do, and what the database itself says."""
        return f"{self.told.partition('. ')[0].rstrip('.')}. {self.hint} It says: {_last_line(error)}"

    def unavailable(self) -> Unavailable:
        """For who asked."""
        return Unavailable(self.told, retry_after_s=RETRY_S)


AWAY = Fault("unavailable", Unavailable.message, "See that it runs, and that DATABASE_URL leads to it.")
LOCKED = Fault(
    "locked",
    "The database is busy with another change. Try again in a moment.",
    "Another process holds it: look for a backup, a migration or a second server on the same file.",
)
COLLIDED = Fault(
    "collided",
    "Two changes met in the database, and this one was undone. Try again.",
    "Nothing is to be done if it is rare.",
)
SLOW = Fault(
    "slow",
    "The database took too long. Try again in a moment.",
    "Look for what keeps it busy, and at its statement_timeout.",
)
CROWDED = Fault(
    "too_many_connections",
    "The database takes no more connections now. Try again in a moment.",
    "Raise its max_connections, or lower DB_POOL_MAX of each process.",
)
FULL = Fault(
    "disk_full",
    "There is no room left on the server's disk, so nothing can be stored.",
    "Make room on the disk of the database and of PARLEY_DATA; nothing else is to be done.",
)
DISK = Fault(
    "disk_error",
    "The server's disk does not work as it should, so nothing can be stored.",
    "See whether the disk of the database is full, and what the system's log says of it.",
)
READ_ONLY = Fault(
    "read_only",
    "The database takes no changes now, so nothing can be stored. Try again in a moment.",
    "SQLite: give who runs Parley the right to write the file and its folder. PostgreSQL: a standby answers.",
)
DENIED = Fault(
    "permission_denied",
    "The server may not use its database or its files as it must. Whoever runs it has to give it the right.",
    "Give the user of DATABASE_URL its rights on the database, or the user who runs Parley those on PARLEY_DATA.",
)
OUT_OF_FILES = Fault(
    "too_many_files",
    "The server has too many files and connections open now. Try again in a moment.",
    "Raise its limit of open files: LimitNOFILE in its unit, ulimit -n in a shell.",
)
CANNOT_OPEN = Fault(
    "cannot_open",
    "The server cannot open its database file.",
    "See that the folder of DATABASE_URL is there, and that the user who runs Parley may read and write in it.",
)
DAMAGED = Fault(
    "damaged",
    "The server's database cannot be read.",
    "The file is damaged, or no database: restore a backup (docs/deploy.md).",
)
NOT_MIGRATED = Fault(
    "not_migrated",
    "The tables of the database are not those of this version.",
    "Run: python manage.py migrate",
)
# Of these a request is no victim: it is answered as a bug is, with an id, and the log says what to do.
FOR_OPERATORS = (NOT_MIGRATED, DAMAGED)

SQLITE = {
    "SQLITE_BUSY": LOCKED,
    "SQLITE_LOCKED": LOCKED,
    "SQLITE_FULL": FULL,
    "SQLITE_IOERR": DISK,
    "SQLITE_READONLY": READ_ONLY,
    "SQLITE_PERM": DENIED,
    "SQLITE_AUTH": DENIED,
    "SQLITE_CANTOPEN": CANNOT_OPEN,
    "SQLITE_CORRUPT": DAMAGED,
    "SQLITE_NOTADB": DAMAGED,
    "SQLITE_INTERRUPT": SLOW,
    "SQLITE_PROTOCOL": LOCKED,
}
NO_TABLE = ("no such table", "no such column", "has no column named")
# https://www.postgresql.org/docs/current/errcodes-appendix.html, the longest beginning that fits.
POSTGRES = {
    "08": AWAY,
    "25006": READ_ONLY,
    "28": DENIED,
    "3D000": Fault("no_database", Unavailable.message, "Make the database that DATABASE_URL names: createdb NAME"),
    "40": COLLIDED,
    "42501": DENIED,
    "42P01": NOT_MIGRATED,
    "42703": NOT_MIGRATED,
    "53100": FULL,
    "53300": CROWDED,
    "53": Fault("no_resources", Unavailable.message, "It has no memory left: see its log."),
    "55P03": LOCKED,
    "55006": LOCKED,
    "57014": SLOW,
    "57P": AWAY,
    "58": DISK,  # of the system below it: a file cannot be read, written or found
    "XX001": DAMAGED,
    "XX002": DAMAGED,
    "25P03": AWAY,
}
WORDS = (
    ("is locked", LOCKED),
    ("takes no writes", READ_ONLY),
    ("too many clients", CROWDED),
    ("connection slots", CROWDED),
    ("password authentication failed", DENIED),
    ("permission denied", DENIED),
    ("pg_hba.conf", DENIED),
)
OF_SYSTEM = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: FULL,
    errno.EROFS: READ_ONLY,
    errno.EACCES: DENIED,
    errno.EPERM: DENIED,
    errno.EIO: DISK,
    errno.EMFILE: OUT_OF_FILES,
    errno.ENFILE: OUT_OF_FILES,
}


def fault_of(error: BaseException) -> Fault | None:
    """What is wrong; None for an error of ours."""
    for each in _chain(error):
        found = _of_system(each) or _of_sqlite(each) or _of_postgres(each)
        if found:
            return found
        if type(each).__name__ in ("PoolTimeout", "TooManyRequests"):
            return AWAY
        if _is_statement(each):
            return None
    return _by_words(error) if isinstance(error, OperationalError | InterfaceError) else None


def unavailable(error: BaseException) -> Unavailable | None:
    """The 503 that the error is answered with; None where it is none."""
    fault = fault_of(error)
    return fault.unavailable() if fault and fault not in FOR_OPERATORS else None


def refusal(error: BaseException) -> Unavailable:
    """The 503 that a door tells in its own words, logged with what to do. Raises the error again where it is a bug."""
    told, fault = unavailable(error), note(error)
    if told is None or fault is None:
        raise error
    log.warning("Database: %s. %s", fault.name, fault.hint, exc_info=error)
    return told


class _Noted:
    """The fault that this process met last, and when, by the monotonic clock."""

    fault: Fault | None = None
    at = 0.0


def note(error: BaseException) -> Fault | None:
    """The same as fault_of, and /readyz shall say it for a while."""
    fault = fault_of(error)
    if fault:
        _Noted.fault, _Noted.at = fault, time.monotonic()
    return fault


def noted(within_s: float) -> Fault | None:
    """The fault that this process met within the last so many seconds, if it was one of writing for good."""
    fault = _Noted.fault if time.monotonic() - _Noted.at < within_s else None
    return fault if fault in (FULL, DISK, READ_ONLY, DENIED) else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The driver's own error first: it says more than Django's."""
    causes = [error]
    while causes[-1].__cause__ is not None and len(causes) < 5:
        causes.append(causes[-1].__cause__)
    yield from reversed(causes)


def _of_system(error: BaseException) -> Fault | None:
    """Of a file that is no database's. The errors of a repository have no number: their text ends in the system's."""
    if isinstance(error, OSError) and error.errno is not None:
        return OF_SYSTEM.get(error.errno)
    if not isinstance(error, OSError) and type(error).__name__ != "GitError":
        return None
    said = str(error).rpartition(": ")[2]
    return next((fault for number, fault in OF_SYSTEM.items() if said == os.strerror(number)), None)


def _of_sqlite(error: BaseException) -> Fault | None:
    name = str(getattr(error, "sqlite_errorname", ""))
    if name == "SQLITE_IOERR_WRITE":  # so it says where a file may grow no further
        return FULL
    if name == "SQLITE_ERROR" and any(text in str(error) for text in NO_TABLE):
        return NOT_MIGRATED
    return SQLITE.get("_".join(name.split("_")[:2]))


def _of_postgres(error: BaseException) -> Fault | None:
    state = getattr(error, "sqlstate", None) or ""
    for length in (5, 3, 2):
        if len(state) >= length and state[:length] in POSTGRES:
            return POSTGRES[state[:length]]
    return None


def _is_statement(error: BaseException) -> bool:
    """Whether the database answered, and only did not understand or did not want what it was told."""
    return bool(getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None))


def _by_words(error: BaseException) -> Fault:
    """Of an error without a code: PostgreSQL gives none to who does not get in at all, nor do we."""
    text = str(error)
    return next((fault for words, fault in WORDS if words in text), AWAY)


def _last_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1]
