"""Branches of a project's repository as other programs make them: any name, any mode, any bytes."""

import pygit2
from pygit2.enums import FileMode

from tools.git.bare import open_bare
from tools.git.repository import Repository

DEV = pygit2.Signature("Dev", "dev@example.com", 1_700_000_000, 0)
Files = dict[str, bytes | tuple[bytes, FileMode] | None]


def put(repository: Repository, branch: str, files: Files) -> None:
    """One commit more on the branch, which is made from main if need be; None removes a file. Names lie in the root."""
    raw = open_bare(repository.path)
    main = raw.references["refs/heads/main"].peel(pygit2.Commit)
    own = raw.references.get(f"refs/heads/{branch}")
    tip = own.peel(pygit2.Commit) if own else main
    builder = raw.TreeBuilder(tip.tree)
    for name, given in files.items():
        if given is None:
            builder.remove(name)
            continue
        data, mode = given if isinstance(given, tuple) else (given, FileMode.BLOB)
        builder.insert(name, raw.create_blob(data), mode)
    made = raw.create_commit(None, DEV, DEV, "Put", builder.write(), [tip.id])
    raw.references.create(f"refs/heads/{branch}", made, force=True)
