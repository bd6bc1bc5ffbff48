"""A project's git repository: files are read from a chat's branch and written as commits on it, and nowhere else."""

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from uuid import UUID

import pygit2
from django.conf import settings

from tools.cleaning import clean
from tools.errors import RepositoryBusy, ToolError
from tools.git.bare import (
    MAIN,
    BranchMoved,
    create_bare,
    default_branch,
    locked,
    move_branch,
    open_bare,
    size_on_disk,
    tip_of,
)
from tools.git.paths import check_branch, check_writable, file_parts
from tools.git.snapshot import Snapshot
from tools.git.trees import blob_at, tree_of, with_blob

COMMITTER = ("Parley", "parley@localhost")
WRITE_ATTEMPTS = 20
REMEMBERED_COMMITS = 500  # among which a repeated write looks for its own; a run makes far fewer
RETRY_PAUSE_S = 0.05
UNFIT_FOR_A_NAME = re.compile(r"[\x00-\x1f\x7f<>\ud800-\udfff]+")


@dataclass(frozen=True)
class Written:
    """What a write did."""

    commit: str  # the branch's newest, hex
    is_new: bool  # the file was not there before
    is_changed: bool  # False: it held this already, and there is no new commit


@dataclass(frozen=True)
class FileDiff:
    """How one file differs."""

    path: str
    status: str  # one letter of git: A, M, D, ...
    additions: int
    deletions: int


@dataclass(frozen=True)
class Diff:
    """What a branch changed since it left the default branch."""

    branch: str
    base: str  # commit it is compared with, hex
    commit: str  # newest of the branch, hex; the same as base if there is no such branch
    files: tuple[FileDiff, ...]
    patch: str  # unified diff
    truncated: bool  # the patch was cut


class Repository:
    """The bare repository of one project. Who may use it is for the caller to decide.

    One that does not exist yet is made, empty, at its first use.
    """

    def __init__(self, project_id: UUID) -> None:
        self.path = Path(settings.TOOLS_REPOSITORIES) / f"{UUID(str(project_id))}.git"

    def exists(self) -> bool:
        """Whether it was made already."""
        return (self.path / "HEAD").is_file()

    def ensure(self) -> None:
        """Make it, with an empty first commit, unless it is there."""
        if not self.exists():
            with locked(self.path):
                if not self.exists():
                    create_bare(self.path, lambda made: _commit_first(made, {}, COMMITTER))

    def create(self, files: Mapping[str, str], *, author_name: str, author_email: str) -> None:
        """Make it with these files, path to text, in its first commit. Raises ToolError if there is one already."""
        author = (author_name, author_email)
        with locked(self.path):
            if self.exists():
                raise ToolError("The project has a repository already.")
            create_bare(self.path, lambda made: _commit_first(made, files, author))

    def at(self, branch: str) -> Snapshot:
        """What the branch holds now; the default branch where there is none of that name yet."""
        repository = self._open()
        own = tip_of(repository, check_branch(branch))
        if own is not None:
            return Snapshot(repository, branch, own)
        return Snapshot(repository, default_branch(repository), _newest_of_default(repository))

    def write(
        self,
        branch: str,
        path: str,
        content: str,
        *,
        author_name: str,
        author_email: str,
        note: str = "",
        once: str = "",
    ) -> Written:
        """Put the file as one commit on the branch, which is made from the default branch if need be.

        Raises PathRefused, RetryTool or ToolError; then nothing has changed. `note` goes into the commit's message, and
        `once` behind it: where a commit of the branch carries that line already, it is what this write did.
        """
        parts = file_parts(path)
        check_writable(parts)
        check_branch(branch)
        data = _data(content)
        trailer = "\n".join(filter(None, (note, once)))
        message = f"Write {'/'.join(parts)}\n" + (f"\n{trailer}\n" if trailer else "")
        self.ensure()
        with locked(self.path):
            for _ in range(WRITE_ATTEMPTS):
                try:
                    done = self._done(branch, parts, once) if once else None
                    return done or self._commit(branch, parts, data, (author_name, author_email), message)
                except BranchMoved:
                    time.sleep(RETRY_PAUSE_S)
        raise RepositoryBusy("The project's repository is busy. Try again in a moment.")

    def diff(self, branch: str, *, max_bytes: int = 1_000_000) -> Diff:
        """What the branch changed since it left the default branch; empty where there is no such branch."""
        repository = self._open()
        main = _newest_of_default(repository)
        tip = tip_of(repository, check_branch(branch)) or main
        base = repository.merge_base(main.id, tip.id) or main.id
        patches = [each for each in repository.diff(str(base), str(tip.id)) if each is not None]
        text, truncated = _patch_text(patches, max_bytes)
        return Diff(branch, str(base), str(tip.id), tuple(map(_file_diff, patches)), text, truncated)

    def _open(self) -> pygit2.Repository:
        self.ensure()
        return open_bare(self.path)

    def _done(self, branch: str, parts: tuple[str, ...], once: str) -> Written | None:
        """What the write did that carries this line; None where it is not among the branch's newest commits."""
        repository = open_bare(self.path)
        tip = tip_of(repository, branch)
        if tip is None:
            return None
        newest = repository.walk(tip.id)
        newest.hide(_newest_of_default(repository).id)
        for commit in islice(newest, REMEMBERED_COMMITS):
            if once in commit.message.split("\n"):
                before = blob_at(commit.parents[0].tree, parts)
                return Written(str(commit.id), is_new=before is None, is_changed=True)
        return None

    def _commit(
        self, branch: str, parts: tuple[str, ...], data: bytes, author: tuple[str, str], message: str
    ) -> Written:
        repository = open_bare(self.path)
        if branch.casefold() == default_branch(repository).casefold():
            raise ToolError("A tool may write on the chat's own branch only, not on the default branch.")
        own = tip_of(repository, branch)
        tip = own or _newest_of_default(repository)
        old = blob_at(tip.tree, parts)
        if old is not None and old.id == pygit2.hash(data):
            return Written(str(tip.id), is_new=False, is_changed=False)
        self._check_room(Snapshot(repository, branch, tip), is_new=old is None)
        tree = with_blob(repository, tip.tree, parts, repository.create_blob(data))
        commit = repository.create_commit(None, signature(author), signature(COMMITTER), message, tree, [tip.id])
        move_branch(repository, branch, to=commit, expected=own.id if own else None)
        return Written(str(commit), is_new=old is None, is_changed=True)

    def _check_room(self, snapshot: Snapshot, *, is_new: bool) -> None:
        max_files, max_bytes = settings.TOOLS_REPOSITORY_MAX_FILES, settings.TOOLS_REPOSITORY_MAX_BYTES
        if is_new and sum(1 for _ in snapshot.list()) >= max_files:
            raise ToolError(f"The project is full: it may have {max_files:,} files.")
        if size_on_disk(self.path) >= max_bytes:
            raise ToolError(f"The project's repository is full: it may take {max_bytes:,} bytes.")


def _newest_of_default(repository: pygit2.Repository) -> pygit2.Commit:
    tip = tip_of(repository, default_branch(repository))
    if tip is None:
        raise ToolError("The project's repository has no default branch.")
    return tip


def _commit_first(repository: pygit2.Repository, files: Mapping[str, str], author: tuple[str, str]) -> None:
    tree = tree_of(repository, {file_parts(path): _data(content) for path, content in files.items()})
    commit = repository.create_commit(None, signature(author), signature(COMMITTER), "Begin the project\n", tree, [])
    move_branch(repository, MAIN, to=commit, expected=None)


def _data(content: str) -> bytes:
    data = clean(content).encode()
    if len(data) > settings.TOOLS_FILE_MAX_BYTES:
        raise ToolError(f"The content has {len(data):,} bytes; a file may have {settings.TOOLS_FILE_MAX_BYTES:,}.")
    return data


def signature(person: tuple[str, str]) -> pygit2.Signature:
    """Who and when, in UTC. A line break or bracket in a name would add lines to the commit; they become spaces."""
    name, email = (UNFIT_FOR_A_NAME.sub(" ", text).strip() for text in person)
    return pygit2.Signature(name or "Unknown", email or "unknown@localhost", int(time.time()), 0)


def _file_diff(patch: pygit2.Patch) -> FileDiff:
    _, additions, deletions = patch.line_stats
    path = patch.delta.new_file.raw_path.decode(errors="replace")
    return FileDiff(path, patch.delta.status_char(), additions, deletions)


def _patch_text(patches: Iterable[pygit2.Patch], max_bytes: int) -> tuple[str, bool]:
    """The patches one after another; of the one that would be too much, only its start."""
    text = b""
    for patch in patches:
        text += patch.data
        if len(text) > max_bytes:
            return clean(text[:max_bytes].decode(errors="replace")) + "\n[cut]\n", True
    return clean(text.decode(errors="replace")), False
