"""How two commits of a project differ: which files, and how much of each may be shown.

A patch is as long as what it is made of: one line of 30 MB makes a patch of 30 MB. So the sizes of both sides are
looked at first, and their lines counted, and a file that is too large is listed without its lines.
"""

from dataclasses import dataclass
from typing import NamedTuple

import pygit2
from django.conf import settings
from pygit2.enums import DeltaStatus, DiffFind

from tools.cleaning import clean
from tools.git.bounds import ALL_MAX_BYTES, FILE_MAX_BYTES, Room, size_of

CONTEXT_LINES = 3
CONTEXT_LINES_MAX = 20
RENAMES_LOOKED_FOR = 1_000  # changed files; measured: 6,000 take a second and more
CUT = "\n[cut]\n"


@dataclass(frozen=True)
class FileDiff:
    """How one file differs."""

    path: str
    old_path: str  # where it was before; the same as path unless it was moved
    status: str  # one letter of git: A, M, D, R, T
    additions: int  # lines; 0 where they were not compared
    deletions: int
    patch: str  # unified diff of this file
    is_binary: bool
    is_truncated: bool  # the patch is cut, or left out because it is too large


class Compared(NamedTuple):
    """What lies between two commits, as far as it may be shown."""

    files: tuple[FileDiff, ...]
    file_count: int  # of all files that differ, listed or not
    patch: bytes  # unified diff of all of them
    is_truncated: bool  # files or lines are missing


@dataclass(frozen=True)
class Diff:
    """What a branch changed since it left the default branch."""

    branch: str
    base: str  # the default branch's name
    base_commit: str  # with which it is compared, hex
    commit: str  # newest of the branch, hex; the same as base_commit if there is no such branch
    files: tuple[FileDiff, ...]
    file_count: int  # of all files that differ, listed or not
    patch: bytes  # unified diff, with each file's own encoding
    truncated: bool  # files or lines are missing

    @property
    def text(self) -> str:
        """The patch as text."""
        return clean(self.patch.decode(errors="replace"))


def compared(
    repository: pygit2.Repository,
    old: pygit2.Oid,
    new: pygit2.Oid,
    *,
    path: str = "",
    context: int = CONTEXT_LINES,
    has_patches: bool = True,
) -> Compared:
    """The files that differ between two commits; with `path`, only that one, or those in that folder.

    Without patches, their lines are counted all the same.
    """
    diff = repository.diff(str(old), str(new), context_lines=context)
    _find_renames(repository, diff)
    wanted = [(at, delta) for at, delta in enumerate(diff.deltas) if not path or _is_at(delta, path)]
    told = _Told(settings.TOOLS_DIFF_MAX_BYTES, has_patches=has_patches)
    shown = wanted[: settings.TOOLS_FILES_LISTED_MAX]
    files = tuple(told.file(repository, diff, at, delta) for at, delta in shown)
    return Compared(files, len(wanted), told.whole(), told.is_full or len(shown) < len(wanted))


class _Told:
    """What is told of the files, and how much may still be."""

    def __init__(self, said_bytes: int, *, has_patches: bool) -> None:
        self.is_full = False
        self._said, self._room, self._has_patches = said_bytes, Room(), has_patches
        self._patches: list[bytes] = []

    def file(self, repository: pygit2.Repository, diff: pygit2.Diff, at: int, delta: pygit2.DiffDelta) -> FileDiff:
        """One file, with its lines if there is room for them."""
        if self._said <= 0 or not self._room.takes(repository, (delta.old_file.id, delta.new_file.id)):
            self.is_full = True
            return _file_diff(delta, None, "", is_truncated=True)
        patch = diff[at]
        data = patch.data if patch is not None and self._has_patches else b""
        fits = min(self._said, settings.TOOLS_DIFF_FILE_MAX_BYTES)
        self._say(data)
        return _file_diff(delta, patch, _text(data, fits), is_truncated=len(data) > fits)

    def whole(self) -> bytes:
        """The patches of all files; where they are cut, the end says so."""
        return b"".join(self._patches) + (CUT.encode() if self._said < 0 else b"")

    def _say(self, data: bytes) -> None:
        self._patches.append(_cut(data, max(0, self._said)))
        self._said -= len(data)
        self.is_full = self.is_full or self._said < 0


def _find_renames(repository: pygit2.Repository, diff: pygit2.Diff) -> None:
    """Join what went from one path to another. By content alone where comparing would read too much."""
    moved = [each for each in diff.deltas if each.status in (DeltaStatus.ADDED, DeltaStatus.DELETED)]
    if len(diff) > RENAMES_LOOKED_FOR or not moved:
        return
    sizes = [size_of(repository, side.id) for each in moved for side in (each.old_file, each.new_file)]
    is_much = max(sizes) > FILE_MAX_BYTES or sum(sizes) > ALL_MAX_BYTES
    diff.find_similar(DiffFind.FIND_RENAMES | (DiffFind.FIND_EXACT_MATCH_ONLY if is_much else DiffFind.FIND_BY_CONFIG))


def _is_at(delta: pygit2.DiffDelta, path: str) -> bool:
    return any(each == path or each.startswith(f"{path}/") for each in (_name(delta.new_file), _name(delta.old_file)))


def _file_diff(delta: pygit2.DiffDelta, patch: pygit2.Patch | None, text: str, *, is_truncated: bool) -> FileDiff:
    _, additions, deletions = patch.line_stats if patch is not None else (0, 0, 0)
    is_binary = patch is not None and bool(patch.delta.is_binary)
    names = _name(delta.new_file), _name(delta.old_file)
    return FileDiff(*names, delta.status_char(), additions, deletions, text, is_binary, is_truncated)


def _name(file: pygit2.DiffFile) -> str:
    return clean(file.raw_path.decode(errors="replace"))


def _text(data: bytes, most: int) -> str:
    return clean(_cut(data, most).decode(errors="replace"))


def _cut(data: bytes, most: int) -> bytes:
    """The whole lines that fit; where not even one does, its beginning."""
    if len(data) <= most:
        return data
    return data[: data.rfind(b"\n", 0, most) + 1] or data[:most]
