"""What a branch holds at one commit: list, read, search. Read only; later writes do not change what is seen."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pygit2
from django.conf import settings
from pygit2.enums import FileMode, ObjectType

from tools.errors import RetryTool, ToolError
from tools.git.paths import file_parts, parts_of, twin_of
from tools.git.trees import name_of

BINARY_LOOK_BYTES = 8_000  # git's own rule: a NUL in the first 8,000 bytes
MATCH_TEXT_CHARS = 300


@dataclass(frozen=True)
class Entry:
    """A file of the project, or one of its folders."""

    path: str
    id: pygit2.Oid
    bytes: int
    is_link: bool = False  # a symbolic link: its content is where it would lead; it is never followed
    is_folder: bool = False
    is_executable: bool = False


@dataclass(frozen=True)
class Match:
    """A line that holds what was searched for."""

    path: str
    line: int  # from 1
    text: str  # cut at MATCH_TEXT_CHARS


@dataclass
class Found:
    """What a search found, and why it did not go on, if it did not."""

    matches: list[Match] = field(default_factory=list)
    named: list[str] = field(default_factory=list)  # files whose path holds the text
    searched: int = 0  # files read
    skipped: int = 0  # binary, or too large
    stopped: str = ""  # the limit that was met


@dataclass(frozen=True)
class Bounds:
    """Where a search stops."""

    files: int
    bytes: int
    matches: int
    seconds: float


class Snapshot:
    """A branch of a repository at one commit."""

    def __init__(self, repository: pygit2.Repository, branch: str, commit: pygit2.Commit) -> None:
        self.repository = repository
        self.branch = branch  # the one that is shown: the default branch where the chat's own does not exist yet
        self.commit = commit

    def list(self, path: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """Yield what lies under a folder: all files, or only its own files and folders."""
        parts = parts_of(path)
        found = self._find(parts)
        if not isinstance(found, pygit2.Tree):
            raise RetryTool(f"path: {path!r} is a file, not a folder.")
        yield from self._walk(found, "".join(f"{part}/" for part in parts), recursive)

    def entry(self, path: str) -> Entry | None:
        """What lies at this path, the root too; None if nothing does, or a submodule. Raises PathRefused."""
        parts = parts_of(path)
        try:
            found = self._find(parts)
        except RetryTool:
            return None
        if isinstance(found, pygit2.Tree):
            return Entry("/".join(parts), found.id, 0, is_folder=True)
        return self._entry("/".join(parts), found)

    def data(self, entry: Entry) -> bytes:
        """What is in a file of this snapshot; of a symbolic link, where it leads."""
        return self.repository[entry.id].peel(pygit2.Blob).data

    def read(self, path: str) -> str:
        """A file's text. Raises RetryTool if there is none, ToolError if it is binary or too large."""
        parts = file_parts(path)
        found = self._find(parts)
        if isinstance(found, pygit2.Tree):
            raise RetryTool(f"path: {path!r} is a folder. Ask list_files what is in it.")
        size = self._size(found.id)
        if size > settings.TOOLS_FILE_MAX_BYTES:
            raise ToolError(f"{path} has {size:,} bytes; at most {settings.TOOLS_FILE_MAX_BYTES:,} can be read.")
        data = found.data
        if is_binary(data):
            raise ToolError(f"{path} is a binary file of {size:,} bytes; it has no text to read.")
        return data.decode(errors="replace")

    def search(self, query: str, endings: tuple[str, ...], bounds: Bounds) -> Found:
        """Lines that hold the text, case aside, in files whose names end so (in all, if none are given)."""
        found, needle, spent = Found(), query.lower(), 0
        deadline = time.monotonic() + bounds.seconds
        for number, entry in enumerate(self._walk(self.commit.tree, "", True)):
            found.stopped = found.stopped or _limit_met(number, spent, deadline, bounds)
            if found.stopped:
                break
            if entry.is_link or (endings and not entry.path.lower().endswith(endings)):
                continue
            if needle in entry.path.lower() and len(found.named) < bounds.matches:
                found.named.append(entry.path)
            if entry.bytes > settings.TOOLS_FILE_MAX_BYTES:
                found.skipped += 1
                continue
            spent += entry.bytes
            self._search_file(entry, needle, found, bounds)
        return found

    def _search_file(self, entry: Entry, needle: str, found: Found, bounds: Bounds) -> None:
        data = self.repository[entry.id].peel(pygit2.Blob).data
        if is_binary(data):
            found.skipped += 1
            return
        found.searched += 1
        text = data.decode(errors="replace")
        if needle not in text.lower():
            return
        for number, line in enumerate(text.split("\n"), start=1):
            if needle in line.lower():
                if len(found.matches) >= bounds.matches:
                    found.stopped = f"{bounds.matches} matches"
                    return
                found.matches.append(Match(entry.path, number, _around(line, needle)))

    def _find(self, parts: tuple[str, ...]) -> pygit2.Tree | pygit2.Blob:
        """The folder or file, looked up part by part: a link on the way is a file, so it leads nowhere."""
        found: pygit2.Object = self.commit.tree
        for number, part in enumerate(parts):
            if not isinstance(found, pygit2.Tree) or part not in found:
                raise RetryTool(_not_found("/".join(parts[: number + 1]), part, found))
            entry = found[part]
            if entry.filemode == FileMode.COMMIT:
                raise RetryTool(f"{'/'.join(parts[: number + 1])} is a submodule; its files are not here.")
            found = entry
        assert isinstance(found, pygit2.Tree | pygit2.Blob)
        return found

    def _walk(self, tree: pygit2.Tree, prefix: str, recursive: bool) -> Iterator[Entry]:
        """Files in the order of git. With a stack of its own: a hostile tree can be deeper than Python's."""
        stack = [(prefix, iter(tree))]
        while stack:
            folder, entries = stack[-1]
            entry = next(entries, None)
            if entry is None:
                stack.pop()
                continue
            path = f"{folder}{name_of(entry)}"
            if entry.filemode == FileMode.TREE and recursive:
                stack.append((f"{path}/", iter(self.repository[entry.id].peel(pygit2.Tree))))
            elif entry.filemode == FileMode.TREE:
                yield Entry(path, entry.id, 0, is_folder=True)
            elif entry.filemode != FileMode.COMMIT:
                yield self._entry(path, entry)

    def _entry(self, path: str, entry: pygit2.Object) -> Entry:
        mode = entry.filemode
        is_link, is_executable = mode == FileMode.LINK, mode == FileMode.BLOB_EXECUTABLE
        return Entry(path, entry.id, self._size(entry.id), is_link=is_link, is_executable=is_executable)

    def _size(self, id: pygit2.Oid) -> int:
        kind, size = self.repository.odb.read_header(id)
        return size if kind == ObjectType.BLOB else 0


def is_binary(data: bytes) -> bool:
    """Whether this is no text, by git's own rule."""
    return b"\0" in data[:BINARY_LOOK_BYTES]


def _limit_met(files: int, spent: int, deadline: float, bounds: Bounds) -> str:
    if files >= bounds.files:
        return f"{bounds.files:,} files"
    if spent >= bounds.bytes:
        return f"{bounds.bytes:,} bytes"
    return f"{bounds.seconds:g} s" if time.monotonic() > deadline else ""


def _around(line: str, needle: str) -> str:
    """The line, or the part of a long one around the match."""
    if len(line) <= MATCH_TEXT_CHARS:
        return line.rstrip("\r")
    start = max(0, line.lower().find(needle) - MATCH_TEXT_CHARS // 3)
    return f"...{line[start : start + MATCH_TEXT_CHARS]}..."


def _not_found(path: str, part: str, folder: pygit2.Object) -> str:
    twin = twin_of(part, map(name_of, folder)) if isinstance(folder, pygit2.Tree) else None
    return f"There is no {path}. {f'Did you mean {twin}?' if twin else 'Ask list_files for the paths.'}"
