"""How much is compared or merged line by line.

libgit2 does that without letting anybody else in the process go on, and its time grows with the square of the lines:
twice 1,200,000 lines of "a" and "b" took 28 s, twice 50,000 take 0.2 s. So bytes and lines are counted first.
"""

from collections.abc import Iterable

import pygit2
from pygit2.enums import ObjectType

FILE_MAX_BYTES = 5_000_000  # of one file, all sides
FILE_MAX_LINES = 50_000  # of one side of a file
ALL_MAX_BYTES = 50_000_000  # of all files together
ALL_MAX_LINES = 400_000


def size_of(repository: pygit2.Repository, id: pygit2.Oid) -> int:
    """The bytes of a file, without reading it; 0 for what is not there, or no file."""
    try:
        kind, size = repository.odb.read_header(id)
    except (KeyError, pygit2.GitError):  # not asked beforehand: `in` reads all of it
        return 0
    return int(size) if kind == ObjectType.BLOB else 0


def count_lines(data: bytes) -> int:
    """The lines of a file's content."""
    return data.count(b"\n") + (not data.endswith(b"\n") and bool(data))


class Room:
    """How many bytes and lines of files may still be compared."""

    def __init__(self) -> None:
        self._bytes, self._lines = ALL_MAX_BYTES, ALL_MAX_LINES

    def takes(self, repository: pygit2.Repository, sides: Iterable[pygit2.Oid]) -> bool:
        """Whether a file with these sides may be compared too; then it has its part of the room."""
        files = [(id, size) for id in sides if (size := size_of(repository, id))]
        size = sum(each for _, each in files)
        if size > min(FILE_MAX_BYTES, self._bytes):
            return False
        counts = [count_lines(repository[id].peel(pygit2.Blob).data) for id, _ in files]
        if max(counts, default=0) > FILE_MAX_LINES or sum(counts) > self._lines:
            return False
        self._bytes, self._lines = self._bytes - size, self._lines - sum(counts)
        return True
