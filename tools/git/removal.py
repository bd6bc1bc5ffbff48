"""Taking out of a project's files what was a chat's, and whole repositories.

A chat's branch goes at once, with what was put forward of it. Its objects stay until `rewrite`, which packs what the
other branches reach and then deletes everything else: at every moment all that is reachable is there, so it may be
stopped at any point. Why in place, and not a fresh repository: docs/decisions/0067-what-is-deleted-is-gone.md
"""

import contextlib
import fcntl
import re
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pygit2
from django.conf import settings
from pygit2.enums import FileMode

from tools.git.bare import locked, open_bare
from tools.git.repository import Repository
from tools.git.swapping import MARK

CHAT = re.compile(r"refs/(?:heads/parley/chat-|pull/)([0-9a-f]{12})(?:/.*)?")  # the refs of a chat, by its short id
TRIES = 3  # at a repository whose chats are deleted while it is rewritten
LEFT_FOR_S = 3600  # what nobody knows may be about to be stored, and is left alone for so long
PART = "parley-"  # a pack that is being made


def known_projects() -> list[UUID]:
    """The projects that have something on disk."""
    found = {_project_of(each) for each in _root().glob("*")} if _root().is_dir() else set()
    return sorted(each for each in found if each)


def remove_repository(project_id: UUID) -> None:
    """Remove the project's repository with all that lies beside it: what was put aside, its marks, its lock."""
    path = Repository(project_id).path
    with locked(path):
        for folder in _beside(path):
            shutil.rmtree(folder) if folder.is_dir() else folder.unlink(missing_ok=True)


def is_old(project_id: UUID) -> bool:
    """Whether what there is of the project has lain there for a while."""
    try:
        return time.time() - Repository(project_id).path.stat().st_mtime > LEFT_FOR_S
    except FileNotFoundError:
        return True


def short_id(chat: UUID) -> str:
    """What its refs call the chat."""
    return chat.hex[:12]


def forget_chats(project_id: UUID, chats: Collection[str]) -> int:
    """Delete the refs of these chats, by their short ids; how many. Their objects go by `rewrite`."""
    path = Repository(project_id).path
    if not Repository(project_id).exists():
        return 0
    with locked(path):
        return sum(_forget(each, chats, path) for each in _repositories(path))


def chats_left(project_id: UUID) -> set[str]:
    """The short ids of the chats that have a ref which is not quite new."""
    until = time.time() - LEFT_FOR_S
    found = set()
    for path in _repositories(Repository(project_id).path):
        raw = open_bare(path)
        for name, match in _refs_of_chats(raw):
            if raw.references[name].peel(pygit2.Commit).commit_time < until:
                found.add(match)
    return found


def rewrite(project_id: UUID) -> bool:
    """Leave nothing in the project's repositories but what their refs reach; False where no ref was deleted there.

    Others go on reading and writing meanwhile. They wait for the lock only while what they added is packed too.
    """
    path = Repository(project_id).path
    if not _marked(path):
        return False
    with _alone(path) as is_ours:
        return is_ours and _rewrite(path)


def _rewrite(path: Path) -> bool:
    for _ in range(TRIES):
        stamp = _marked(path)
        if not stamp:
            return False
        packings = _packings(path)
        with locked(path):
            # Else a ref went meanwhile, and what it reached is packed, or another repository came: once more.
            if _marked(path) == stamp and all(each.is_there for each in packings):
                for packing in packings:
                    packing.finish()
                path.with_suffix(MARK).unlink()
                return True
            for packing in packings:
                packing.give_up()
    return False


def _packings(path: Path) -> list["_Packing"]:
    """Of the project's repositories, packed so far."""
    made = [_Packing(each) for each in _repositories(path)]
    for packing in made:
        packing.pack()
    return made


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Whether nobody else rewrites it now, among all threads and processes; and nobody will while we are at it."""
    with path.with_suffix(".rewriting").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


class _Packing:
    """All that a repository's refs reach, in packs of its own: first without the lock, then what came meanwhile."""

    def __init__(self, path: Path) -> None:
        self.objects = path / "objects"
        self.path = path
        self._folder = _identity(path)
        self._seen: set[pygit2.Oid] = set()
        self._tips: set[pygit2.Oid] = set()
        self._packs: set[str] = set()
        self._before = {each.stem for each in (self.objects / "pack").glob("*")}

    @property
    def is_there(self) -> bool:
        """Whether it is still this repository that lies there. For certain with the lock alone."""
        return self._folder is not None and _identity(self.path) == self._folder

    def pack(self) -> None:
        """Pack what is reached now and was not before. Where another repository came meanwhile, that is no error."""
        try:
            self._pack()
        except (KeyError, OSError, pygit2.GitError):
            if self.is_there:
                raise

    def finish(self) -> None:
        """Pack what is new, and delete everything else. With the lock."""
        self._pack()
        for file in list((self.objects / "pack").iterdir()):
            if file.stem not in self._packs:
                file.unlink()
        for folder in self.objects.iterdir():
            if folder.name != "pack" and not _is_being_made(folder):
                shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
        (self.objects / "info").mkdir(mode=0o700)

    def give_up(self) -> None:
        """Delete what was packed: all of it is there once more. With the lock."""
        if not self.is_there:
            return
        for name in self._packs - self._before:
            for file in (self.objects / "pack").glob(f"{name}.*"):
                file.unlink()

    def _pack(self) -> None:
        raw = open_bare(self.path)
        tips = _tips(raw)
        new = list(_reachable(raw, tips, self._tips, self._seen))
        self._tips |= tips
        if new:
            self._packs |= _store(raw, self.objects, new)


def _identity(path: Path) -> tuple[int, int] | None:
    """Which folder is at the path."""
    with contextlib.suppress(FileNotFoundError):
        found = path.stat()
        return found.st_dev, found.st_ino
    return None


def _is_being_made(folder: Path) -> bool:
    """Whether somebody may be making a pack in it, such as a push: of what refs reach, and nobody looks into it."""
    return folder.name.startswith(PART) and time.time() - folder.stat().st_mtime < LEFT_FOR_S


def _store(raw: pygit2.Repository, objects: Path, ids: list[pygit2.Oid]) -> set[str]:
    """Store the objects in a pack; its name. It is whole before anybody sees it: its index comes last."""

    def choose(builder: pygit2.PackBuilder) -> None:
        for id in ids:
            builder.add(id)

    names = set()
    with tempfile.TemporaryDirectory(prefix=PART, dir=objects) as made:
        raw.pack(made, choose)
        for file in sorted(Path(made).iterdir(), key=lambda each: each.suffix == ".idx"):
            file.rename(objects / "pack" / file.name)
            names.add(file.stem)
    return names


def _reachable(
    raw: pygit2.Repository, tips: set[pygit2.Oid], without: set[pygit2.Oid], seen: set[pygit2.Oid]
) -> Iterator[pygit2.Oid]:
    """Every commit, folder and file that the tips reach and those others do not, but for what was seen before."""
    walker = raw.walk(None)
    for tip in tips:
        walker.push(tip)
    for tip in without:
        walker.hide(tip)
    for commit in walker:
        yield commit.id
        yield from _tree(raw, commit.tree_id, seen)


def _tree(raw: pygit2.Repository, tree: pygit2.Oid, seen: set[pygit2.Oid]) -> Iterator[pygit2.Oid]:
    waiting = [tree]
    while waiting:
        id = waiting.pop()
        if id in seen:
            continue
        seen.add(id)
        yield id
        for entry in raw[id].peel(pygit2.Tree):
            if entry.filemode == FileMode.TREE:
                waiting.append(entry.id)
            elif entry.filemode != FileMode.COMMIT and entry.id not in seen:  # a submodule's commit is elsewhere
                seen.add(entry.id)
                yield entry.id


def _tips(raw: pygit2.Repository) -> set[pygit2.Oid]:
    return {raw.references[name].peel(pygit2.Commit).id for name in raw.references}


def _forget(path: Path, chats: Collection[str], lock: Path) -> int:
    raw = open_bare(path)
    names = [name for name, chat in _refs_of_chats(raw) if chat in chats]
    if names:
        lock.with_suffix(MARK).write_text(uuid4().hex)  # before: whoever dies in between leaves too much work, not none
    for name in names:
        raw.references.delete(name)
    return len(names)


def _refs_of_chats(raw: pygit2.Repository) -> list[tuple[str, str]]:
    return [(name, match[1]) for name in raw.references if (match := CHAT.fullmatch(name))]


def _marked(path: Path) -> str:
    with contextlib.suppress(FileNotFoundError):
        return path.with_suffix(MARK).read_text()
    return ""


def _repositories(path: Path) -> list[Path]:
    """The project's repository, and those that imports have put aside."""
    return [each for each in _beside(path) if (each / "HEAD").is_file()]


def _beside(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.stem}.*"))


def _project_of(path: Path) -> UUID | None:
    try:
        return UUID(path.name.partition(".")[0])
    except ValueError:
        return None


def _root() -> Path:
    return Path(settings.TOOLS_REPOSITORIES)
