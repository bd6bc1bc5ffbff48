"""Two commits joined as a merge would do it, where that is not too much work; no branch and no file is touched."""

import pygit2
from pygit2.enums import DeltaStatus, MergeFlag

from tools.cleaning import clean
from tools.errors import ToolError
from tools.git.bounds import Room

TOO_LARGE = "Both sides changed files that are too large to be merged here."


class TooLargeToMerge(ToolError):
    """Both sides changed more than is merged here."""

    def __init__(self) -> None:
        super().__init__(TOO_LARGE)


def joined(raw: pygit2.Repository, main: pygit2.Commit, tip: pygit2.Commit) -> pygit2.Index:
    """What both together hold, with its conflicts. Raises TooLargeToMerge.

    From one common ancestor, which is the one whose files were counted.
    """
    base = _common(raw, main, tip)
    if base is None:
        sides = [_added(raw, main), _added(raw, tip)]
    else:
        sides = [_changed(raw, base, main), _changed(raw, base, tip)]
    room = Room()
    for path in sides[0].keys() & sides[1].keys():
        ids = {id for side in sides for id in side[path]}
        if not room.takes(raw, ids):
            raise TooLargeToMerge
    flags = MergeFlag.NO_RECURSIVE
    if base is not None and all(_may_be_moved(raw, base, each) for each in (main, tip)):
        flags |= MergeFlag.FIND_RENAMES
    return raw.merge_commits(main, tip, flags=flags)


def conflicts_of(index: pygit2.Index) -> tuple[str, ...]:
    """The paths that both sides changed, sorted, fit to be stored and sent."""
    found = {_fit(side.path) for sides in index.conflicts or () for side in sides if side is not None}
    return tuple(sorted(found))


def _fit(path: str) -> str:
    """A name that is not UTF-8 comes with its bytes hidden in lone surrogates."""
    return clean(path.encode(errors="surrogateescape").decode(errors="replace"))


def _common(raw: pygit2.Repository, main: pygit2.Commit, tip: pygit2.Commit) -> pygit2.Oid | None:
    """Where they parted; None where they never were one, which pygit2 does not say of itself."""
    return raw.merge_base(main.id, tip.id)


def _changed(raw: pygit2.Repository, base: pygit2.Oid, tip: pygit2.Commit) -> dict[bytes, set[pygit2.Oid]]:
    """What the tip changed: the path of each file, and what it held and holds."""
    deltas = raw.diff(str(base), str(tip.id)).deltas
    return {each.new_file.raw_path: {each.old_file.id, each.new_file.id} for each in deltas}


def _added(raw: pygit2.Repository, tip: pygit2.Commit) -> dict[bytes, set[pygit2.Oid]]:
    """The same where there is no common ancestor: all its files are new."""
    deltas = tip.tree.diff_to_tree(swap=True).deltas
    return {each.new_file.raw_path: {each.old_file.id, each.new_file.id} for each in deltas}


def _may_be_moved(raw: pygit2.Repository, base: pygit2.Oid, tip: pygit2.Commit) -> bool:
    """Whether moved files may be looked for by what is in them: what came and went is compared, each with each."""
    room = Room()
    kinds = (DeltaStatus.ADDED, DeltaStatus.DELETED)
    moved = [each for each in raw.diff(str(base), str(tip.id)).deltas if each.status in kinds]
    if len({each.status for each in moved}) < len(kinds):
        return True
    return all(room.takes(raw, (each.old_file.id, each.new_file.id)) for each in moved)
