"""A branch put forward for merging: two refs, and nothing else changes."""

import pytest

from tests.tools.gits import fsck, git, heads
from tools.errors import ToolError
from tools.git.proposals import Proposal, propose
from tools.git.repository import Repository

BRANCH = "parley/chat-1"
ALICE = {"author_name": "Alice", "author_email": "alice@example.com"}


def put_forward(repository: Repository) -> Proposal:
    return propose(repository, BRANCH, "1", title="Cheaper coffee", **ALICE)


def test_it_is_the_branch_and_what_merging_it_would_make(repository: Repository) -> None:
    written = repository.write(BRANCH, "src/prices.py", "COFFEE = 1\n", **ALICE)
    before = heads(repository.path)
    made = put_forward(repository)
    assert (made.base, made.head, made.conflicts) == ("main", written.commit, ())
    assert git(repository.path, "rev-parse", "refs/pull/1/head").strip() == written.commit
    assert git(repository.path, "show", "refs/pull/1/merge:src/prices.py") == "COFFEE = 1\n"
    assert git(repository.path, "log", "-1", "--format=%s %an", "refs/pull/1/merge") == "Cheaper coffee Alice\n"
    assert heads(repository.path) == before
    fsck(repository.path)


def test_once_more_it_is_renewed(repository: Repository) -> None:
    repository.write(BRANCH, "a.txt", "1", **ALICE)
    first = put_forward(repository)
    repository.write(BRANCH, "a.txt", "2", **ALICE)
    second = put_forward(repository)
    assert second.head != first.head and second.merge != first.merge
    assert git(repository.path, "show", "refs/pull/1/merge:a.txt") == "2"


def test_a_conflict_is_named_and_nothing_is_ready_to_merge(repository: Repository) -> None:
    repository.write(BRANCH, "README.md", "ours\n", **ALICE)
    assert put_forward(repository).merge is not None
    repository.write("other", "README.md", "theirs\n", **ALICE)
    git(repository.path, "update-ref", "refs/heads/main", "refs/heads/other")
    made = put_forward(repository)
    assert (made.merge, made.merge_ref, made.conflicts) == (None, None, ("README.md",))
    assert "refs/pull/1/merge" not in git(repository.path, "for-each-ref")


def test_a_branch_without_changes_is_not_put_forward(repository: Repository) -> None:
    with pytest.raises(ToolError, match="no changes"):
        put_forward(repository)
    repository.write(BRANCH, "a.txt", "1", **ALICE)
    git(repository.path, "update-ref", "refs/heads/main", f"refs/heads/{BRANCH}")
    with pytest.raises(ToolError, match="no changes"):
        put_forward(repository)
