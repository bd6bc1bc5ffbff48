"""A parser for tests of a project's knowledge, as the child imports it: without Django, and without the tests of it."""

from typing import Any


def parts(data: bytes) -> Any:
    """What a parser of documents says of a file: here, form feeds divide its pages."""
    pages = [{"text": text, "page": number} for number, text in enumerate(data.decode().split("\f"), 1)]
    return {"media_type": "application/pdf", "title": "Its own title", "parts": pages, "truncated": data == b"cut"}
