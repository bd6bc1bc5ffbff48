"""What a file is by its first bytes, and how large a picture is. No Django; nothing is decoded.

Signatures: https://en.wikipedia.org/wiki/List_of_file_signatures, https://mimesniff.spec.whatwg.org/#image-type-pattern-table
"""

import struct
from collections.abc import Iterator

UNKNOWN = "no picture that is known here"
TAKEN = ("png", "jpeg", "gif", "webp")  # what the model servers take

# What people send instead, as they call it. Offset, bytes, name.
_OTHERS = (
    (0, b"BM", "a BMP picture"),
    (0, b"II*\x00", "a TIFF picture"),
    (0, b"MM\x00*", "a TIFF picture"),
    (0, b"\x00\x00\x01\x00", "an icon (ICO)"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"%PDF-", "a PDF"),
    (0, b"PK\x03\x04", "a ZIP file or an office document"),
    (0, b"\x1f\x8b", "a packed file"),
    (8, b"WAVE", "a sound (WAV)"),
    (0, b"ID3", "a sound (MP3)"),
    (0, b"fLaC", "a sound (FLAC)"),
    (0, b"OggS", "a sound (Ogg)"),
    (8, b"AVI ", "a film (AVI)"),
    (0, b"\x1aE\xdf\xa3", "a film (WebM)"),
)
_BRANDS = {
    "a HEIC picture": (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"),
    "an AVIF picture": (b"avif", b"avis"),
}


def kind_of(data: bytes) -> str:
    """One of TAKEN; empty where the bytes are none of these."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else ""


def named(data: bytes) -> str:
    """What the bytes are, in words for people."""
    if data[4:8] == b"ftyp":
        return next((name for name, brands in _BRANDS.items() if data[8:12] in brands), "a film (MP4)")
    for offset, signature, name in _OTHERS:
        if data.startswith(signature, offset):
            return name
    text = data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<svg", b"<?xml", b"<!doctype svg")) and b"<svg" in data[:4000].lower():
        return "an SVG drawing"
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return UNKNOWN


def size_of(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, from the header; None where it does not say."""
    try:
        match kind_of(data):
            case "png":
                size = struct.unpack(">II", data[16:24]) if data[12:16] == b"IHDR" else (0, 0)
            case "gif":
                size = struct.unpack("<HH", data[6:10])
            case "jpeg":
                size = next(_jpeg_sizes(data), (0, 0))
            case "webp":
                size = _webp_size(data)
            case _:
                return None
    except (struct.error, IndexError):
        return None
    width, height = size
    return (width, height) if width > 0 and height > 0 else None


def _jpeg_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """Of each frame: SOF segments, which stand behind others of any length."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF or 0xD0 <= marker <= 0xD9 or marker == 0x01:  # filling, or a segment without a length
            at += 1 if marker == 0xFF else 2
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            yield width, height
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def _webp_size(data: bytes) -> tuple[int, int]:
    match data[12:16]:
        case b"VP8X" if len(data) >= 30:
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
        case b"VP8L":
            bits = struct.unpack("<I", data[21:25])[0]
            return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
        case b"VP8 ":
            width, height = struct.unpack("<HH", data[26:30])
            return width & 0x3FFF, height & 0x3FFF
        case _:
            return 0, 0
