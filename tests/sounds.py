"""Sounds of each kind, as small as they come: a header that says what it is and how long, and hardly a sound."""

import struct

from tests.media import MP3, wav


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


def mp4(seconds: float, *, is_long: bool = False) -> bytes:
    """As Safari records it: the header behind the sound."""
    form = struct.pack(">B3xQQIQ", 1, 0, 0, 1000, int(seconds * 1000)) if is_long else b""
    form = form or struct.pack(">IIIII", 0, 0, 0, 1000, int(seconds * 1000))
    track = box(b"trak", box(b"mdia", box(b"hdlr", bytes(8) + b"soun" + bytes(13))))
    return box(b"ftyp", b"M4A \0\0\0\0M4A mp42") + box(b"mdat", bytes(40)) + box(b"moov", box(b"mvhd", form) + track)


def ogg(seconds: float, *, is_vorbis: bool = False) -> bytes:
    rate = 44_100 if is_vorbis else 48_000
    opus = b"OpusHead\x01\x01" + bytes(9)
    head = b"\x01vorbis" + struct.pack("<IBI", 0, 1, rate) + bytes(13) if is_vorbis else opus
    return page(2, 0, head) + page(4, int(seconds * rate), bytes(50))


def page(kind: int, samples: int, data: bytes) -> bytes:
    return b"OggS\0" + bytes([kind]) + struct.pack("<qIII", samples, 7, 0, 0) + bytes([1, len(data)]) + data


def webm(seconds: float | None) -> bytes:
    """As Chromium records it, which says no length: then None."""
    said = b"\x44\x89\x88" + struct.pack(">d", seconds * 1000) if seconds is not None else b""
    info = b"\x15\x49\xa9\x66" + bytes([0x80 | 7 + len(said)]) + b"\x2a\xd7\xb1\x83\x0f\x42\x40" + said
    head = b"\x42\x86\x81\x01\x42\x82\x84webm"
    return (
        b"\x1a\x45\xdf\xa3" + bytes([0x80 | len(head)]) + head
        + b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" + info + b"\x16\x54\xae\x6b\x88\x86\x86A_OPUS"
    )  # fmt: skip


SOUNDS = {
    "audio/webm": webm(None),
    "audio/ogg": ogg(2.5),
    "audio/mp4": mp4(2.5),
    "audio/wav": wav(1.0),
    "audio/mpeg": MP3 * 20,
}
