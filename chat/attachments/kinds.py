"""What a file is by its content, whatever it is called: which are taken, and what is said of the others. Pure.

Signatures beside those of agents.media and tools.pictures: https://mimesniff.spec.whatwg.org/,
https://www.rfc-editor.org/rfc/rfc8794 (EBML), ISO/IEC 14496-12 (MP4), https://www.rfc-editor.org/rfc/rfc3533 (Ogg).
"""

import codecs
import re
from dataclasses import dataclass

from agents import media
from chat.models import AttachmentType
from tools import pictures

EXPECTED = "an image (PNG, JPEG, GIF, WebP or AVIF), a PDF, a Word document (DOCX), a text or a sound"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
HEAD_BYTES = 4_000  # in which a text says what it is
BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
AVIF = (b"avif", b"avis")
# In no text, of whatever charset of one byte: controls but for tab, line ends, form feed and escape.
CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
SOUNDS = ((b"fLaC", "audio/flac"), (b"OggS", "audio/ogg"))
FILM = re.compile(rb"V_(?:VP[89]|AV1|MPEG|THEORA)|\x80theora|hdlr.{8}vide", re.DOTALL)


@dataclass(frozen=True)
class Found:
    """What a file is. `fault`: why it is not taken, in a sentence; empty where it is."""

    type: AttachmentType = AttachmentType.FILE
    media_type: str = ""
    fault: str = ""


def kind_of(data: bytes) -> Found:
    """What these bytes are."""
    if not data:
        return Found(fault=f"The file is empty. Expected {EXPECTED}.")
    if kind := pictures.kind_of(data) or ("avif" if data[4:8] == b"ftyp" and data[8:12] in AVIF else ""):
        return Found(AttachmentType.IMAGE, f"image/{kind}")
    if media_type := _sound_of(data):
        return Found(AttachmentType.AUDIO, media_type)
    if media_type := _document_of(data) or _text_of(data):
        return Found(AttachmentType.FILE, media_type)
    return Found(fault=_fault_of(data))


def _sound_of(data: bytes) -> str:
    """A sound's media type. What records in a browser makes WebM or MP4, and a film is one of these too."""
    found = media.type_of(data)
    if found in (media.WAV, media.MP3):
        return found
    if data[4:8] == b"ftyp" and "HEIC" not in pictures.named(data):
        return "" if FILM.search(data) else "audio/mp4"
    if data.startswith(b"\x1aE\xdf\xa3"):
        return "audio/webm" if b"webm" in data[:64] and not FILM.search(data) else ""
    sound = next((name for signature, name in SOUNDS if data.startswith(signature)), "")
    return "" if FILM.search(data[:HEAD_BYTES]) else sound


def _document_of(data: bytes) -> str:
    if data.startswith(b"%PDF-"):
        return media.PDF
    is_word = data.startswith(b"PK\x03\x04") and b"word/document.xml" in data
    return DOCX if is_word else ""


def _text_of(data: bytes) -> str:
    """Of a text what its first bytes say: HTML, SVG, XML, or nothing but text. Empty where the bytes are no text."""
    if data.startswith(BOMS):
        return "text/plain"
    if CONTROLS.search(data):
        return ""
    head = data[:HEAD_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n\x0c").lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "text/html"
    if head.startswith((b"<?xml", b"<svg", b"<!doctype svg")):
        return "image/svg+xml" if b"<svg" in head else "application/xml"
    return "text/plain"


def _fault_of(data: bytes) -> str:
    named = pictures.named(data)
    if "HEIC" in named:
        return (
            "This is a HEIC picture, as iPhones take them, which cannot be opened here. Send it as JPEG: on the phone "
            "under Settings, Camera, Formats choose Most Compatible, or export it as JPEG."
        )
    told = named if named != pictures.UNKNOWN else "nothing that is known here"
    return f"This is {told}. Expected {EXPECTED}: convert it first."
