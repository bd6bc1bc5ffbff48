"""What is to be read in an attachment: the text of a document, the words of a recording. Kept beside it. Sync.

It is found once, in the thread that has stored the file: a document's in a child (tools.parsing), a recording's by the
server that TRANSCRIPTION_BASE_URL names. What goes wrong is a sentence in `text_error`; the file stays.
"""

import asyncio
import logging

from django.conf import settings

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
    try:
        text = _words(attachment, data) if attachment.type == AttachmentType.AUDIO else _text(attachment, data)
        storing.write_text(attachment.pk, text)
    except NoText as error:
        _keep_state(attachment, TextState.FAILED, error=str(error))
    except storing.StorageAway:
        log.warning("the text of attachment %s is not stored; it is read again when it is needed", attachment.pk)
    else:
        _keep_state(attachment, TextState.READY, chars=len(text))


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
            find(attachment, storing.read(attachment))
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
        attachment.seconds = round(seconds, 1)
        attachment.save(update_fields=["seconds", "updated_at"])


def _keep_state(attachment: Attachment, state: TextState, *, chars: int = 0, error: str = "") -> None:
    attachment.text_state, attachment.text_chars, attachment.text_error = state, chars, error[:ERROR_MAX_CHARS]
    attachment.save(update_fields=["text_state", "text_chars", "text_error", "updated_at"])
