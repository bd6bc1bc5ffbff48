"""The bytes of attachments in STORAGES["attachments"]: a folder, or a bucket of S3. Sync, and never on the event loop.

Their names are an attachment's id, `<id>.thumbnail` and `<id>.text`; what people call a file is in its row alone.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from accounts.errors import Unavailable

BYTES, THUMBNAIL, TEXT = "", ".thumbnail", ".text"
KINDS = (BYTES, THUMBNAIL, TEXT)
RETRY_S = 30
log = logging.getLogger(__name__)


class Stored(Protocol):
    """What a name is made of: an attachment's row, or who stands for it."""

    @property
    def pk(self) -> UUID: ...


class StorageAway(Unavailable):
    """The storage cannot be reached, takes nothing or is full."""

    code = "storage_unavailable"
    message = "Attached files cannot be stored or read at the moment. Try again later."


class BytesGone(Exception):
    """There is nothing of that name."""


def read(attachment: Stored) -> bytes:
    """The file as it is kept. Raises BytesGone, StorageAway."""
    return _read(name_of(attachment.pk))


def read_thumbnail(attachment: Stored) -> bytes:
    """The small image. Raises BytesGone, StorageAway."""
    return _read(name_of(attachment.pk, THUMBNAIL))


def read_text(id: UUID) -> str:
    """What is to be read in it. Raises BytesGone, StorageAway."""
    return _read(name_of(id, TEXT)).decode()


def write(id: UUID, data: bytes, kind: str = BYTES) -> None:
    """Keep these bytes; what was there under that name is replaced. Raises StorageAway."""
    name = name_of(id, kind)
    with _reached():
        saved = _storage().save(name, ContentFile(data))
    if saved != name:  # a storage that renames what is there already: it is set up to overwrite
        raise StorageAway(f"The storage called a file {saved} that was to be {name}.")


def write_text(id: UUID, text: str) -> None:
    """Keep what is to be read in it. Raises StorageAway."""
    write(id, text.encode(), TEXT)


def remove(id: UUID) -> None:
    """Remove all that is kept of it; what is not there is no error. Raises StorageAway."""
    for kind in KINDS:
        with _reached():
            _storage().delete(name_of(id, kind))


def ids() -> Iterator[UUID]:
    """Of whom there are bytes, each once or more. Raises StorageAway."""
    with _reached():
        try:
            _, names = _storage().listdir("")
        except FileNotFoundError:  # nothing was ever stored
            names = []
    for name in names:
        try:
            yield UUID(name.partition(".")[0])
        except ValueError:
            continue  # somebody else's: it is left alone


def name_of(id: UUID, kind: str = BYTES) -> str:
    """How the storage calls it."""
    return f"{id}{kind}"


def _read(name: str) -> bytes:
    with _reached():
        try:
            with _storage().open(name) as file:
                return bytes(file.read())
        except FileNotFoundError:
            raise BytesGone(name) from None


def _storage() -> Storage:
    return storages["attachments"]


@contextmanager
def _reached() -> Iterator[None]:
    """What goes wrong in there, in our words: each storage has errors of its own, of no class of Django's."""
    try:
        yield
    except BytesGone:
        raise
    except Exception as error:
        log.warning("The storage of attachments fails: %s", error)
        raise StorageAway(retry_after_s=RETRY_S) from error
