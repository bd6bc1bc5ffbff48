"""A project's document, over REST: who may read and change it, and what a refusal answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from accounts.errors import Conflict, Gone, Invalid, NotFound, RequestError
from accounts.models import Project, User
from accounts.permissions import Permission, permissions_in, require
from chat.access import find_project
from tools.documents import errors as faults
from tools.documents import storing
from tools.documents.limits import limits
from tools.documents.merging import merged
from tools.documents.patching import Changed, patched
from tools.documents.storing import Author, Change, Written
from tools.models import Document, DocumentVersion


class VersionConflict(RequestError):
    """The document has another version than the one in If-Match."""

    status = 412
    code = "version_conflict"


class VersionMissing(RequestError):
    """If-Match is wanted and not there."""

    status = 428
    code = "version_missing"
    message = 'Send If-Match with the version that you read, such as If-Match: "7"; ETag has it.'


class DocumentTooLarge(RequestError):
    """It would be."""

    status = 413
    code = "document_too_large"


def project_of(user: User, id: UUID, needs: Permission) -> Project:
    """The project, if the user may do this in it. Raises NotFound or NotAllowed."""
    found = find_project(user, id)
    if found is None:
        raise NotFound
    require(permissions_in(user, organization=found.organization_id, project=found), needs)
    return found


def document_of(user: User, id: UUID) -> Document:
    """The project's document. Raises NotFound or NotAllowed."""
    return storing.read(project_of(user, id, "read").pk)


def version_of(user: User, id: UUID, version: int) -> DocumentVersion:
    """One of its versions. Raises NotFound, Gone."""
    with told():
        return storing.one_version(document_of(user, id), version)


def put(*, user: User, project: Project, value: Any, expected: int | None) -> Written:
    """Put the value in the document's place."""
    return _write(user, project, lambda _: Changed(value, [""]), expected)


def patch(*, user: User, project: Project, operations: Any, expected: int | None) -> Written:
    """Change it by a JSON Patch."""
    return _write(user, project, lambda document: patched(document, operations, limits()), expected)


def merge(*, user: User, project: Project, value: Any, expected: int | None) -> Written:
    """Change it by a JSON merge patch."""
    return _write(user, project, lambda document: merged(document, value), expected)


def undo(*, user: User, project: Project, to: int | None, expected: int | None) -> DocumentVersion:
    """Make it again what it was at an earlier version; the newest version then, which may be there already."""
    with told():
        written = storing.undo(project.pk, to, Author(user.pk), expected)
        return storing.one_version(storing.read(project.pk), written.version)


def _write(user: User, project: Project, change: Change, expected: int | None) -> Written:
    with told():
        return storing.write(project.pk, change, Author(user.pk), expected)


@contextmanager
def told() -> Iterator[None]:
    """What is wrong with a change, as the answer to whoever sent it."""
    try:
        yield
    except faults.DocumentError as error:
        raise _told(error) from None


def _told(error: faults.DocumentError) -> RequestError:
    text = str(error)
    match error:
        case faults.VersionConflict():
            return _conflict(error)
        case faults.PatchFailed():
            fields = {f"patch.{error.number}": [text], "path": [error.path]}
            return Conflict(text, code="patch_failed", fields=fields)
        case faults.PatchInvalid():
            name = "patch" if error.number is None else f"patch.{error.number}"
            return Invalid(text, code="patch_invalid", fields={name: [text]})
        case faults.TooLarge():
            return DocumentTooLarge(text)
        case faults.VersionGone():
            return Gone(text, fields={"version": [text]})
        case faults.VersionUnknown():
            return NotFound(text, fields={"version": [text]})
        case _:
            return Invalid(text, code="document_invalid")


def _conflict(error: faults.VersionConflict) -> VersionConflict:
    """It says the present version, and whose and of when it is."""
    fields = {"version": [str(error.version)]}
    person = User.objects.filter(pk=error.by).first() if error.by else None
    if person is not None:
        fields["by"] = [person.display_name]
    if error.at is not None:
        fields["at"] = [error.at.isoformat()]
    return VersionConflict(str(error), fields=fields)
