"""A branch put forward for merging: two refs, and nothing else changes."""

import time

import pytest
from pygit2.enums import ObjectType

from tests.tools.branches import DEV, put
from tests.tools.gits import fsck, git, heads
from tests.tools.test_diffs import two_letters
from tools.errors import ToolError
from tools.git.bare import open_bare
from tools.git.joining import TooLargeToMerge
from tools.git.merging import prepare_merge
from tools.git.proposals import Proposal, propose
from tools.git.repository import Repository
from tools.git.review import review

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


@pytest.mark.parametrize("has_base", [True, False])
def test_what_is_too_large_to_merge_is_told_at_once(repository: Repository, has_base: bool) -> None:
    if has_base:
        put(repository, "main", {"big.txt": two_letters(300_000, 1)})
    git(repository.path, "update-ref", f"refs/heads/{BRANCH}", "refs/heads/main")
    put(repository, BRANCH, {"big.txt": two_letters(300_000, 2)})
    put(repository, "main", {"other.txt": b"x\n"})
    assert put_forward(repository).merge is not None, "what one side changed is taken as it is"
    put(repository, "main", {"big.txt": two_letters(300_000, 3)})
    began = time.monotonic()
    made = put_forward(repository)
    seen = review(repository, made.head)
    assert (made.merge, made.is_too_large, made.conflicts) == (None, True, ())
    assert seen and (seen.is_too_large, seen.conflicts, [each.path for each in seen.files]) == (True, (), ["big.txt"])
    with pytest.raises(TooLargeToMerge):
        prepare_merge(repository, made.head, message="x", author=("A", "a@b"))
    assert time.monotonic() - began < 1


def test_what_was_moved_here_and_changed_there_is_merged(repository: Repository) -> None:
    text = b"".join(b"line %d\n" % each for each in range(50))
    put(repository, "main", {"old.txt": text})
    git(repository.path, "update-ref", f"refs/heads/{BRANCH}", "refs/heads/main")
    put(repository, BRANCH, {"old.txt": None, "new.txt": text})
    put(repository, "main", {"old.txt": text + b"more\n"})
    assert put_forward(repository).conflicts == ()
    assert git(repository.path, "show", "refs/pull/1/merge:new.txt").endswith("more\n")


def test_a_conflict_in_a_name_that_is_no_utf8_can_be_sent(repository: Repository) -> None:
    raw = open_bare(repository.path)
    begin = raw.references["refs/heads/main"].target
    for branch in (BRANCH, "main"):
        blob = raw.create_blob(branch.encode())
        tree = raw.write(ObjectType.TREE, b"100644 caf\xe9.txt\0" + blob.raw)
        raw.references.create(f"refs/heads/{branch}", raw.create_commit(None, DEV, DEV, "x", tree, [begin]), force=True)
    (path,) = put_forward(repository).conflicts
    assert path.encode() == "caf\ufffd.txt".encode()
