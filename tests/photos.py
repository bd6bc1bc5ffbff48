"""Images with something in them, as cameras and programs write them, and files that only look like images."""

import io
import os
import struct
import zlib
from typing import Any

from PIL import Image

RED, BLUE = (200, 20, 20), (20, 20, 200)
ORIENTATION, DESCRIPTION, GPS = 0x0112, 0x010E, 0x8825


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def photo(width: int = 300, height: int = 200, form: str = "JPEG", **options: Any) -> bytes:
    """A red picture whose upper left corner is blue."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (0, 0, width // 4, height // 4))
    return encoded(image, form, **options)


def with_place(orientation: int = 6) -> bytes:
    """As a phone takes it: lying on its side, with where it was taken and what it is called."""
    return photo(exif=_place(orientation), comment=b"secret comment")


def of_a_phone(width: int = 4032, height: int = 3024) -> bytes:
    """The same of twelve million pixels with what light does to them, some 6 MB of it; a corner is blue."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (0, 0, width // 4, height // 4))
    grain = Image.effect_noise((width, height), 18).convert("RGB")
    return encoded(Image.blend(image, grain, 0.4), "JPEG", quality=96, exif=_place(6), comment=b"secret comment")


def _place(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[DESCRIPTION] = "secret garden"
    exif.get_ifd(GPS)[1] = "N"
    exif.get_ifd(GPS)[2] = (48.0, 51.0, 29.0)
    return exif


def see_through(side: int = 60) -> bytes:
    return encoded(Image.new("RGBA", (side, side), (10, 200, 10, 90)), "PNG")


def noise(side: int) -> bytes:
    """What no format makes small."""
    return encoded(Image.frombytes("RGBA", (side, side), os.urandom(side * side * 4)), "PNG", compress_level=0)


def bomb(side: int = 9_000) -> bytes:
    """A PNG of some kilobytes whose pixels take hundreds of megabytes."""
    rows = zlib.compress(bytes((side // 8 + 1) * side), 9)
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def corner(image: Image.Image, x: int, y: int) -> str:
    """Which of the two colours is there, by the larger part of it."""
    red, _, blue = image.convert("RGB").getpixel((x, y))  # type: ignore[misc]
    return "blue" if blue > red else "red"
