"""Counting what a folder holds takes as long as its trees are many, not as its paths are."""

from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import FileMode

from tools.git.remote.counting import Counted, counted

Make = Callable[[pygit2.Repository], pygit2.Oid]
MOST = 1_000


def folder(repository: pygit2.Repository, **entries: tuple[pygit2.Oid, FileMode]) -> pygit2.Oid:
    builder = repository.TreeBuilder()
    for name, (id, mode) in entries.items():
        builder.insert(name, id, mode)
    return builder.write()


def nested(repository: pygit2.Repository, *, depth: int, width: int, files: int) -> pygit2.Oid:
    """The same folder `width` times in each, and files in the last."""
    blob = repository.create_blob(b"x")
    tree = folder(repository, **{f"f{number}": (blob, FileMode.BLOB) for number in range(files)})
    for _ in range(depth):
        tree = folder(repository, **{f"d{number}": (tree, FileMode.TREE) for number in range(width)})
    return tree


@pytest.mark.parametrize(
    ("depth", "width", "files", "expected"),
    [
        (0, 0, 3, Counted(3, 0)),
        (2, 3, 2, Counted(18, 12)),
        (60, 10, 1, Counted(MOST, MOST)),
        (60, 10, 0, Counted(0, MOST)),
        (3_000, 1, 1, Counted(1, MOST)),
    ],
)
def test_what_a_folder_holds(tmp_path: Path, depth: int, width: int, files: int, expected: Counted) -> None:
    repository = pygit2.init_repository(str(tmp_path / "a.git"), bare=True)
    assert counted(repository, nested(repository, depth=depth, width=width, files=files), most=MOST) == expected
