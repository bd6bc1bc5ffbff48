"""How long sounds are: by what their files say, and nothing where they say nothing or nonsense."""

import struct

import pytest

from tests.media import MP3, TAGGED_MP3, wav
from tests.sounds import box, mp4, ogg, webm
from tools.sounds import BOXES_MAX, MP3_GAP_BYTES, MP4, OGG, WAV, WEBM, seconds_of
from tools.sounds import MP3 as MPEG

KNOWN = [
    (WAV, wav(3.0), 3.0),
    (WAV, wav(3.0)[: 44 + 16_000], 1.0),  # cut off: what is there counts
    (MPEG, MP3 * 100, 417 * 100 * 8 / 128_000),
    (MPEG, TAGGED_MP3, 417 * 8 / 128_000),
    (OGG, ogg(12.5), 12.5),
    (OGG, ogg(12.5, is_vorbis=True), 12.5),
    (MP4, mp4(61.5), 61.5),
    (MP4, mp4(61.5, is_long=True), 61.5),
    (WEBM, webm(7.25), 7.25),
    (MPEG, b"ID3\x04" + bytes(6 + MP3_GAP_BYTES - 1) + MP3, 417 * 8 / 128_000),
    (MP4, box(b"free", b"") * (BOXES_MAX - 3) + mp4(61.5), 61.5),
]
UNKNOWN = [
    (WEBM, webm(None)),
    (MP4, mp4(0)),  # while it was recorded
    (MP4, box(b"ftyp", b"M4A ")),
    (MP4, struct.pack(">I", 0) + b"moov"),
    (MP4, struct.pack(">I", 1) + b"moov" + bytes(3)),
    (MP4, b"\0\0\0\x02moov" * 1000),
    (WAV, b"RIFF\0\0\0\0WAVE"),
    (WAV, b"RIFF\0\0\0\0WAVEfmt " + bytes(30)),
    (OGG, b"OggS"),
    (OGG, ogg(-5.0)),
    (MPEG, b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + MP3),  # a tag that ends behind the file
    (MPEG, b"\xff\xfb\x00\x00"),  # a bit rate that is free
    (WEBM, b"\x44\x89\x88" + struct.pack(">d", float("nan"))),
    (WEBM, b"\x44\x89\x88\x00"),
    (MPEG, b"ID3\x04" + bytes(6 + MP3_GAP_BYTES) + MP3),  # nobody looks so far: it took seconds
    (MPEG, b"ID3" + bytes(25_000_000)),
    (MP4, box(b"free", b"") * BOXES_MAX + mp4(61.5)),
    ("audio/flac", b"fLaC" + bytes(60)),
]


@pytest.mark.parametrize(("media_type", "data", "seconds"), KNOWN)
def test_it_is_so_long(media_type: str, data: bytes, seconds: float) -> None:
    assert seconds_of(data, media_type) == pytest.approx(seconds, abs=0.01)


@pytest.mark.parametrize(("media_type", "data"), UNKNOWN)
def test_nobody_knows_how_long_it_is(media_type: str, data: bytes) -> None:
    assert seconds_of(data, media_type) is None


@pytest.mark.parametrize(("media_type", "data"), [(kind, data) for kind, data, _ in KNOWN])
def test_wherever_it_is_cut_off_nothing_breaks(media_type: str, data: bytes) -> None:
    for at in range(0, min(len(data), 400)):
        seconds_of(data[:at], media_type)
