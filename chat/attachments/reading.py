"""What a model is given of attachments, within what one request may hold. Sync: it reads the storage.

The forms are those of files that came whole with a message (chat.services.attachments), so that chat.runner.files tells
both alike; and `{told}`, a few words on what is not given.
"""

import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings

from agents import media
from chat.attachments import linked, storing
from chat.attachments.texts import text_of
from chat.attachments.using import id_of
from chat.models import Attachment, AttachmentState, AttachmentType, TextState

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
        self.fetch_s = settings.ATTACHMENT_FETCH_TIMEOUT_S  # that are left for images at addresses
        self.has_texts = False  # whether one of them has a text that the tool reads

    def files(self, files: Files, message: UUID) -> Files:
        """The next message's, each in its place: those with an id as what is given of them."""
        self.messages -= 1
        if any(map(linked.is_link, files)):
            files = self._fetched(message, files)
        ids = [id for each in files if (id := id_of(each)) is not None]
        if not ids:
            return files
        ready = Attachment.objects.filter(state=AttachmentState.READY)
        rows = ready.in_bulk(ids)
        return [{**self._given(each, rows), **_id_of(each)} for each in files]

    def _fetched(self, message: UUID, files: Files) -> Files:
        """With images at addresses as what came of them; what there was no time for is told, and fetched later."""
        if self.fetch_s > 0:
            began = time.monotonic()
            files = linked.kept(message, files, self.fetch_s)
            self.fetch_s -= time.monotonic() - began
        return [_told(each, "which could not be fetched yet") if linked.is_link(each) else each for each in files]

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
        self.has_texts |= row.text_state == TextState.READY
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
        more = {"text": text} if text else {}
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

    def files(self, files: Files, message: UUID) -> Files:
        """The files, where none is to be read. Raises Later."""
        if any(id_of(each) or linked.is_link(each) for each in files):
            raise Later
        return files


def _id_of(file: dict[str, Any]) -> dict[str, Any]:
    return {"id": file["id"]} if "id" in file else {}


def _as_text(row: Attachment) -> dict[str, Any] | None:
    text = text_of(row)
    return {"type": str(row.type), "name": row.name, "content": text} if text else None


def _told(file: dict[str, Any], what: str) -> dict[str, Any]:
    return {"type": str(file.get("type", "file")), "name": str(file.get("name", "")), "told": what}
