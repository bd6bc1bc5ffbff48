"""Taking a file in: bytes become a row and what the storage keeps. Sync, outside of transactions.

The row comes first, as STORING, then the bytes, then READY: whoever dies between leaves a row that says where to look,
and chat.attachments.going removes both.
"""

import hashlib
import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.errors import NotFound, RequestError, TooMany, refuse
from accounts.models import Organization, User
from accounts.permissions import permissions_in, require
from agents import media
from chat.access import get_chat
from chat.attachments import going, kinds, storing
from chat.attachments.images import made
from chat.attachments.limits import check_room
from chat.attachments.names import check_name, composed
from chat.models import Attachment, AttachmentState, AttachmentType

PIECE_BYTES = 1_000_000
WAIT_S = 10.0  # for one of ATTACHMENTS_AT_ONCE places: pages send several files at once
RETRY_S = 5
log = logging.getLogger(__name__)
_places = threading.BoundedSemaphore(settings.ATTACHMENTS_AT_ONCE)  # of files that are taken in by this process
# What is done with each file once it is READY, in the same thread: such as finding out what is to be read in it.
TAKEN: list[Callable[[Attachment, bytes], None]] = []


class TooLarge(RequestError):
    status = 413
    code = "too_large"


@dataclass(frozen=True)
class Kept:
    """What the storage is to keep of a file, and what its row says of it."""

    type: AttachmentType
    media_type: str
    data: bytes
    thumbnail: bytes = b""
    width: int | None = None
    height: int | None = None
    seconds: float | None = None


def take(
    user: User,
    organization_id: UUID,
    name: str,
    data: bytes | IO[bytes],
    chat_id: UUID | None = None,
    *,
    id: UUID | None = None,
) -> Attachment:
    """The file, stored and READY, of this person in this organization; `chat_id`: a chat there that it is for; `id`:
    its own, which no other has.

    Raises Invalid for what is not taken, saying what is; TooLarge, TooMany, Conflict, NotFound, also where it was
    removed meanwhile, NotAllowed and StorageAway.
    """
    organization = _organization(user, organization_id, chat_id)
    called = composed(check_name(name, "name"))
    with _place():
        kept = _kept(_read(data))
        row = _begun(user, organization, called, kept, id or uuid.uuid4())
        _store(row, kept)
        _ready(row)
    return _followed(row, kept.data)


def _organization(user: User, id: UUID, chat_id: UUID | None) -> Organization:
    """Where it goes. Raises NotFound, NotAllowed."""
    if chat_id is not None and get_chat(user, chat_id, "write").organization_id != id:
        raise NotFound(fields={"chat": ["There is no such chat in this organization."]})
    organization = Organization.objects.visible_to(user).filter(pk=id).first()
    if organization is None:
        raise NotFound(fields={"organization": ["There is no such organization, or you may not see it."]})
    if chat_id is None:
        require(permissions_in(user, organization=organization), "write")
    return organization


@contextmanager
def _place() -> Iterator[None]:
    """One of the places, within WAIT_S. Raises TooMany."""
    if not _places.acquire(timeout=WAIT_S):
        told = "Too many files are being stored. Try again in a moment."
        raise TooMany(told, code="too_many_uploads", retry_after_s=RETRY_S)
    try:
        yield
    finally:
        _places.release()


def _read(data: bytes | IO[bytes]) -> bytes:
    """All of it. Raises TooLarge as soon as it is too much."""
    pieces, size = [data] if isinstance(data, bytes) else iter(lambda: data.read(PIECE_BYTES), b""), 0
    found = bytearray()
    for piece in pieces:
        size += len(piece)
        if size > settings.ATTACHMENT_MAX_BYTES:
            raise TooLarge(f"The file is larger than {settings.ATTACHMENT_MAX_BYTES:,} bytes.")
        found += piece
    return bytes(found)


def _kept(data: bytes) -> Kept:
    """What is kept of it: of an image one that is made anew, of all else the bytes as they are. Raises Invalid."""
    found = kinds.kind_of(data)
    if found.fault:
        raise refuse("file", found.fault)
    if found.type == AttachmentType.IMAGE:
        image = made(data)
        return Kept(found.type, image.media_type, image.data, image.thumbnail, image.width, image.height)
    return Kept(found.type, found.media_type, data, seconds=_seconds(found.media_type, data))


def _seconds(media_type: str, data: bytes) -> float | None:
    """How long a sound is, where that can be told without decoding it."""
    return round(len(data) / media.wav_bytes_per_second(data), 1) if media_type == media.WAV else None


@transaction.atomic
def _begun(user: User, organization: Organization, name: str, kept: Kept, id: UUID) -> Attachment:
    """The row, STORING. Whoever stores another file of the same person or organization waits, so that limits hold."""
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    check_room(user, organization, len(kept.data))
    return Attachment.objects.create(
        pk=id,
        organization=organization,
        user=user,
        type=kept.type,
        name=name,
        media_type=kept.media_type,
        bytes=len(kept.data),
        sha256=hashlib.sha256(kept.data).hexdigest(),
        width=kept.width,
        height=kept.height,
        seconds=kept.seconds,
        has_thumbnail=bool(kept.thumbnail),
    )


def _store(row: Attachment, kept: Kept) -> None:
    """The bytes. Where that fails nothing is left, unless we die of it: then the chore removes it."""
    try:
        storing.write(row.pk, kept.data)
        if kept.thumbnail:
            storing.write(row.pk, kept.thumbnail, storing.THUMBNAIL)
    except storing.StorageAway:
        going.try_to_remove(row.pk)
        raise


def _ready(row: Attachment) -> None:
    """It is to be seen from now on."""
    storing_still = Attachment.objects.filter(pk=row.pk, state=AttachmentState.STORING)
    if not storing_still.update(state=AttachmentState.READY, updated_at=timezone.now()):
        raise storing.StorageAway(retry_after_s=RETRY_S)  # it took so long that it was taken for left behind
    row.state = AttachmentState.READY


def _followed(row: Attachment, data: bytes) -> Attachment:
    """The row, once all is done that follows: in no place, as it may take minutes. Raises NotFound."""
    for do in TAKEN:
        try:
            do(row, data)
        except Exception:  # the file is there: what more can be said of it is not worth losing it
            log.exception("attachment %s is stored, and something that follows has failed", row.pk)
    found = Attachment.objects.filter(pk=row.pk, state=AttachmentState.READY).first()
    if found is None:
        _forget(row.pk)
        raise NotFound("The file was removed before all was done with it.")
    return found


def _forget(id: UUID) -> None:
    """Remove what was kept of it after it had been removed. What fails is left to the chore."""
    try:
        storing.remove(id)
    except storing.StorageAway:
        log.warning("the bytes of attachment %s are left for the chore `attachments`", id)
