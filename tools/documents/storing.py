"""A project's document in its rows: read as it is, and changed as one version more.

A change is made of what was read, outside of any transaction, and stored if the document still has the version which
was read: whoever comes second makes the change again, or is told so where it was meant for another version. Who has
been too late several times makes it while the others wait. Row and version are written in one transaction, so a process
that dies leaves both or neither.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import transaction

from tools.documents.errors import VersionConflict, VersionGone, VersionUnknown
from tools.documents.limits import Limits, limits
from tools.documents.patching import Changed
from tools.documents.telling import tell
from tools.documents.values import check_bytes, decode, encode, size_of
from tools.models import Document, DocumentVersion
from tools.models.documents import MAIN

EMPTY = "{}"  # what a document holds before its first change, at version 0
NOTE_MAX_CHARS = 200
TRIES = 5  # how often a change is made anew, as others were quicker each time, before it makes them wait
Change = Callable[[Any], Changed]  # of the document, which it may change in place


@dataclass(frozen=True)
class Author:
    """Who changes it, and by which call of which run: the same call makes one version, however often it comes."""

    user_id: UUID
    run_id: UUID | None = None
    call: str = ""
    note: str = ""


@dataclass(frozen=True)
class Written:
    """What a change made of it. `version` is the one before where it made nothing new."""

    version: int
    bytes: int
    changed: list[str]  # the places, as pointers


def read(project_id: UUID) -> Document:
    """The project's document; one of version 0 that is not stored, where nobody has changed it yet."""
    found = Document.objects.filter(project_id=project_id, name=MAIN).first()
    return found or Document(project_id=project_id, content=EMPTY, bytes=len(EMPTY))


def version_of(project_id: UUID) -> int:
    """The version of the project's document, without reading it."""
    found = Document.objects.filter(project_id=project_id, name=MAIN).values_list("version", flat=True).first()
    return found or 0


def write(project_id: UUID, change: Change, by: Author, expected: int | None = None) -> Written:
    """Change it, if its version is the `expected` one; None takes any. Raises DocumentError, and changes nothing then.

    A change that leaves it as it was makes no version. The change is asked for again, of the newer document, where
    somebody else was quicker.
    """

    def make(document: Document) -> Written:
        return _done(document, by, change) or _changed(document, change, by, expected)

    return _in_turn(project_id, make)


def undo(project_id: UUID, to: int | None, by: Author, expected: int | None = None) -> Written:
    """Make it what it was at version `to`, else at the one before the present, as a new one. Raises DocumentError."""

    def make(document: Document) -> Written:
        wanted = document.version - 1 if to is None else to
        author = replace(by, note=by.note or f"As version {wanted}")
        return _changed(document, lambda _: Changed(decode(content_at(document, wanted)), [""]), author, expected)

    return _in_turn(project_id, make)


def content_at(document: Document, version: int) -> str:
    """What it was at that version, as JSON text. Raises VersionUnknown or VersionGone."""
    if version == 0 and document.version:
        return EMPTY
    if not 0 < version <= document.version:
        there = f"Expected one from 0 to {document.version}." if document.version else "It was never changed."
        raise VersionUnknown(f"The document has no version {version}. {there}")
    return one_version(document, version).content


def one_version(document: Document, version: int) -> DocumentVersion:
    """The row of one of its versions. Raises VersionUnknown or VersionGone."""
    if not 0 < version <= document.version:
        raise VersionUnknown(f"The document has no version {version}.")
    found = DocumentVersion.objects.filter(document=document, version=version).select_related("by").first()
    if found is None:
        raise VersionGone(f"Version {version} is not kept any more: the newest {limits().versions} are.")
    return found


class _Overtaken(Exception):
    """The document has a newer version than the one which was read."""


def _in_turn(project_id: UUID, make: Callable[[Document], Written]) -> Written:
    """Make it of the document as it is, anew while others are quicker; at last, they wait. Raises DocumentError."""
    for _ in range(TRIES):
        try:
            return make(read(project_id))
        except _Overtaken:
            continue
    with transaction.atomic():
        _locked(project_id)
        return make(read(project_id))


def _changed(document: Document, change: Change, by: Author, expected: int | None) -> Written:
    """Change the document that was read, and store it. Raises DocumentError or _Overtaken."""
    if expected not in (None, document.version):
        raise _conflict(document)
    changed = change(decode(document.content))
    content = _content(changed.document, limits())
    if content == document.content:
        return Written(document.version, document.bytes, [])
    return _store(document, content, changed.paths, by)


def _locked(project_id: UUID) -> Document:
    """The row without what it holds, held to the end of the transaction."""
    Document.objects.get_or_create(project_id=project_id, name=MAIN, defaults={"content": EMPTY, "bytes": len(EMPTY)})
    return Document.objects.select_for_update().defer("content").get(project_id=project_id, name=MAIN)


def _conflict(document: Document) -> VersionConflict:
    """Whose the present version is, and of when."""
    newest = DocumentVersion.objects.filter(document=document, version=document.version).first()
    by, at = (newest.by_id, newest.created_at) if newest else (None, None)
    return VersionConflict(document.version, by, at)


def _done(document: Document, by: Author, change: Change) -> Written | None:
    """What the same call has done already: a process took it over from one that died before it could say so."""
    if not by.call:
        return None
    made = DocumentVersion.objects.filter(document=document, run_id=by.run_id, call=by.call).first()
    if made is None:
        return None
    before = DocumentVersion.objects.filter(document=document, version=made.version - 1).first()
    content = before.content if before else EMPTY if made.version == 1 else None
    changed = change(decode(content)).paths if content is not None else [""]
    return Written(made.version, len(made.content.encode()), changed)


@transaction.atomic
def _store(was: Document, content: str, paths: list[str], by: Author) -> Written:
    """Write the next version, if the present one is the one that was read. Raises _Overtaken."""
    document = _locked(was.project_id)
    if document.version != was.version:
        raise _Overtaken
    document.content, document.bytes = content, len(content.encode())
    document.version += 1
    document.save(update_fields=["content", "bytes", "version", "updated_at"])
    DocumentVersion.objects.create(
        document=document,
        version=document.version,
        content=content,
        by_id=by.user_id,
        run_id=by.run_id,
        call=by.call,
        note=by.note[:NOTE_MAX_CHARS],
    )
    DocumentVersion.objects.filter(document=document, version__lte=document.version - limits().versions).delete()
    tell(document.project_id, document.version)
    return Written(document.version, document.bytes, paths)


def _content(value: Any, bounds: Limits) -> str:
    """The value as it is stored. Raises TooLarge or ValueRefused."""
    size_of(value, bounds)
    data = encode(value)
    check_bytes(len(data), bounds)
    return data.decode()
