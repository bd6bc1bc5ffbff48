"""How this installation looks: PARLEY_NAME, PARLEY_LOGO and PARLEY_ACCENT, for pages, mails and what embeds them."""

from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

ICON = settings.BASE_DIR / "static" / "chat" / "icon.svg"
ICON_ACCENT = b"#1f5fa8"  # in that file
TYPES = {b"\x89PNG": "image/png", b"RIFF": "image/webp"}  # by their first bytes; else it is an SVG


class Logo(NamedTuple):
    """A picture's bytes, and what they are."""

    data: bytes
    media_type: str


def name() -> str:
    """What people call it."""
    return str(settings.PARLEY_NAME)


def logo() -> Logo:
    """Its own, or the usual one in its accent."""
    return _logo(settings.PARLEY_LOGO, settings.PARLEY_ACCENT)


def version() -> str:
    """Another one whenever the logo or the accent is another: part of their addresses."""
    return _version(settings.PARLEY_LOGO, settings.PARLEY_ACCENT)


@lru_cache(maxsize=4)
def _logo(path: str, accent: str) -> Logo:
    data = Path(path or ICON).read_bytes()
    if not path and accent:
        data = data.replace(ICON_ACCENT, accent.encode())
    return Logo(data, TYPES.get(data[:4], "image/svg+xml"))


@lru_cache(maxsize=4)
def _version(path: str, accent: str) -> str:
    return blake2b(_logo(path, accent).data + accent.encode(), digest_size=6).hexdigest()
