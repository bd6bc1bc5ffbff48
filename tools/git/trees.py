"""Git trees: a folder's entries, each a file, a folder, a symbolic link or a submodule."""

from collections.abc import Mapping

import pygit2
from pygit2.enums import FileMode

from tools.errors import PathRefused, RetryTool
from tools.git.paths import twin_of

Parts = tuple[str, ...]


def name_of(entry: pygit2.Object) -> str:
    """An entry's name as text; git keeps bytes, and what is not UTF-8 in them shows as U+FFFD."""
    return (entry.raw_name or b"").decode(errors="replace")


def blob_at(tree: pygit2.Tree, parts: Parts) -> pygit2.Object | None:
    """The file at this path, None if nothing is there. Raises what keeps a file from being written there."""
    *folders, name = parts
    for depth, folder in enumerate(folders, start=1):
        entry = _entry(tree, folder)
        if entry is None:
            return None
        if entry.filemode != FileMode.TREE:
            raise RetryTool(f"path: {'/'.join(parts[:depth])} is not a folder.")
        tree = entry.peel(pygit2.Tree)
    entry = _entry(tree, name)
    if entry is not None and entry.filemode not in (FileMode.BLOB, FileMode.BLOB_EXECUTABLE):
        raise RetryTool(f"path: {'/'.join(parts)} is a folder, a symbolic link or a submodule, not a file.")
    return entry


def id_at(tree: pygit2.Tree, parts: Parts) -> pygit2.Oid | None:
    """The id of what lies at this path; None if nothing does."""
    found: pygit2.Object = tree
    for part in parts:
        if not isinstance(found, pygit2.Tree) or part not in found:
            return None
        found = found[part]
    return found.id


def with_blob(
    repository: pygit2.Repository,
    tree: pygit2.Tree | None,
    parts: Parts,
    blob: pygit2.Oid,
    mode: FileMode | None = None,
) -> pygit2.Oid:
    """The tree with this file in it, and all else as it was. Without a mode, a file that is executable stays so."""
    name, *below = parts
    builder = repository.TreeBuilder(tree) if tree else repository.TreeBuilder()
    old = _entry(tree, name) if tree else None
    if below:
        inner = old.peel(pygit2.Tree) if old else None
        builder.insert(name, with_blob(repository, inner, tuple(below), blob, mode), FileMode.TREE)
    else:
        builder.insert(name, blob, mode or (FileMode(old.filemode) if old else FileMode.BLOB))
    return builder.write()


def without_blob(repository: pygit2.Repository, tree: pygit2.Tree, parts: Parts) -> pygit2.Oid:
    """The tree without this file, which is in it; a folder that holds nothing else goes too."""
    name, *below = parts
    builder = repository.TreeBuilder(tree)
    inner = without_blob(repository, tree[name].peel(pygit2.Tree), tuple(below)) if below else None
    if inner is not None and len(repository[inner].peel(pygit2.Tree)):
        builder.insert(name, inner, FileMode.TREE)
    else:
        builder.remove(name)
    return builder.write()


def tree_of(repository: pygit2.Repository, files: Mapping[Parts, bytes]) -> pygit2.Oid:
    """A tree of these files."""
    folders: dict[str, dict[Parts, bytes]] = {}
    builder = repository.TreeBuilder()
    for parts, data in files.items():
        if len(parts) == 1:
            builder.insert(parts[0], repository.create_blob(data), FileMode.BLOB)
        else:
            folders.setdefault(parts[0], {})[parts[1:]] = data
    for name, inner in folders.items():
        builder.insert(name, tree_of(repository, inner), FileMode.TREE)
    return builder.write()


def _entry(tree: pygit2.Tree, name: str) -> pygit2.Object | None:
    """The entry of this name. Raises PathRefused where a new one would be taken for another on some file systems."""
    if name in tree:
        return tree[name]
    if twin := twin_of(name, map(name_of, tree)):
        raise PathRefused(f"path: there is {twin!r} already, and some systems take {name!r} for the same name.")
    return None
