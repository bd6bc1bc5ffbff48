"""What is kept of a request: all but what is told of its person, files, and the middle of texts too long. Pure."""

from collections.abc import Callable
from typing import Any

import msgspec

LONGEST = (20_000, 4_000, 400, 40)  # characters of a text; the first with which all of it fits is taken
ENDS = 40  # characters that are kept of each end of a file
FILE_MIN = 400  # characters of base64 that are a file, and no word
FILES = (b"base64", b"input_audio")  # one of these stands beside a file, whichever API it goes to
BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_")
PRIVATE = "[here it tells what the person lets models know of them: {count:,} characters]"


def cut(body: bytes, private: str, most: int) -> bytes:
    """The very same where it has at most so many bytes, no file and nothing private in it; else what is left of it."""
    has_files = any(each in body for each in FILES)
    private = private.encode(errors="replace").decode()  # as it was sent
    if len(body) <= most and not has_files and not private:
        return body
    try:
        asked = msgspec.json.decode(body)
        whole = _without(asked, private)
        for longest in (most, *LONGEST):
            kept = _shorter(whole, longest)
            found = body if kept == asked else msgspec.json.encode(kept)
            if len(found) <= most:
                return found
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return b""  # no JSON, or deeper than we look: what is private in it cannot be told apart
    return found[:most]


def _without(value: Any, private: str) -> Any:
    """With a note in the place of what is private."""
    return _mapped(value, lambda text: text.replace(private, PRIVATE.format(count=len(private)))) if private else value


def _shorter(value: Any, longest: int) -> Any:
    """With the ends alone of files, and of texts that have more characters."""
    return _mapped(value, lambda text: _ends(text, ENDS) if _is_file(text) else _ends(text, longest // 2))


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """The same with each of its texts changed."""
    match value:
        case str():
            return change(value)
        case dict():
            return {name: _mapped(each, change) for name, each in value.items()}
        case list():
            return [_mapped(each, change) for each in value]
        case _:
            return value


def _is_file(text: str) -> bool:
    """Whether it is a file's bytes: a single word of base64, behind its `data:` where it has that."""
    data = text.partition(";base64,")[2] if text.startswith("data:") else text
    return len(data) > FILE_MIN and BASE64.issuperset(data[:FILE_MIN])


def _ends(text: str, size: int) -> str:
    if len(text) <= 2 * size:
        return text
    return f"{text[:size]} [cut here: it has {len(text):,} characters] {text[-size:]}"
