"""A chat's branch put forward for merging: a pull request without a host, as two refs in the project's own repository.

The names are those that hosts use, so any git client fetches them: `refs/pull/NAME/head` is the branch's newest commit,
`refs/pull/NAME/merge` the commit that merging it would make, which is there where there is no conflict.
"""

from dataclasses import dataclass

import pygit2

from tools.errors import ToolError
from tools.git.bare import default_branch, locked, open_bare, tip_of
from tools.git.joining import TooLargeToMerge, conflicts_of, joined
from tools.git.paths import check_branch
from tools.git.repository import COMMITTER, Repository, signature


@dataclass(frozen=True)
class Proposal:
    """What was made."""

    base: str  # the default branch's name
    head_ref: str
    head: str  # commit, hex
    merge_ref: str | None  # None: there are conflicts, or it is too large to be merged here
    merge: str | None
    conflicts: tuple[str, ...]  # paths
    is_too_large: bool = False


def propose(
    repository: Repository, branch: str, name: str, *, title: str, author_name: str, author_email: str
) -> Proposal:
    """Put the branch forward under this name; once more, it is renewed. The default branch is not touched.

    Raises ToolError where the branch holds nothing that the default branch does not.
    """
    repository.ensure()
    with locked(repository.path):
        raw = open_bare(repository.path)
        base = default_branch(raw)
        main, tip = tip_of(raw, base), tip_of(raw, check_branch(branch))
        if main is None or tip is None or raw.merge_base(main.id, tip.id) == tip.id:
            raise ToolError("The chat's branch has no changes to put forward.")
        head_ref, merge_ref = f"refs/pull/{name}/head", f"refs/pull/{name}/merge"
        raw.references.create(head_ref, tip.id, force=True)
        index = _joined(raw, main, tip)
        conflicts = conflicts_of(index) if index is not None else ()
        if index is None or conflicts:
            if merge_ref in raw.references:
                raw.references.delete(merge_ref)
            return Proposal(base, head_ref, str(tip.id), None, None, conflicts, is_too_large=index is None)
        parents = [main.id, tip.id]
        people = signature((author_name, author_email)), signature(COMMITTER)
        made = raw.create_commit(None, *people, f"{title}\n", index.write_tree(raw), parents)
        raw.references.create(merge_ref, made, force=True)
        return Proposal(base, head_ref, str(tip.id), merge_ref, str(made), ())


def _joined(raw: pygit2.Repository, main: pygit2.Commit, tip: pygit2.Commit) -> pygit2.Index | None:
    try:
        return joined(raw, main, tip)
    except TooLargeToMerge:
        return None
