"""Files whose bytes come in a request, as attachments."""

import base64
import binascii
from typing import Any
from urllib.parse import unquote_to_bytes

from accounts.errors import refuse
from agents import media


def attachment(data: str, name: str, field: str) -> dict[str, Any]:
    """Of a data: URL, or of plain base64: a PDF, a sound, or a text. Raises Invalid for what is none of these."""
    try:
        found = _bytes(data)
        if media_type := media.type_of(found):
            kind = "file" if media_type == media.PDF else "audio"
            return {"type": kind, "name": name, "url": f"data:{media_type};base64,{base64.b64encode(found).decode()}"}
        return {"type": "file", "name": name, "content": found.decode()}
    except (ValueError, binascii.Error):
        raise refuse(field, "Expected the base64 of a PDF, of a sound (WAV or MP3), or of a text in UTF-8.") from None


def _bytes(data: str) -> bytes:
    if data[:5].lower() != "data:":
        return base64.b64decode(data, validate=True)
    head, comma, rest = data.partition(",")
    if not comma:
        raise ValueError("a data: URL has a comma")
    raw = unquote_to_bytes(rest)
    return base64.b64decode(raw, validate=True) if head.lower().endswith(";base64") else raw
