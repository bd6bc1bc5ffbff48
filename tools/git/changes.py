"""What one commit of a tool does to a project's files: writes, edits, deletes or moves them.

A change is planned against the tree it will lie upon, under the repository's lock, so that what it is told of the old
content is true when the branch moves.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pygit2
from django.conf import settings
from pygit2.enums import FileMode

from tools.cleaning import clean
from tools.errors import RetryTool, ToolError
from tools.git.bounds import size_of
from tools.git.paths import check_writable, file_parts
from tools.git.replacing import replaced
from tools.git.snapshot import is_binary
from tools.git.trees import Parts, blob_at, id_at, with_blob, without_blob


@dataclass(frozen=True)
class Content:
    """What a file shall hold: bytes, or a blob that is there."""

    blob: bytes | pygit2.Oid
    mode: FileMode | None = None  # None: as it was; a new file is a plain one

    @property
    def id(self) -> pygit2.Oid:
        """The blob's, whether it is there or not."""
        return pygit2.hash(self.blob) if isinstance(self.blob, bytes) else self.blob


Plan = Mapping[Parts, Content | None]  # None: the file goes


@dataclass(frozen=True)
class Change:
    """One commit to be made. `plan` raises RetryTool or ToolError where it does not fit the tree."""

    title: str
    parts: tuple[Parts, ...]  # of every file that it touches
    plan: Callable[[pygit2.Repository, pygit2.Tree], Plan]


@dataclass(frozen=True)
class Effect:
    """What a change did to the files that it touches; a file that held the same already is in none of them."""

    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.created or self.changed or self.removed)


def written(files: Sequence[tuple[str, str]]) -> Change:
    """These files, path and text, whole. Raises PathRefused, RetryTool for a path that comes twice, or ToolError."""
    contents: dict[Parts, Content] = {}
    for path, text in files:
        parts = _writable(path)
        if parts in contents:
            raise RetryTool(f"path: {'/'.join(parts)} comes twice. Send each file once, whole.")
        contents[parts] = Content(data_of(text))
    title = f"Write {_path(next(iter(contents)))}" if len(contents) == 1 else f"Write {len(contents)} files"
    return Change(title, tuple(contents), lambda *_: contents)


def unless_changed(change: Change, before: Mapping[str, str]) -> Change:
    """The same, refused with ToolError where a file is not any more what it was: its path and its blob, hex, "" for
    none. Who has written just what it is to hold has changed nothing.
    """

    def plan(repository: pygit2.Repository, tree: pygit2.Tree) -> Plan:
        planned = change.plan(repository, tree)
        after = ids_of(planned)
        for path, was in before.items():
            parts = file_parts(path)
            now = id_at(tree, parts)
            if str(now or "") != was and now != after.get(parts):
                raise ToolError(f"The file {path} was changed meanwhile.")
        return planned

    return replace(change, plan=plan)


def edited(path: str, old: str, new: str, count: int) -> Change:
    """The file with another text in `count` places, which must be all the places where the old one stands."""
    parts = _writable(path)
    if not old or old == new:
        raise RetryTool("old: expected a text that is in the file, and another one in new.")
    before, after = clean(old).encode(), data_of(new)

    def plan(repository: pygit2.Repository, tree: pygit2.Tree) -> Plan:
        most = settings.TOOLS_FILE_MAX_BYTES
        data = replaced(_text(repository, tree, parts), before, after, count, path=_path(parts), max_bytes=most)
        return {parts: Content(data)}

    return Change(f"Edit {_path(parts)}", (parts,), plan)


def deleted(path: str) -> Change:
    """The file gone."""
    parts = _writable(path)

    def plan(_: pygit2.Repository, tree: pygit2.Tree) -> Plan:
        _there(tree, parts)
        return {parts: None}

    return Change(f"Delete {_path(parts)}", (parts,), plan)


def moved(old: str, new: str) -> Change:
    """The file under another path, where there is none yet."""
    source, target = _writable(old), _writable(new)
    if source == target:
        raise RetryTool("new: expected another path than the old one.")

    def plan(_: pygit2.Repository, tree: pygit2.Tree) -> Plan:
        blob = _there(tree, source)
        if id_at(tree, target) is not None:
            raise RetryTool(f"new: there is {_path(target)} already. Delete it first, or choose another path.")
        return {source: None, target: Content(blob.id, FileMode(blob.filemode))}

    return Change(f"Move {_path(source)} to {_path(target)}", (source, target), plan)


def effect_of(tree: pygit2.Tree, after: Mapping[Parts, pygit2.Oid | None]) -> Effect:
    """What becomes of the tree's files where each then holds this blob, or None."""
    ids = [(_path(parts), id_at(tree, parts), id) for parts, id in after.items()]
    return Effect(
        created=tuple(path for path, was, id in ids if was is None and id is not None),
        changed=tuple(path for path, was, id in ids if was is not None and id is not None and was != id),
        removed=tuple(path for path, was, id in ids if was is not None and id is None),
    )


def ids_of(plan: Plan) -> dict[Parts, pygit2.Oid | None]:
    """The blob of each file that the plan touches."""
    return {parts: content.id if content else None for parts, content in plan.items()}


def ids_in(tree: pygit2.Tree, parts: Iterable[Parts]) -> dict[Parts, pygit2.Oid | None]:
    """The blob of each of these files in the tree."""
    return {each: id_at(tree, each) for each in parts}


def applied(repository: pygit2.Repository, tree: pygit2.Tree, plan: Plan) -> pygit2.Oid:
    """The tree as planned. What goes goes first: a file may take the place, or nearly the name, of another."""
    for parts in (each for each, content in plan.items() if content is None):
        tree = repository[without_blob(repository, tree, parts)].peel(pygit2.Tree)
    for parts, content in plan.items():
        if content is not None:
            blob_at(tree, parts)  # raises where no file can lie
            blob = repository.create_blob(content.blob) if isinstance(content.blob, bytes) else content.blob
            tree = repository[with_blob(repository, tree, parts, blob, content.mode)].peel(pygit2.Tree)
    return tree.id


def data_of(text: str) -> bytes:
    """The bytes that a file of this text holds. Raises ToolError."""
    return check_size(clean(text).encode())


def check_size(data: bytes) -> bytes:
    """The same, if a file may be so long. Raises ToolError."""
    if len(data) > settings.TOOLS_FILE_MAX_BYTES:
        raise ToolError(f"The content has {len(data):,} bytes; a file may have {settings.TOOLS_FILE_MAX_BYTES:,}.")
    return data


def _writable(path: str) -> Parts:
    parts = file_parts(path)
    check_writable(parts)
    return parts


def _there(tree: pygit2.Tree, parts: Parts) -> pygit2.Object:
    found = blob_at(tree, parts)
    if found is None:
        raise RetryTool(f"path: there is no {_path(parts)}. Ask list_files for the paths.")
    return found


def _text(repository: pygit2.Repository, tree: pygit2.Tree, parts: Parts) -> bytes:
    """What the file holds. Raises ToolError for one that is no text, or too large, which is not read then."""
    found = _there(tree, parts)
    size = size_of(repository, found.id)
    if size > settings.TOOLS_FILE_MAX_BYTES:
        raise ToolError(f"{_path(parts)} has {size:,} bytes; a file may have {settings.TOOLS_FILE_MAX_BYTES:,}.")
    blob = found.peel(pygit2.Blob)
    if is_binary(blob.data):
        raise ToolError(f"{_path(parts)} is a binary file; it has no text to edit.")
    return blob.data


def _path(parts: Parts) -> str:
    return "/".join(parts)
