"""Exports as jobs: beginning, finding, fetching and removing them. Sync."""

from collections.abc import Mapping
from typing import IO, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.counts import require_room
from accounts.errors import Conflict, Invalid, NotFound, TooMany, refuse
from accounts.http.fields import UNKNOWN
from accounts.http.rest import read
from accounts.models import User
from accounts.sign_in.noting import home_of
from chat.exports import files
from chat.exports.kinds import KINDS, Kind
from chat.exports.models import Export, ExportQuerySet, ExportStatus
from chat.exports.writing import Place

RETRY_S = 5


@transaction.atomic
def begin(*, user: User, what: str, format: str, asked: Mapping[str, Any]) -> Export:
    """A new one, which is written as soon as a process finds time. `asked` is as it came.

    Raises Invalid, TooMany while another of the user's is under way, Conflict where as many of theirs are kept as may,
    and what the kind refuses with.
    """
    kind = _kind(what, format, asked)
    require_room(kept(user), "EXPORTS_PER_PERSON", "kept exports", "person")
    place = kind.place(user, read(kind.shape, asked), format)
    row = Export(
        user=user, organization_id=place.organization, chat=place.chat, what=what, format=format, asked=dict(asked)
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        told = "Another export of yours is being written. Wait for it, or delete it."
        raise TooMany(told, code="too_many_exports", retry_after_s=RETRY_S) from None
    _note("export.made", row)
    return row


def kept(user: User) -> ExportQuerySet:
    """One's own that are under way, or whose time is not over."""
    return Export.objects.visible_to(user).exclude(expires_at__lte=timezone.now())


def find(user: User, id: UUID) -> Export:
    """One's own, as long as it is kept. Raises NotFound."""
    row = kept(user).filter(pk=id).first()
    if row is None:
        raise NotFound
    return row


def fetched(user: User, id: UUID) -> tuple[Export, Place, IO[bytes]]:
    """The row, what it is of, and its file, for who still may have it. That they fetched it is written down.

    Raises NotFound, Conflict before the file is there, and what the kind refuses with.
    """
    row = find(user, id)
    if row.status != ExportStatus.DONE:
        raise Conflict(f"The export is {row.status}: it has no file yet.", code="export_not_done")
    kind = KINDS[row.what]
    place = kind.place(user, read(kind.shape, row.asked), row.format)
    try:
        file = files.path_of(row.pk, row.attempt).open("rb")
    except FileNotFoundError:  # it is being cleared away
        raise NotFound from None
    _note("export.downloaded", row)
    return row, place, file


def remove(user: User, id: UUID) -> None:
    """Remove it, also one that is being written: whoever writes it notices."""
    row = find(user, id)
    row.delete()
    for name in files.names_of(id, row.attempt):
        files.remove(name)


def _kind(what: str, format: str, asked: Mapping[str, Any]) -> Kind:
    kind = KINDS[what]
    if format not in kind.formats:
        raise refuse("format", f"Expected one of: {', '.join(kind.formats)}.")
    if odd := [name for name in asked if name not in kind.shape().fields]:
        told = f"An export of {what} has no such field: {', '.join(odd)}."
        raise Invalid(told, fields={name: [UNKNOWN] for name in odd})
    return kind


def _note(action: str, row: Export) -> None:
    """Of a chat, in the chat's own history."""
    kind, id = ("chat", row.chat_id) if row.chat_id else ("export", row.pk)
    audit.record(
        action, actor=row.user, organization_id=row.organization_id or home_of(row.user_id), object_type=kind,
        object_id=id, detail={"what": row.what, "format": row.format},
    )  # fmt: skip
