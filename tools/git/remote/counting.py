"""How much a folder holds, in the child. No Django."""

from dataclasses import dataclass

import pygit2
from pygit2.enums import FileMode


@dataclass(frozen=True)
class Counted:
    """Of a folder, with all that is below it."""

    files: int
    folders: int


def counted(repository: pygit2.Repository, root: pygit2.Oid, *, most: int) -> Counted:
    """What is in the folder; of each kind `most` at most.

    Each tree is looked at once, however often it occurs: ten of them can make up a billion paths. With a stack of its
    own, as a hostile tree can be deeper than Python's.
    """
    known: dict[pygit2.Oid, Counted] = {}
    waiting = [root]
    while waiting:
        id = waiting[-1]
        entries = [] if id in known else list(repository[id].peel(pygit2.Tree))
        folders = [entry.id for entry in entries if entry.filemode == FileMode.TREE]
        if unknown := {each for each in folders if each not in known}:
            waiting.extend(unknown)
            continue
        waiting.pop()
        if id not in known:
            files = sum(entry.filemode not in (FileMode.TREE, FileMode.COMMIT) for entry in entries)
            known[id] = _sum(files, [known[each] for each in folders], most)
    return known[root]


def _sum(files: int, folders: list[Counted], most: int) -> Counted:
    return Counted(
        min(most, files + sum(each.files for each in folders)),
        min(most, len(folders) + sum(each.folders for each in folders)),
    )
