"""Where a repository that comes from outside waits until it is whole, and how it then takes its place.

Beside a project's repository lies a folder for it, and a child (tools.git.remote) fills it. To take its place is one
step under the repository's lock (tools.git.swapping): at every moment there is the old one whole, or the new one. What
a process that died left in the folder is removed by whoever takes its work over, and by the clean-up where nobody does.
"""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pygit2

from tools.errors import RemoteError
from tools.git.bare import BranchMoved, default_branch, locked, move_branch, open_bare, size_on_disk, tip_of
from tools.git.removal import LEFT_FOR_S
from tools.git.repository import Repository
from tools.git.swapping import BEFORE, put_in_place, sync

FOLDER, UPLOADING = ".arriving", ".uploading"  # beside the repository
REPLACES = "replaces-"  # what comes by an upload, and is to take the place of what is there
STAMP = "parley-arrival"  # in a repository that came: by which work it did
TO_KEEP = (".pack", ".idx")  # an index comes last: without it nobody looks into a pack


class UploadUnderWay(Exception):
    """Another upload comes to the project; `replaces`: to take the place of what is there."""

    def __init__(self, *, replaces: bool) -> None:
        super().__init__("Another upload is under way.")
        self.replaces = replaces


@dataclass(frozen=True)
class Figures:
    """A project's repository as it is."""

    branch: str
    commit: str  # hex
    bytes: int
    files: int


def path_of(project_id: UUID) -> Path:
    """The project's repository."""
    return Repository(project_id).path


def waiting_room(project_id: UUID) -> Path:
    """An address for one clone to come to, where nothing is. What came to such before is removed: there is one clone at
    a time, and another was left by a process that died."""
    folder = path_of(project_id).with_suffix(FOLDER)
    shutil.rmtree(folder, ignore_errors=True)
    return _new_place(folder)


@contextlib.contextmanager
def uploading(project_id: UUID, *, replaces: bool) -> Iterator[Path]:
    """The same for an upload; what is left there at the end is removed. Raises UploadUnderWay where another one is."""
    folder = path_of(project_id).with_suffix(UPLOADING)
    with _alone_in(folder):
        for left in folder.iterdir():
            shutil.rmtree(left, ignore_errors=True)
        made = _new_place(folder, REPLACES if replaces else "")
        try:
            yield made
        finally:
            leave(made)


def _new_place(folder: Path, prefix: str = "") -> Path:
    place = folder / f"{prefix}{uuid4().hex}"
    place.mkdir(mode=0o700, parents=True)
    return place / "made.git"


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Among all threads and processes. The folder may be removed inside."""
    while True:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            try:
                lock = os.open(folder, os.O_RDONLY)
                stack.callback(os.close, lock)
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                is_it = folder.stat().st_ino == os.fstat(lock).st_ino
            except FileNotFoundError:  # who was there before has removed it just now
                continue
            except BlockingIOError:
                raise UploadUnderWay(replaces=any(folder.glob(f"{REPLACES}*"))) from None
            if is_it:
                yield
                return


def leave(made: Path) -> None:
    """Remove what is left at that address."""
    shutil.rmtree(made.parent, ignore_errors=True)
    with contextlib.suppress(OSError):  # another waits there
        made.parent.parent.rmdir()


def remove_left(project_id: UUID) -> bool:
    """Remove what nobody has taken care of for an hour; whether there was any. Not while a clone is under way."""
    folders = [path_of(project_id).with_suffix(each) for each in (FOLDER, UPLOADING)]
    left = [each for each in folders if each.exists() and time.time() - each.stat().st_mtime > LEFT_FOR_S]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return bool(left)


def has_content(project_id: UUID) -> bool:
    """Whether anybody has put something into the project's repository: a file, or a branch."""
    repository = Repository(project_id)
    if not repository.exists():
        return False
    raw = open_bare(repository.path)
    tip = tip_of(raw, default_branch(raw))
    return len(list(raw.references)) > 1 or tip is None or bool(tip.parents) or len(tip.tree) > 0


def figures(project_id: UUID) -> Figures | None:
    """Of the project's repository; None where there is none, or nothing is in it."""
    if not has_content(project_id):
        return None
    path = Repository(project_id).path
    raw = open_bare(path)
    snapshot = Repository(project_id).at(default_branch(raw))
    return Figures(snapshot.branch, str(snapshot.commit.id), size_on_disk(path), sum(1 for _ in snapshot.list()))


def came_by(project_id: UUID, work: str) -> bool:
    """Whether the project's repository is the one that this work has brought."""
    stamp = Repository(project_id).path / STAMP
    return stamp.is_file() and stamp.read_text() == work


def take_place(project_id: UUID, made: Path, *, work: str, replace: bool) -> None:
    """Make what came the project's repository. One that is there is put aside, at the last moment, if it may be.

    Raises RemoteError where there is one that may not; then nothing has changed.
    """
    path = Repository(project_id).path
    (made / STAMP).write_text(work)
    (made / "FETCH_HEAD").unlink(missing_ok=True)
    sync(made)
    with locked(path):
        is_used = has_content(project_id)
        if is_used and not replace:
            raise RemoteError("remote_refused", "The project has got files meanwhile. Nothing was changed.")
        aside = path.with_suffix(BEFORE) if is_used else made.with_name("unused")  # that goes when `made` is left
        shutil.rmtree(aside, ignore_errors=True)
        put_in_place(made, path, aside=aside)


def take_over(project_id: UUID, made: Path, *, branch: str, old: str, new: str) -> None:
    """Bring what a fetch got into the project's repository, objects first, and move the branch forward.

    Raises RemoteError where somebody moved it meanwhile.
    """
    path = Repository(project_id).path
    with locked(path):
        for suffix in TO_KEEP:
            for file in sorted((made / "objects" / "pack").glob(f"*{suffix}")):
                file.rename(path / "objects" / "pack" / file.name)
        _keep_loose(made, path)
        if (made / "shallow").exists():
            (made / "shallow").rename(path / "shallow")
        sync(path / "objects" / "pack")
        try:
            move_branch(open_bare(path), branch, to=pygit2.Oid(hex=new), expected=pygit2.Oid(hex=old))
        except BranchMoved:
            raise RemoteError("remote_unavailable", f"{branch} was changed here meanwhile. Fetch again.") from None


def _keep_loose(made: Path, path: Path) -> None:
    """Objects that are in no pack."""
    for file in (made / "objects").glob("[0-9a-f][0-9a-f]/*"):
        target = path / "objects" / file.parent.name / file.name
        target.parent.mkdir(exist_ok=True)
        file.rename(target)
