"""Looking through a history that comes from outside: that it is whole, and holds no name that git itself never makes.

No Django: the child that takes a history in looks through it with this.
"""

from collections.abc import Iterator

import pygit2
from pygit2.enums import FileMode

from tools.errors import PathRefused
from tools.git.paths import check_branch, is_gits_own
from tools.git.trees import name_of

OURS = "parley"  # branches of chats are called parley/chat-...


class HistoryRefused(Exception):
    """Says why a history was not taken; nothing has changed."""


def check_default_branch(name: str) -> str:
    """The name, if a project's default branch may be called so. Raises PathRefused."""
    if is_ours(name):
        told = "branch: those called parley, or parley/ and more, are the branches of chats. Choose another one."
        raise PathRefused(told)
    return check_branch(name)


def is_ours(name: str) -> bool:
    """Whether it would stand in the way of chats' branches, or be taken for one; on any file system."""
    return name.casefold().partition("/")[0] == OURS


def objects_of(origin: pygit2.Repository, tips: list[pygit2.Oid]) -> Iterator[pygit2.Oid]:
    """Every commit, folder and file that the tips reach. Raises HistoryRefused for one that is missing or hostile."""
    seen: set[pygit2.Oid] = set()
    walker = origin.walk(tips[0])
    for tip in tips[1:]:
        walker.push(tip)
    try:
        for commit in walker:
            yield commit.id
            yield from _tree_objects(origin, commit.tree_id, seen)
    except (KeyError, pygit2.GitError) as error:
        raise HistoryRefused(f"The history is not whole: {error}") from error


def _tree_objects(origin: pygit2.Repository, tree: pygit2.Oid, seen: set[pygit2.Oid]) -> Iterator[pygit2.Oid]:
    waiting = [tree]
    while waiting:
        id = waiting.pop()
        if id in seen:
            continue
        seen.add(id)
        yield id
        for entry in origin[id].peel(pygit2.Tree):
            _check_name(name_of(entry))
            if entry.filemode == FileMode.TREE:
                waiting.append(entry.id)
            elif entry.filemode != FileMode.COMMIT and entry.id not in seen:  # a submodule's commit is elsewhere
                seen.add(entry.id)
                yield entry.id


def _check_name(name: str) -> None:
    """Git itself never makes these; a repository that has them was made to do harm where it is checked out."""
    if name in ("", ".", "..") or "/" in name or is_gits_own(name):
        raise HistoryRefused(f"The history has a file or folder named {name!r}.")
