"""Bring the history of a git repository on this machine into a project. For operators; no tool does this.

The objects that its branches reach are copied into a pack of the project's own. Nothing else of the source is used: no
hook, filter, remote or alternate of it comes along, and no git program runs.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import pygit2
from pygit2.enums import RepositoryOpenFlag

from tools.errors import PathRefused
from tools.git.bare import MAIN, create_bare, locked, move_branch
from tools.git.checking import OURS, HistoryRefused, is_ours, objects_of
from tools.git.paths import check_branch
from tools.git.repository import Repository


class ImportRefused(HistoryRefused):
    """Says why the history was not brought in; nothing has changed."""


@dataclass(frozen=True)
class Imported:
    """What came in."""

    branches: tuple[str, ...]  # the default branch first
    left_out: tuple[str, ...]  # branches whose names we do not take
    objects: int
    aside: Path | None  # where the project's repository of before is kept


def import_history(repository: Repository, source: Path, *, replace: bool = False) -> Imported:
    """Make the project's repository from the local branches of the one at `source`. Raises HistoryRefused."""
    origin = _open(source)
    tips, left_out = _tips(origin)
    with locked(repository.path):
        aside = repository.path.with_suffix(f".{int(time.time())}") if repository.exists() else None
        if aside and not replace:
            raise ImportRefused("The project has a repository already. With --replace, that one is put aside.")
        objects = 0

        def fill(made: pygit2.Repository) -> None:
            nonlocal objects
            objects = _copy(origin, made, tips)

        create_bare(repository.path, fill, aside=aside)
    return Imported(tuple(tips), left_out, objects, aside)


def _open(source: Path) -> pygit2.Repository:
    try:
        origin = pygit2.Repository(str(source), RepositoryOpenFlag.NO_SEARCH)
    except pygit2.GitError as error:
        raise ImportRefused(f"{source} cannot be read as a git repository: {error}") from error
    if origin.is_shallow:
        raise ImportRefused(f"{source} holds a part of its history only. Run `git fetch --unshallow` in it first.")
    if origin.is_empty or origin.head_is_unborn:
        raise ImportRefused(f"{source} has no commit to begin with.")
    return origin


def _tips(origin: pygit2.Repository) -> tuple[dict[str, pygit2.Oid], tuple[str, ...]]:
    """The newest commit of each branch, the one that is checked out first; and the branches that are left out."""
    head = MAIN if origin.head_is_detached else origin.head.shorthand
    tips, left_out = {head: origin.head.peel(pygit2.Commit).id}, []
    for name in origin.branches.local:
        if name.casefold() == OURS:  # a chat's branch could not be made beside it
            left_out.append(name)
            continue
        try:
            tips.setdefault(check_branch(name), origin.branches.local[name].peel(pygit2.Commit).id)
        except PathRefused:
            left_out.append(name)
    if head in left_out or is_ours(head):
        raise ImportRefused(f"The branch {head!r} is checked out; give it a plainer name first.")
    return tips, tuple(left_out)


def _copy(origin: pygit2.Repository, made: pygit2.Repository, tips: dict[str, pygit2.Oid]) -> int:
    objects = set(objects_of(origin, list(tips.values())))

    def choose(builder: pygit2.PackBuilder) -> None:
        for id in objects:
            builder.add(id)

    try:
        count = origin.pack(Path(made.path) / "objects" / "pack", choose)
    except (pygit2.GitError, OSError) as error:
        raise ImportRefused(f"The objects could not be copied: {error}") from error
    for name, tip in tips.items():
        move_branch(made, name, to=tip, expected=None)
    made.set_head(f"refs/heads/{next(iter(tips))}")
    return count
