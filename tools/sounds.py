"""How long a sound is, by what its file says of itself. No Django; nothing is decoded.

Sources: https://www.rfc-editor.org/rfc/rfc7845 (Opus in Ogg), https://www.rfc-editor.org/rfc/rfc9559 (WebM),
ISO/IEC 14496-12 (MP4), ISO 11172-3 (MP3). What a browser records as WebM mostly says nothing: it was not over yet.
"""

import struct
from collections.abc import Iterator

WAV, MP3, OGG, WEBM, MP4 = "audio/wav", "audio/mpeg", "audio/ogg", "audio/webm", "audio/mp4"
OPUS_RATE = 48_000  # whatever was recorded
MP3_GAP_BYTES = 65_536  # in which the first frame of an MP3 begins, behind its tag
BOXES_MAX = 10_000  # of an MP4 that are looked at, in a row
HEAD_BYTES = 8_192  # in which a WebM says how long it is
_KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)  # layer III of MPEG 1
_KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)  # and of MPEG 2


def seconds_of(data: bytes, media_type: str) -> float | None:
    """How many seconds; None where the file does not say. One that says 0 was not over when it was written."""
    reads = {WAV: _wav, MP3: _mp3, OGG: _ogg, WEBM: _webm, MP4: _mp4}
    try:
        found = reads[media_type](data) if media_type in reads else None
    except (struct.error, IndexError, ZeroDivisionError):
        return None
    return found if found is not None and 0 < found < 10**7 else None


def _wav(data: bytes) -> float | None:
    at = data.find(b"fmt ", 12)
    rate = int.from_bytes(data[at + 16 : at + 20], "little") if at >= 0 else 0
    begin = data.find(b"data", at)
    if not rate or begin < 0:
        return None
    said = int.from_bytes(data[begin + 4 : begin + 8], "little")
    return min(said, len(data) - begin - 8) / rate


def _mp3(data: bytes) -> float | None:
    """By the bit rate of its first frame: of one whose rate changes, about."""
    at = 10 + _tag_bytes(data[6:10]) if data.startswith(b"ID3") else 0
    end = min(len(data) - 3, at + MP3_GAP_BYTES)
    while at < end and not (data[at] == 0xFF and data[at + 1] & 0xE0 == 0xE0):
        at += 1
    if at >= end:
        return None
    is_1 = data[at + 1] >> 3 & 3 == 3
    kbits = (_KBITS_1 if is_1 else _KBITS_2)[data[at + 2] >> 4]
    return (len(data) - at) * 8 / (kbits * 1000)


def _tag_bytes(size: bytes) -> int:
    """Seven bits a byte."""
    return size[0] << 21 | size[1] << 14 | size[2] << 7 | size[3]


def _ogg(data: bytes) -> float | None:
    """The last page says how many samples there are by then."""
    last = data.rfind(b"OggS")
    samples = struct.unpack("<q", data[last + 6 : last + 14])[0]
    if b"OpusHead" in data[:HEAD_BYTES]:
        return float(samples) / OPUS_RATE
    head = data.find(b"\x01vorbis", 0, HEAD_BYTES)
    return samples / struct.unpack("<I", data[head + 12 : head + 16])[0] if head >= 0 else None


def _webm(data: bytes) -> float | None:
    head = data[:HEAD_BYTES]
    at, scale_at = head.find(b"\x44\x89"), head.find(b"\x2a\xd7\xb1")
    if at < 0:
        return None
    size = head[at + 2] & 0x7F
    duration = struct.unpack(">d" if size == 8 else ">f", head[at + 3 : at + 3 + size])[0]
    scale_size = head[scale_at + 3] & 0x7F if scale_at >= 0 else 0
    scale = int.from_bytes(head[scale_at + 4 : scale_at + 4 + scale_size], "big") or 1_000_000
    return float(duration * scale / 1e9)


def _mp4(data: bytes) -> float | None:
    for name, start, end in _boxes(data, 0, len(data)):
        if name == b"moov":
            return next((_header(data[at:to]) for inner, at, to in _boxes(data, start, end) if inner == b"mvhd"), None)
    return None


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The name of each of the first BOXES_MAX boxes, and from where to where its content goes."""
    for _ in range(BOXES_MAX):
        if at + 8 > end:
            return
        size, head = int.from_bytes(data[at : at + 4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        size = end - at if size == 0 else size
        if size < head:
            return
        yield data[at + 4 : at + 8], at + head, min(at + size, end)
        at += size


def _header(box: bytes) -> float | None:
    """Of a film's header."""
    scale, duration = struct.unpack(">IQ", box[20:32]) if box[0] == 1 else struct.unpack(">II", box[12:20])
    return float(duration / scale)
