"""A commit merged into the default branch: the merge is made first, and the branch moved to it last."""

from dataclasses import dataclass

import pygit2

from tools.errors import ToolError
from tools.git.bare import BranchMoved, default_branch, locked, move_branch, open_bare, tip_of
from tools.git.joining import conflicts_of, joined
from tools.git.repository import COMMITTER, Repository, signature


class Conflicted(ToolError):
    """Both sides changed the same; `paths` says where."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__("Both sides changed the same lines.")
        self.paths = paths


class Gone(ToolError):
    """The commit is not in the repository any more, as where that was replaced."""


@dataclass(frozen=True)
class Merge:
    """A merge that no branch has yet, or that one has already."""

    base: str  # the default branch
    onto: str  # its commit, hex
    commit: str  # the merge's, hex
    is_done: bool  # the default branch has it: somebody died before they could say so


def prepare_merge(repository: Repository, head: str, *, message: str, author: tuple[str, str]) -> Merge:
    """The merge of the head into the default branch, which stays where it is.

    Raises Conflicted, Gone, TooLargeToMerge.
    """
    repository.ensure()
    raw = open_bare(repository.path)
    base = default_branch(raw)
    main, tip = tip_of(raw, base), commit_of(raw, head)
    if main is None or tip is None:
        raise Gone("What was put forward is not in the repository any more.")
    if raw.merge_base(main.id, tip.id) == tip.id:
        return Merge(base, str(main.id), str(_merge_of(raw, main, tip).id), is_done=True)
    index = joined(raw, main, tip)
    if paths := conflicts_of(index):
        raise Conflicted(paths)
    people = signature(author), signature(COMMITTER)
    made = raw.create_commit(None, *people, message, index.write_tree(raw), [main.id, tip.id])
    return Merge(base, str(main.id), str(made), is_done=False)


def finish_merge(repository: Repository, merge: Merge) -> None:
    """Move the default branch to the merge, if it is where it was. Raises BranchMoved, RepositoryBusy."""
    if merge.is_done:
        return
    with locked(repository.path):
        raw = open_bare(repository.path)
        if default_branch(raw) != merge.base:
            raise BranchMoved(merge.base)
        move_branch(raw, merge.base, to=pygit2.Oid(hex=merge.commit), expected=pygit2.Oid(hex=merge.onto))


def commit_of(raw: pygit2.Repository, id: str) -> pygit2.Commit | None:
    """The commit of this id in hex, if it is there."""
    oid = pygit2.Oid(hex=id)
    found = raw.get(oid, None)
    return found if isinstance(found, pygit2.Commit) else None


def _merge_of(raw: pygit2.Repository, main: pygit2.Commit, head: pygit2.Commit) -> pygit2.Commit:
    """The commit of the default branch that merged it; its newest, where it was moved there otherwise."""
    for commit in raw.walk(main.id):
        if head.id in commit.parent_ids[1:]:
            return commit
        if commit.id == head.id:
            break
    return main
