"""What a pull request would bring: its commits, its files with their differences, and what stands in its way."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import pygit2

from tools.cleaning import clean
from tools.git.bare import default_branch, open_bare, tip_of
from tools.git.diffs import FileDiff, compared
from tools.git.joining import TooLargeToMerge, conflicts_of, joined
from tools.git.merging import commit_of
from tools.git.repository import Repository

COMMITS_MAX = 100


@dataclass(frozen=True)
class ReviewedCommit:
    """One commit."""

    id: str
    title: str
    author: str
    at: int  # seconds since 1970


@dataclass(frozen=True)
class Review:
    """A head beside the default branch, or beside what it was merged into."""

    onto: str  # commit, hex
    commits: tuple[ReviewedCommit, ...]  # newest first, COMMITS_MAX at most
    files: tuple[FileDiff, ...]
    has_more_files: bool
    conflicts: tuple[str, ...]
    is_too_large: bool  # to be merged here; then of conflicts nothing is known
    is_merged: bool  # the default branch has it


def review(repository: Repository, head: str, *, merged_as: str = "", has_patches: bool = True) -> Review | None:
    """What the head would bring; with `merged_as`, what it brought. None where its commits are gone."""
    repository.ensure()
    raw = open_bare(repository.path)
    tip, main = commit_of(raw, head), tip_of(raw, default_branch(raw))
    merge = commit_of(raw, merged_as) if merged_as else None
    onto = merge.parents[0] if merge is not None and len(merge.parents) > 1 else main
    if tip is None or onto is None:
        return None
    base = raw.merge_base(onto.id, tip.id) or onto.id
    is_merged = bool(merged_as) or base == tip.id
    found = compared(raw, base, tip.id, has_patches=has_patches)
    conflicts = () if is_merged else _conflicts(raw, onto, tip)
    return Review(
        onto=str(onto.id),
        commits=tuple(islice(_commits(raw, onto.id, tip.id), COMMITS_MAX)),
        files=found.files,
        has_more_files=found.file_count > len(found.files),
        conflicts=conflicts or (),
        is_too_large=conflicts is None,
        is_merged=is_merged,
    )


def _conflicts(raw: pygit2.Repository, onto: pygit2.Commit, tip: pygit2.Commit) -> tuple[str, ...] | None:
    """The paths that both sides changed; None where that is too much to be merged."""
    try:
        return conflicts_of(joined(raw, onto, tip))
    except TooLargeToMerge:
        return None


def _commits(raw: pygit2.Repository, onto: pygit2.Oid, tip: pygit2.Oid) -> Iterator[ReviewedCommit]:
    walker = raw.walk(tip)
    walker.hide(onto)
    for commit in walker:
        title = clean(commit.raw_message.decode(errors="replace")).strip().partition("\n")[0][:200]
        author = clean(commit.author.raw_name.decode(errors="replace"))[:100]
        yield ReviewedCommit(str(commit.id), title, author, commit.commit_time)
