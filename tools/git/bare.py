"""A bare git repository on disk: made whole or not at all, its branches moved by compare-and-set under one lock.

Only git objects are touched, by libgit2: no work tree, no git program, no hooks, no filters, no network.
Why: docs/decisions/0030-git-objects-only.md
"""

import contextlib
import fcntl
import functools
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pygit2
from pygit2.enums import ConfigLevel, RepositoryOpenFlag

from accounts.db.faults import fault_of
from tools.errors import RepositoryBusy
from tools.git.swapping import put_in_place, put_right, sync

MAIN = "main"
LOCK_TIMEOUT_S = 10.0
LOCK_POLL_S = 0.02
# A ref's own lock file that is older than this was left by a process that died: ours hold one for milliseconds.
STALE_LOCK_S = 5.0


class BranchMoved(Exception):
    """The branch is not where it was when it was read."""


def open_bare(path: Path) -> pygit2.Repository:
    """The repository at exactly this path. Raises pygit2.GitError if there is none."""
    _use_no_configuration_of_this_machine()
    return pygit2.Repository(str(path), RepositoryOpenFlag.NO_SEARCH | RepositoryOpenFlag.BARE)


def create_bare(path: Path, fill: Callable[[pygit2.Repository], None], *, aside: Path | None = None) -> None:
    """Make a repository and let `fill` put its first content in. It appears under its name when all that is done.

    The caller holds its lock. What a process that died left half made is removed. With `aside`, one that is there is
    put there in the last moment.
    """
    _use_no_configuration_of_this_machine()
    unfinished = path.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        repository = pygit2.init_repository(str(unfinished), bare=True, mode=0o700, initial_head=MAIN)
        shutil.rmtree(unfinished / "hooks")
        fill(repository)
        repository.free()
        if aside:
            put_in_place(unfinished, path, aside=aside)
        else:
            unfinished.rename(path)
            sync(path.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the repository's one lock, among all threads and processes. Raises RepositoryBusy after 10 s.

    A repository that somebody was replacing when they died is in its place again.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as file:
        _wait_for(file.fileno())
        put_right(path)
        yield


def default_branch(repository: pygit2.Repository) -> str:
    """The branch that others start from."""
    return str(repository.lookup_reference("HEAD").target).removeprefix("refs/heads/")


def tip_of(repository: pygit2.Repository, branch: str) -> pygit2.Commit | None:
    """The branch's newest commit; None if there is no such branch."""
    reference = repository.references.get(f"refs/heads/{branch}")
    return reference.peel(pygit2.Commit) if reference else None


def move_branch(repository: pygit2.Repository, branch: str, *, to: pygit2.Oid, expected: pygit2.Oid | None) -> None:
    """Point the branch to a commit if it still is where it was expected; None: if it still does not exist.

    Raises BranchMoved. The caller holds the repository's lock; this is for those who do not know of it, such as git.
    A commit that was made without the lock may be gone, as of what no branch reaches: then it is to be made anew.
    """
    name = f"refs/heads/{branch}"
    if to not in repository:
        raise BranchMoved(branch)
    _remove_stale_lock(Path(repository.path) / f"{name}.lock")
    try:
        if expected is None:
            repository.create_reference_direct(name, to, False)
            return
        reference = repository.lookup_reference(name)
        if reference.target != expected:
            raise BranchMoved(branch)
        reference.set_target(to)
    except pygit2.AlreadyExistsError as error:
        raise BranchMoved(branch) from error
    except OSError as error:
        if fault_of(error):
            raise
        # The ref's own lock file is there: another program moves it now.
        raise BranchMoved(branch) from error
    except pygit2.GitError as error:
        if "does not match" not in str(error):
            raise
        raise BranchMoved(branch) from error


def size_on_disk(path: Path) -> int:
    """Bytes that the repository's objects take, in whole blocks; what is packed anew meanwhile may count or not."""
    folders = os.walk(path / "objects")
    return sum(_blocks(os.path.join(folder, name)) for folder, _, names in folders for name in names) * 512


def _blocks(path: str) -> int:
    try:
        return os.stat(path).st_blocks
    except FileNotFoundError:
        return 0


@functools.cache
def _use_no_configuration_of_this_machine() -> None:
    """For the whole process: what is written is on disk before it is used, and no gitconfig of the machine is read."""
    pygit2.settings.enable_fsync_gitdir(True)
    for level in (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL):
        pygit2.settings.search_path[level] = ""


def _wait_for(lock: int) -> None:
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise RepositoryBusy("The project's repository is busy. Try again in a moment.") from error
        time.sleep(LOCK_POLL_S)


def _remove_stale_lock(lock: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if time.time() - lock.stat().st_mtime > STALE_LOCK_S:
            lock.unlink()
