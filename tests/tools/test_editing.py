"""The tools that change files: what they do, what they say where they cannot, and that a repeated call does it once."""

import json
import uuid
from dataclasses import replace
from typing import Any

import pytest
from pygit2.enums import FileMode

from accounts.models import Project, ProjectMember, Role, User
from tests.tools.branches import put
from tests.tools.gits import fsck, git, heads
from tests.tools.test_files import acting, call
from tools.base import Tool
from tools.editing import delete_file, edit_file, move_file, write_files
from tools.executor import execute
from tools.git.repository import Repository

pytestmark = pytest.mark.django_db(transaction=True)
BRANCH = "parley/chat-1"
PRICES = "COFFEE = 280\nTEA = 240\n"

CALLS: list[tuple[Tool, dict[str, Any]]] = [
    (edit_file, {"path": "src/prices.py", "old": "280", "new": "300"}),
    (delete_file, {"path": "src/prices.py"}),
    (move_file, {"old": "src/prices.py", "new": "src/costs.py"}),
    (write_files, {"files": [{"path": "a.txt", "content": "a"}, {"path": "b/c.txt", "content": "c"}]}),
]
EACH = pytest.mark.parametrize(("tool", "arguments"), CALLS, ids=lambda each: getattr(each, "name", ""))


def held(files: Repository, branch: str = BRANCH) -> dict[str, str]:
    """Every file of the branch."""
    snapshot = files.at(branch)
    return {each.path: snapshot.read(each.path) for each in snapshot.list()}


async def test_each_makes_one_commit_on_the_chats_branch(alice: User, project: Project, files: Repository) -> None:
    before, main = held(files, "main"), heads(files.path)["main"]
    edited = await call(edit_file, alice, project, **CALLS[0][1])
    assert edited.result == {
        **{"path": "src/prices.py", "done": "changed", "replaced": 1},
        **{"branch": BRANCH, "commit": heads(files.path)[BRANCH]},
    }
    moved = await call(move_file, alice, project, **CALLS[2][1])
    assert moved.result["done"] == "moved"
    assert (await call(delete_file, alice, project, path="README.md")).result["done"] == "deleted"
    many = await call(write_files, alice, project, **CALLS[3][1])
    assert many.result["created"] == ["a.txt", "b/c.txt"] and "changed" not in many.result
    assert git(files.path, "rev-list", "--count", f"main..{BRANCH}") == "4\n"
    assert git(files.path, "log", "-4", "--format=%s", BRANCH).splitlines() == [
        *("Write 2 files", "Delete README.md", "Move src/prices.py to src/costs.py", "Edit src/prices.py")
    ]
    assert held(files) == {
        **{"src/deep/er/notes.txt": before["src/deep/er/notes.txt"], "src/costs.py": PRICES.replace("280", "300")},
        **{"a.txt": "a", "b/c.txt": "c"},
    }
    assert heads(files.path)["main"] == main
    fsck(files.path)


@EACH
async def test_a_call_that_is_repeated_finds_what_it_did(
    tool: Tool,
    arguments: dict[str, Any],
    alice: User,
    project: Project,
    files: Repository,
) -> None:
    ctx = replace(acting(alice, project), run_id=uuid.uuid4(), call_id="call_1")
    first = await execute(tool, ctx, arguments)
    files.write(BRANCH, "later.txt", "x", author_name="A", author_email="a@b")
    again = await execute(tool, ctx, arguments)
    assert first.outcome == "returned" and again.result == first.result
    assert git(files.path, "rev-list", "--count", f"main..{BRANCH}") == "2\n"
    if tool is not write_files:  # another call of the same says what there is now
        other = await execute(tool, replace(ctx, call_id="call_2"), arguments)
        assert other.outcome == "failed" and other.retry


@EACH
async def test_charlie_and_a_viewer_change_nothing(
    tool: Tool,
    arguments: dict[str, Any],
    alice: User,
    charlie: User,
    bob: User,
    project: Project,
    files: Repository,
) -> None:
    await ProjectMember.objects.acreate(project=project, user=bob, role=Role.VIEWER)
    for user in (charlie, bob):
        outcome = await call(tool, user, project, **arguments)
        assert outcome.outcome == "failed" and "COFFEE" not in json.dumps(outcome.error)
    assert list(heads(files.path)) == ["main"]
    assert (await call(tool, alice, project, **arguments)).outcome == "returned"


SAID: list[tuple[Tool, dict[str, Any], str]] = [
    (edit_file, {"path": "no.txt", "old": "a", "new": "b"}, "path: there is no no.txt. Ask list_files for the paths."),
    (
        edit_file,
        {"path": "src", "old": "a", "new": "b"},
        "path: src is a folder, a symbolic link or a submodule, not a file.",
    ),
    (
        edit_file,
        {"path": "src/prices.py", "old": "COFFEE = 281", "new": "x"},
        "old: this text is not in src/prices.py. The nearest is line 1: 'COFFEE = 280'. Send old exactly",
    ),
    (edit_file, {"path": "src/prices.py", "old": "zebra", "new": "x"}, "No line is like it. Read the file again"),
    (
        edit_file,
        {"path": "src/prices.py", "old": " = 2", "new": "x"},
        "old: this text is in src/prices.py 2 times (line 1, 2), not 1. Send more of the lines around",
    ),
    (edit_file, {"path": "src/prices.py", "old": "TEA", "new": "x", "count": 3}, "once (line 2), not 3."),
    (edit_file, {"path": "src/prices.py", "old": "TEA", "new": "x", "count": 0}, "count: expected in how many places"),
    (edit_file, {"path": "src/prices.py", "old": "", "new": "x"}, "old: expected a text that is in the file"),
    (edit_file, {"path": "src/prices.py", "old": "TEA", "new": "TEA"}, "and another one in new."),
    (edit_file, {"path": "binary.dat", "old": "a", "new": "b"}, "binary.dat is a binary file"),
    (edit_file, {"path": "README.md", "old": "shop", "new": "x" * 1_000_001}, "a file may have 1,000,000."),
    (edit_file, {"path": "many.txt", "old": "a", "new": "x" * 20_000, "count": 20_000}, "would have 400,000,000 bytes"),
    (edit_file, {"path": "huge.txt", "old": "a", "new": "b"}, "huge.txt has 5,000,000 bytes; a file may have"),
    (delete_file, {"path": "no.txt"}, "path: there is no no.txt."),
    (delete_file, {"path": "src"}, "path: src is a folder"),
    (delete_file, {"path": ".gitattributes"}, "is read by git itself"),
    (move_file, {"old": "no.txt", "new": "b.txt"}, "path: there is no no.txt."),
    (move_file, {"old": "README.md", "new": "README.md"}, "new: expected another path"),
    (move_file, {"old": "README.md", "new": "src/prices.py"}, "new: there is src/prices.py already. Delete it first"),
    (move_file, {"old": "README.md", "new": "src"}, "new: there is src already."),
    (move_file, {"old": "README.md", "new": "src/prices.py/x"}, "src/prices.py is not a folder"),
    (move_file, {"old": "README.md", "new": "../x"}, "'..' is not allowed"),
    (move_file, {"old": "README.md", "new": "SRC/x"}, "there is 'src' already, and some systems take 'SRC'"),
    (write_files, {"files": []}, "files"),
    (write_files, {"files": [{"path": f"{n}", "content": ""} for n in range(51)]}, "files"),
    (write_files, {"files": [{"path": "a", "content": "1"}, {"path": "./a", "content": "2"}]}, "path: a comes twice."),
    (write_files, {"files": [{"path": "a", "content": "1"}, {"path": "A", "content": "2"}]}, "there is 'a' already"),
    (write_files, {"files": [{"path": "a", "content": "1"}, {"path": "a/b", "content": "2"}]}, "a is not a folder"),
]


async def test_what_cannot_be_done_says_what_to_do_and_changes_nothing(
    alice: User, project: Project, files: Repository
) -> None:
    put(files, "main", {"binary.dat": b"a\0b", "many.txt": b"a" * 20_000, "huge.txt": b"a" * 5_000_000})
    for tool, arguments, sentence in SAID:
        outcome = await call(tool, alice, project, **arguments)
        assert outcome.outcome != "returned" and sentence in str(outcome.error), (tool.name, arguments, outcome)
        assert list(heads(files.path)) == ["main"]
    fsck(files.path)


@pytest.mark.parametrize(
    ("data", "old", "new", "expected"),
    [
        (b"one\r\ntwo\r\nthree\r\n", "one\ntwo", "1\n2", b"1\r\n2\r\nthree\r\n"),
        (b"one\r\ntwo\r\n", "one", "1\n2", b"1\r\n2\r\ntwo\r\n"),
        (b"one\r\ntwo\n", "one", "1\n2", b"1\n2\r\ntwo\n"),
        (b"caf\xe9 one\n", "one", "two", b"caf\xe9 two\n"),
        (b"no end", "end", "END", b"no END"),
        (b"a\nb\n", "a\n", "", b"b\n"),
        ("naïve 日本\n".encode(), "日本", "Japan", "naïve Japan\n".encode()),
    ],
    ids=[
        "CRLF",
        "CRLF, in one line",
        "CRLF here and there",
        "not UTF-8",
        "no newline at the end",
        "taken out",
        "unicode",
    ],
)
async def test_an_edit_leaves_all_else_as_it_is(
    data: bytes,
    old: str,
    new: str,
    expected: bytes,
    alice: User,
    project: Project,
    files: Repository,
) -> None:
    put(files, "main", {"f.txt": data})
    assert (await call(edit_file, alice, project, path="f.txt", old=old, new=new)).outcome == "returned"
    snapshot = files.at(BRANCH)
    entry = snapshot.entry("f.txt")
    assert entry and snapshot.data(entry) == expected


async def test_all_places_are_exchanged_where_their_number_is_said(
    alice: User,
    project: Project,
    files: Repository,
) -> None:
    done = await call(edit_file, alice, project, path="src/prices.py", old=" = ", new=": int = ", count=2)
    assert done.result["replaced"] == 2
    assert held(files)["src/prices.py"] == PRICES.replace(" = ", ": int = ")


async def test_a_moved_file_keeps_its_mode_and_may_change_case(
    alice: User, project: Project, files: Repository
) -> None:
    put(files, "main", {"run.sh": (b"#!/bin/sh\n", FileMode.BLOB_EXECUTABLE)})
    assert (await call(move_file, alice, project, old="run.sh", new="Run.sh")).outcome == "returned"
    assert git(files.path, "ls-tree", BRANCH, "Run.sh").startswith("100755 blob ")
    assert "run.sh" not in held(files)


async def test_a_python_file_that_does_not_parse_is_told(alice: User, project: Project, files: Repository) -> None:
    done = await call(edit_file, alice, project, path="src/prices.py", old="= 280", new="= (280")
    assert done.result["done"] == "changed" and done.result["syntax_error"]["line"]
    many = await call(
        write_files, alice, project, files=[{"path": "bad.py", "content": "def ("}, {"path": "a.py", "content": "1"}]
    )
    assert list(many.result["syntax_errors"]) == ["bad.py"]


async def test_a_file_that_is_too_large_is_not_read(alice: User, project: Project, files: Repository) -> None:
    """Its size stands before its content, of which here is nothing left."""
    put(files, "main", {"huge.txt": b"a" * 5_000_000})
    id = git(files.path, "rev-parse", "main:huge.txt").strip()
    blob = files.path / "objects" / id[:2] / id[2:]
    blob.chmod(0o600)
    blob.write_bytes(blob.read_bytes()[:200])
    outcome = await call(edit_file, alice, project, path="huge.txt", old="a", new="b")
    assert "has 5,000,000 bytes" in str(outcome.error)
