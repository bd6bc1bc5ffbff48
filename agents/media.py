"""Which documents and sounds are taken, known by their first bytes. No Django; nothing is decoded.

Sources: ISO 32000-2 7.5.2 (PDF), https://www.rfc-editor.org/rfc/rfc2361 (WAVE), https://id3.org/id3v2.3.0 and
ISO 11172-3 2.4.2.3 (MP3).
"""

import struct

PDF, WAV, MP3 = "application/pdf", "audio/wav", "audio/mpeg"
TAKEN = frozenset({PDF, WAV, MP3})
CD_BYTES_PER_SECOND = 176_400  # stereo, 44,100 samples of 16 bits


def type_of(data: bytes) -> str:
    """The media type, of a PDF, a WAV or an MP3; empty where the bytes are none of these."""
    if data.startswith(b"%PDF-"):
        return PDF
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return WAV
    return MP3 if data.startswith(b"ID3") or _is_mp3_frame(data) else ""


def wav_bytes_per_second(data: bytes) -> int:
    """How many bytes a second of this WAV has, by its header; as of a CD's, where it does not say."""
    at = data.find(b"fmt ", 12)
    found = data[at + 16 : at + 20]
    rate = struct.unpack("<I", found)[0] if at >= 0 and len(found) == 4 else 0
    return rate or CD_BYTES_PER_SECOND


def _is_mp3_frame(data: bytes) -> bool:
    """Eleven set bits, then a version, layer III, a bit rate and a sample rate that there are."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return False
    version, layer = data[1] >> 3 & 3, data[1] >> 1 & 3
    bit_rate, sample_rate = data[2] >> 4, data[2] >> 2 & 3
    return version != 1 and layer == 1 and bit_rate not in (0, 15) and sample_rate != 3
