"""What another repository lacks of a commit's history, as one pack. Nothing of it stays on disk."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import pygit2
from pygit2.enums import FileMode, ObjectType

from tools.errors import ForgeError

PART = "parley-push-"  # a folder among the objects, in which a pack is made
STALE_S = 3600.0  # older ones were left by a process that died: a push takes minutes at most


def pack_of(repository: pygit2.Repository, tip: pygit2.Oid, has: Collection[pygit2.Oid], max_bytes: int) -> bytes:
    """A pack of all that the tip reaches and these commits do not. Raises ForgeError where it is longer."""
    objects = Path(repository.path) / "objects"
    _remove_stale(objects)

    def choose(builder: pygit2.PackBuilder) -> None:
        for id in missing(repository, tip, has):
            builder.add(id)

    with tempfile.TemporaryDirectory(prefix=PART, dir=objects) as made:
        repository.pack(made, choose, 1)
        (pack,) = Path(made).glob("*.pack")
        if pack.stat().st_size > max_bytes:
            raise ForgeError("push_too_large", f"The branch has more to push than the {max_bytes:,} bytes of a push.")
        return pack.read_bytes()


def missing(repository: pygit2.Repository, tip: pygit2.Oid, has: Collection[pygit2.Oid]) -> Iterator[pygit2.Oid]:
    """The commits between, and of their folders and files those that lie at no such place in a parent."""
    seen: set[pygit2.Oid] = set()
    walker = repository.walk(tip)
    for each in has:
        walker.hide(each)
    for commit in walker:
        yield commit.id
        parents = [parent.tree for parent in commit.parents]
        yield from _new(repository, commit.tree, parents, seen)


def commits_among(repository: pygit2.Repository, ids: Iterable[str]) -> list[pygit2.Oid]:
    """Those of the ids that are commits here, or lead to one, as a tag does."""
    return [oid for oid in (pygit2.Oid(hex=each) for each in ids) if _is_commit(repository, oid)]


def _is_commit(repository: pygit2.Repository, oid: pygit2.Oid) -> bool:
    try:
        return repository.odb.read_header(oid)[0] in (ObjectType.COMMIT, ObjectType.TAG)
    except (KeyError, pygit2.GitError):  # not asked beforehand: `in` reads all of it
        return False


def _new(
    repository: pygit2.Repository, tree: pygit2.Tree, parents: list[pygit2.Tree], seen: set[pygit2.Oid]
) -> Iterator[pygit2.Oid]:
    """With a stack of its own: a hostile tree can be deeper than Python's."""
    waiting = [(tree, parents)]
    while waiting:
        folder, before = waiting.pop()
        if folder.id in seen or any(folder.id == each.id for each in before):
            continue
        seen.add(folder.id)
        yield folder.id
        named = [{old.raw_name: old for old in each} for each in before]
        for entry in folder:
            olds = [each[entry.raw_name] for each in named if entry.raw_name in each]
            if entry.filemode == FileMode.TREE:
                inner = [old.peel(pygit2.Tree) for old in olds if old.filemode == FileMode.TREE]
                waiting.append((repository[entry.id].peel(pygit2.Tree), inner))
            elif _is_new(entry, olds) and entry.id not in seen:
                seen.add(entry.id)
                yield entry.id


def _is_new(entry: pygit2.Object, olds: list[pygit2.Object]) -> bool:
    """Whether the file is at this place in no parent. A submodule's commit is elsewhere."""
    return entry.filemode != FileMode.COMMIT and all(entry.id != old.id for old in olds)


def _remove_stale(objects: Path) -> None:
    for folder in objects.glob(f"{PART}*"):
        with contextlib.suppress(FileNotFoundError):  # another push is done with it
            if time.time() - folder.stat().st_mtime > STALE_S:
                shutil.rmtree(folder, ignore_errors=True)
