"""What a model is given of attachments, within what one request may hold. Sync: it reads the storage.

The forms are those of files that came whole with a message (chat.services.attachments), so that chat.runner.files tells
both alike; and `{told}`, a few words on what is not given.
"""

from base64 import b64encode
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings

from agents import media
from chat.attachments import storing
from chat.attachments.using import id_of
from chat.models import Attachment, AttachmentState, AttachmentType, TextState

TEXT_MAX_CHARS = 100_000  # of one file; of a longer one the beginning
Files = list[dict[str, Any]]
Takes = Callable[[str], bool]  # whether the model takes files of this media type whole


class Later(Exception):
    """There are files to be read, and this is no place for it: see `NotHere`."""


def takes_all(media_type: str) -> bool:
    """Of a model about which nothing is known."""
    return True


class Reading:
    """One request's. Its messages are asked about from the newest to the oldest, each once."""

    def __init__(self, takes: Takes = takes_all) -> None:
        self.takes = takes
        self.images = settings.ATTACHMENT_IMAGES_PER_REQUEST
        self.room = settings.ATTACHMENT_BYTES_PER_REQUEST
        self.messages = settings.ATTACHMENT_IMAGE_MESSAGES

    def files(self, files: Files) -> Files:
        """The next message's, each in its place: those with an id as what is given of them."""
        self.messages -= 1
        ids = [id for each in files if (id := id_of(each)) is not None]
        if not ids:
            return files
        ready = Attachment.objects.filter(state=AttachmentState.READY)
        rows = ready.in_bulk(ids)
        return [self._given(each, rows) for each in files]

    def _given(self, file: dict[str, Any], rows: dict[UUID, Attachment]) -> dict[str, Any]:
        id = id_of(file)
        if id is None:
            return file
        row = rows.get(id)
        if row is None:
            return _told(file, "which was removed")
        if file.get("unreadable"):
            return {"type": str(row.type), "name": row.name, "unreadable": True}
        if row.type == AttachmentType.IMAGE:
            return self._image(row)
        return self._whole(row) or _as_text(row) or self._unread(row)

    def _image(self, row: Attachment) -> dict[str, Any]:
        """Itself, if it is among the newest; of an older one what it was."""
        named = {"type": "image", "name": row.name}
        told = f"{row.width} x {row.height}"
        if self.messages < 0 or self.images <= 0 or row.bytes > self.room:
            return named | {"told": told}
        url = self._bytes(row)
        if url is None:
            return _told(named, "which is gone")
        self.images -= 1
        return named | {"url": url, "instead": told}

    def _whole(self, row: Attachment) -> dict[str, Any] | None:
        """A document or a sound, where the model takes such; with its text for one that is asked in its place."""
        if row.media_type not in media.TAKEN or row.bytes > self.room or not self.takes(row.media_type):
            return None
        url = self._bytes(row)
        if url is None:
            return None
        text = text_of(row)
        more = {"text": _cut(text)} if text else {}
        return {"type": str(row.type), "name": row.name, "url": url} | more

    def _unread(self, row: Attachment) -> dict[str, Any]:
        """A name at least. What no model takes whole and nobody can read says why."""
        named = {"type": str(row.type), "name": row.name}
        return _told(named, row.text_error or "of which there is no text")

    def _bytes(self, row: Attachment) -> str | None:
        try:
            data = storing.read(row)
        except storing.BytesGone:
            return None
        self.room -= len(data)
        return f"data:{row.media_type};base64,{b64encode(data).decode()}"


class NotHere(Reading):
    """In the place of one that may wait: within a request, whose sender does not wait for a storage."""

    def files(self, files: Files) -> Files:
        """The files, where none is to be read. Raises Later."""
        if any(id_of(each) for each in files):
            raise Later
        return files


def text_of(row: Attachment) -> str | None:
    """What is to be read in it; None: there is nothing, or not yet. Raises StorageAway."""
    try:
        if row.text_state == TextState.READY:
            return storing.read_text(row.pk)
        if row.text_state == TextState.NONE and row.media_type == "text/plain":
            return storing.read(row).decode()
    except (storing.BytesGone, UnicodeDecodeError):
        return None
    return None


def _as_text(row: Attachment) -> dict[str, Any] | None:
    text = text_of(row)
    return {"type": str(row.type), "name": row.name, "content": _cut(text)} if text else None


def _cut(text: str) -> str:
    if len(text) <= TEXT_MAX_CHARS:
        return text
    return f"{text[:TEXT_MAX_CHARS]}\n[... {len(text) - TEXT_MAX_CHARS:,} characters more, left out]"


def _told(file: dict[str, Any], what: str) -> dict[str, Any]:
    return {"type": str(file.get("type", "file")), "name": str(file.get("name", "")), "told": what}
