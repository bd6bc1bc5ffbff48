"""A branch's diff: every kind of change, within its bounds, and as git itself has it."""

import random
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from pygit2.enums import FileMode

from tests.tools.branches import put
from tests.tools.gits import CLEAN, fsck, git
from tools.errors import PathRefused
from tools.git import bounds
from tools.git.lines import compared as lines_compared
from tools.git.repository import Repository

BRANCH = "parley/chat-1"
TEXT = b"".join(b"line %d of the old file\n" % number for number in range(40))
HOSTILE = ("a\u202egnp.exe", "<img src=x onerror=alert(1)>.txt", "esc\x1b[31m.txt", 'quo"te.txt', "new\nline.txt")


@pytest.fixture
def old(repository: Repository) -> Repository:
    """With some more files on the default branch."""
    put(
        repository,
        "main",
        {"old.txt": TEXT, "crlf.txt": b"one\r\ntwo\r\n", "end.txt": b"no end", "run.sh": b"#!/bin/sh\n"},
    )
    return repository


KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "moved": (
        {"old.txt": None, "new.txt": TEXT},
        {"path": "new.txt", "old_path": "old.txt", "status": "R", "additions": 0},
    ),
    "moved and changed": (
        {"old.txt": None, "new.txt": TEXT + b"more\n"},
        {"path": "new.txt", "old_path": "old.txt", "status": "R", "additions": 1, "deletions": 0},
    ),
    "mode": ({"run.sh": (b"#!/bin/sh\n", FileMode.BLOB_EXECUTABLE)}, {"status": "M", "additions": 0, "deletions": 0}),
    "link": ({"run.sh": (b"old.txt", FileMode.LINK)}, {"path": "run.sh"}),
    "binary": ({"picture.png": b"\x89PNG\0\0"}, {"status": "A", "is_binary": True, "additions": 0}),
    "CRLF": ({"crlf.txt": b"one\r\n2\r\n"}, {"status": "M", "additions": 1, "deletions": 1}),
    "no newline at the end": ({"end.txt": b"no end!"}, {"status": "M", "additions": 1, "deletions": 1}),
    "not UTF-8": ({"latin.txt": b"caf\xe9\n"}, {"status": "A", "additions": 1}),
    "deleted": ({"end.txt": None}, {"status": "D", "additions": 0, "deletions": 1}),
    "empty": ({"empty.txt": b""}, {"status": "A", "additions": 0, "is_truncated": False}),
}


@pytest.mark.parametrize(("files", "expected"), KINDS.values(), ids=KINDS.keys())
def test_every_kind_of_change_is_told(old: Repository, files: Any, expected: dict[str, Any]) -> None:
    put(old, BRANCH, files)
    diff = old.diff(BRANCH)
    assert {name: getattr(diff.files[0], name) for name in expected} == expected
    assert not diff.truncated and diff.file_count == len(diff.files)
    assert "".join(each.patch for each in diff.files) == diff.text
    fsck(old.path)


@pytest.mark.parametrize("name", [name for name in KINDS if name not in ("binary",)])
def test_git_can_apply_the_patch(old: Repository, name: str, tmp_path: Path) -> None:
    """It makes of the old tree the new one, byte by byte."""
    put(old, BRANCH, KINDS[name][0])
    (tmp_path / "work").mkdir()
    index = {**CLEAN, "GIT_INDEX_FILE": str(tmp_path / "index")}
    base = ["git", "-C", str(old.path), "-c", "safe.directory=*"]
    subprocess.run([*base, "read-tree", "main"], env=index, check=True)
    patch = old.diff(BRANCH).patch
    subprocess.run([*base, "apply", "--cached", "-"], env=index, input=patch, check=True)
    tree = subprocess.run([*base, "write-tree"], env=index, check=True, capture_output=True, text=True).stdout
    assert tree == git(old.path, "rev-parse", f"{BRANCH}^{{tree}}")


def test_context_and_path_are_chosen(old: Repository) -> None:
    put(old, BRANCH, {"old.txt": TEXT.replace(b"line 20 of", b"LINE 20 of"), "b.txt": b"b\n"})
    lengths = [len(old.diff(BRANCH, path="old.txt", context=lines).text.splitlines()) for lines in (0, 3, 20)]
    assert lengths[0] + 6 == lengths[1] and lengths[1] < lengths[2]
    assert [each.path for each in old.diff(BRANCH, path="old.txt").files] == ["old.txt"]
    assert old.diff(BRANCH, path="src").files == () and old.diff(BRANCH, path="nothing/there").files == ()
    with pytest.raises(PathRefused):
        old.diff(BRANCH, path="../x")


def test_what_moved_on_both_sides_is_compared_with_where_they_parted(old: Repository) -> None:
    """The branch moves a file, the default branch changes it: the branch's diff is its own move alone."""
    put(old, BRANCH, {"old.txt": None, "new.txt": TEXT})
    put(old, "main", {"old.txt": TEXT + b"meanwhile\n"})
    (file,) = old.diff(BRANCH).files
    assert (file.status, file.old_path, file.path, file.additions) == ("R", "old.txt", "new.txt", 0)


def test_one_huge_line_makes_no_huge_patch(old: Repository) -> None:
    put(old, BRANCH, {"huge.txt": b"x" * 30_000_000, "small.txt": b"small\n"})
    began = time.monotonic()
    diff = old.diff(BRANCH)
    assert time.monotonic() - began < 1
    assert [(each.path, each.is_truncated, len(each.patch) > 0) for each in diff.files] == [
        ("huge.txt", True, False),
        ("small.txt", False, True),
    ]
    assert diff.truncated and len(diff.patch) < 1_000


def test_patches_have_their_bounds(old: Repository, settings: Any) -> None:
    settings.TOOLS_DIFF_FILE_MAX_BYTES, settings.TOOLS_DIFF_MAX_BYTES = 500, 1_500
    put(old, BRANCH, {f"{name}.txt": f"{name}\n".encode() * 200 for name in "abcdef"})
    diff = old.diff(BRANCH)
    assert diff.truncated and diff.text.endswith("\n[cut]\n") and len(diff.patch) <= 1_500 + len("\n[cut]\n")
    assert all(each.is_truncated and len(each.patch) <= 500 for each in diff.files)
    assert all(each.patch == "" or each.patch.endswith("\n") for each in diff.files), "cut between lines"
    assert [each.additions for each in diff.files[:2]] == [200, 200]


def test_six_thousand_files_are_listed_as_far_as_one_may(old: Repository) -> None:
    put(old, BRANCH, {f"{number:05}.txt": b"x\n" for number in range(6_000)})
    began = time.monotonic()
    diff = old.diff(BRANCH)
    assert time.monotonic() - began < 5
    assert (len(diff.files), diff.file_count, diff.truncated) == (1_000, 6_000, True)


def test_hostile_names_are_whole_and_fit_for_json(old: Repository) -> None:
    put(old, BRANCH, dict.fromkeys(HOSTILE, b"x\n"))
    names = {each.path for each in old.diff(BRANCH).files}
    assert names == set(HOSTILE)
    old.diff(BRANCH).text.encode()


def test_many_lines_are_told_and_not_compared(old: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """libgit2's time grows with the square of them, and nobody else in the process goes on meanwhile."""
    put(old, "main", {"many.txt": two_letters(400_000, 1), "some.txt": b"1\n" * 1_000})
    git(old.path, "update-ref", f"refs/heads/{BRANCH}", "refs/heads/main")
    put(old, BRANCH, {"many.txt": two_letters(400_000, 2), "some.txt": b"2\n" * 1_000})
    began = time.process_time()
    told = {each.path: (each.is_truncated, each.additions) for each in old.diff(BRANCH).files}
    assert time.process_time() - began < 2 and told == {"many.txt": (True, 0), "some.txt": (False, 1_000)}
    monkeypatch.setattr(bounds, "ALL_MAX_LINES", 1_999)
    assert [each.is_truncated for each in old.diff(BRANCH).files] == [True, True], "of all files together, too"


def two_letters(lines: int, seed: int) -> bytes:
    return b"\n".join(b"ab"[each % 2 :][:1] for each in random.Random(seed).randbytes(lines)) + b"\n"


@pytest.mark.parametrize("lines", [400_000, 50_001])
def test_texts_of_many_lines_are_compared_in_time(lines: int) -> None:
    one, other = (f"same\n{seed}\n{two_letters(lines, seed).decode()}end {seed}\n" for seed in (1, 2))
    began = time.process_time()
    found = list(lines_compared(one, other))
    assert time.process_time() - began < 6  # minutes, by libgit2
    for signs, text in ((" -", one), (" +", other)):
        assert "".join(f"{each.text}\n" for each in found if each.sign in signs) == text
    assert list(lines_compared(one, one)) == []
