"""What is to be read in an attachment: the text of a document, the words of a recording. Kept beside it. Sync.

It is found once, in the thread that has stored the file: a document's in a child (tools.parsing), a recording's by the
server that TRANSCRIPTION_BASE_URL names. What goes wrong is a sentence in `text_error`; the file stays.
"""

import asyncio
import logging
import threading
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import close_old_connections, connection
from django.utils import timezone

from agents.errors import ProviderError
from agents.providers.transcribing import ENDINGS, Transcriber
from chat.attachments import storing
from chat.models import Attachment, AttachmentType
from chat.models.attachments import TextState
from tools.errors import ParsingError
from tools.parsing.reading import Document, read_document
from tools.sounds import seconds_of

log = logging.getLogger(__name__)
ERROR_MAX_CHARS = 300
NO_WORDS = "Nothing is said in it."
LEFT = "Its words were not written down. Send it again."
NOT_KEPT = "Its words could not be stored. Send it again later."
BUSY = "Too many recordings were being written down. Send it again in a moment."
LEFT_S = 3_600  # what is PENDING for longer was left behind by a process that died
WAIT_S = 10.0  # for one of AT_ONCE places
AT_ONCE = 8  # documents, and recordings, of which this process finds out at once: each of them is held in memory
_places = {type.value: threading.BoundedSemaphore(AT_ONCE) for type in (AttachmentType.FILE, AttachmentType.AUDIO)}


class NoText(Exception):
    """Why there is nothing to read, in a sentence."""


def find(attachment: Attachment, data: bytes) -> None:
    """Find what is to be read in a file that was just stored, and keep it; its row says how that went."""
    if attachment.type == AttachmentType.IMAGE:
        return
    if attachment.type == AttachmentType.AUDIO:
        _keep_length(attachment, data)
        if not settings.TRANSCRIPTION_BASE_URL:
            return
    _keep_state(attachment, TextState.PENDING)
    if not connection.in_atomic_block:
        close_old_connections()  # one of PostgreSQL's pool waits for no server: others need it
    if not _places[attachment.type].acquire(timeout=WAIT_S):
        _left(attachment, BUSY)
        return
    try:
        _find(attachment, data)
    finally:
        _places[attachment.type].release()


def _find(attachment: Attachment, data: bytes) -> None:
    try:
        text = _words(attachment, data) if attachment.type == AttachmentType.AUDIO else _text(attachment, data)
        storing.write_text(attachment.pk, text)
    except NoText as error:
        _keep_state(attachment, TextState.FAILED, error=str(error))
    except storing.StorageAway:
        _left(attachment, NOT_KEPT)
    else:
        _keep_state(attachment, TextState.READY, chars=len(text))


def _left(attachment: Attachment, why: str) -> None:
    """There is no text for now: a document is read again when it is needed, a recording is not."""
    log.warning("there is no text yet of attachment %s: %s", attachment.pk, why)
    if attachment.type == AttachmentType.AUDIO:
        _keep_state(attachment, TextState.FAILED, error=why)


def give_up_left() -> int:
    """Say of recordings that a dead process was about to write down that nobody will; how many there were."""
    before = timezone.now() - timedelta(seconds=LEFT_S)
    left = Attachment.objects.filter(type=AttachmentType.AUDIO, text_state=TextState.PENDING, created_at__lt=before)
    return left.update(text_state=TextState.FAILED, text_error=LEFT, updated_at=timezone.now())


def text_of(attachment: Attachment) -> str | None:
    """What a model is given of it: its beginning, and how the rest is had. None where there is nothing to read.

    A document whose text nobody got to keep is read now. Raises StorageAway.
    """
    text = whole_text(attachment)
    most = settings.ATTACHMENT_TEXT_SHOWN_CHARS
    if text is None or len(text) <= most:
        return text
    rest = f"These are the first {most:,} of {len(text):,} characters. Where you have the tool read_attachment, go on"
    return f'{text[:most]}\n[{rest} with id "{attachment.pk}" and start {most}.]'


def whole_text(attachment: Attachment) -> str | None:
    """All of it, as it is kept. Raises StorageAway."""
    is_left = attachment.text_state in (TextState.NONE, TextState.PENDING)
    try:
        if is_left and attachment.type == AttachmentType.FILE:
            _find(attachment, storing.read(attachment))
        return storing.read_text(attachment.pk) if attachment.text_state == TextState.READY else None
    except storing.BytesGone:
        return None


def _text(attachment: Attachment, data: bytes) -> str:
    """A document's, with each page of a PDF under its number. Raises NoText."""
    try:
        found = read_document(data, attachment.name, timeout_s=settings.ATTACHMENT_TEXT_TIMEOUT_S)
    except ParsingError as error:
        raise NoText(str(error)) from error
    return joined(found)


def joined(document: Document) -> str:
    """Its parts as one text."""
    told = [
        part["text"] if part["page"] is None else f"[page {part['page']}]\n{part['text']}" for part in document["parts"]
    ]
    if document["truncated"]:
        told.append("[The file goes on; this is as much of it as is read.]")
    return "\n\n".join(told)


def _words(attachment: Attachment, data: bytes) -> str:
    """A recording's. Raises NoText."""
    _check_recording(attachment, data)
    asked = Transcriber(
        settings.TRANSCRIPTION_BASE_URL,
        settings.TRANSCRIPTION_KEY,
        settings.TRANSCRIPTION_MODEL,
        settings.TRANSCRIPTION_TIMEOUT_S,
    )
    try:
        words = asyncio.run(asked.words(data, attachment.media_type)).strip()
    except ProviderError as error:
        raise NoText(error.message) from error
    if not words:
        raise NoText(NO_WORDS)
    return words


def _check_recording(attachment: Attachment, data: bytes) -> None:
    if attachment.media_type not in ENDINGS:
        raise NoText("Recordings of this kind are not written down: send WebM, Ogg, MP4, WAV or MP3.")
    if len(data) > settings.TRANSCRIPTION_MAX_BYTES:
        raise NoText(f"Recordings of more than {settings.TRANSCRIPTION_MAX_BYTES:,} bytes are not written down.")
    if attachment.seconds is not None and attachment.seconds > settings.TRANSCRIPTION_MAX_S:
        raise NoText(f"Recordings of more than {settings.TRANSCRIPTION_MAX_S / 60:g} minutes are not written down.")


def _keep_length(attachment: Attachment, data: bytes) -> None:
    seconds = seconds_of(data, attachment.media_type)
    if attachment.seconds is None and seconds is not None:
        _keep(attachment, seconds=round(seconds, 1))


def _keep_state(attachment: Attachment, state: TextState, *, chars: int = 0, error: str = "") -> None:
    _keep(attachment, text_state=state, text_chars=chars, text_error=error[:ERROR_MAX_CHARS])


def _keep(attachment: Attachment, **fields: Any) -> None:
    """Write these fields, where the row is still there: it may be removed while a server is at its words."""
    for name, value in fields.items():
        setattr(attachment, name, value)
    Attachment.objects.filter(pk=attachment.pk).update(**fields, updated_at=timezone.now())
