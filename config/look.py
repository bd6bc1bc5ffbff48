"""The settings of an installation's own look, as they are read at the start: its name, its logo, its accent."""

import re
import unicodedata
from pathlib import Path

NAME_CHARS = 40
LOGO_MAX_BYTES = 256_000
A_NAME = f'a name of at most {NAME_CHARS} characters, without < > " and \\'
A_COLOUR = "a colour such as #1f5fa8"
A_LOGO = f"the path of a picture in SVG, PNG or WebP of at most {LOGO_MAX_BYTES:,} bytes, which may be read"
UNFIT = re.compile(r"[<>\"\\]")  # of a name that also stands in mails' headers and in commits
COLOUR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
SVG = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:svg|\?xml|!)")


def name(text: str) -> str:
    """What the installation is called, in one line. Raises ValueError."""
    found = " ".join(text.split())
    is_plain = not UNFIT.search(found) and all(unicodedata.category(each)[0] != "C" for each in found)
    if not is_plain or len(found) > NAME_CHARS:
        raise ValueError
    return found


def accent(text: str) -> str:
    """A colour as #rrggbb. Raises ValueError."""
    if not COLOUR.fullmatch(text):
        raise ValueError
    digits = text[1:].lower()
    return "#" + ("".join(each * 2 for each in digits) if len(digits) == len("rgb") else digits)


def logo(text: str) -> str:
    """The whole path of a picture that is there. Raises ValueError."""
    try:
        with open(text, "rb") as file:
            data = file.read(LOGO_MAX_BYTES + 1)
    except OSError as error:
        raise ValueError from error
    if not _is_picture(data) or len(data) > LOGO_MAX_BYTES:
        raise ValueError
    return str(Path(text).resolve())


def _is_picture(data: bytes) -> bool:
    is_webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    is_svg = bool(SVG.match(data)) and b"<svg" in data
    return is_webp or is_svg or data.startswith(b"\x89PNG\r\n\x1a\n")
