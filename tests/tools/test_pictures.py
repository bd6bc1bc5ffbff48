"""What a file is by its first bytes."""

import struct

import pytest

from tests.pictures import HEIC, gif, jpeg, png, webp
from tools import pictures

LOSSLESS = b"RIFF\x00\x00\x00\x00WEBPVP8L\x00\x00\x00\x00\x2f" + struct.pack("<I", (640 - 1) | (480 - 1) << 14)
LOSSY = b"RIFF\x00\x00\x00\x00WEBPVP8 \x00\x00\x00\x00\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", 640, 480)


@pytest.mark.parametrize(
    ("data", "kind"),
    [(png(640, 480), "png"), (jpeg(640, 480), "jpeg"), (gif(640, 480), "gif"), (webp(640, 480), "webp"),
     (LOSSLESS, "webp"), (LOSSY, "webp")],
)  # fmt: skip
def test_a_picture_is_known_with_its_size(data: bytes, kind: str) -> None:
    assert (pictures.kind_of(data), pictures.size_of(data)) == (kind, (640, 480))
    for end in range(len(data)):  # whatever is missing of it
        assert pictures.size_of(data[:end]) in (None, (640, 480))


@pytest.mark.parametrize(
    ("data", "name"),
    [(HEIC, "a HEIC picture"), (b"\x00\x00\x00\x1cftypavif", "an AVIF picture"), (b"BM6\x00", "a BMP picture"),
     (b"II*\x00\x08", "a TIFF picture"), (b"%PDF-1.7", "a PDF"), (b"PK\x03\x04", "a ZIP file or an office document"),
     (b'<?xml version="1.0"?><svg/>', "an SVG drawing"), (b" <svg xmlns=", "an SVG drawing"),
     (b"<!doctype html>", "a web page"), (b"\x00\x00\x00\x18ftypisom", "a film (MP4)"),
     (b"hello", "no picture that is known here"), (b"\x89PNG\r\n", "no picture that is known here"),
     (b"RIFF1234WAVEfmt ", "a sound (WAV)"), (b"", "no picture that is known here")],
)  # fmt: skip
def test_anything_else_is_called_what_it_is(data: bytes, name: str) -> None:
    assert (pictures.kind_of(data), pictures.named(data), pictures.size_of(data)) == ("", name, None)
