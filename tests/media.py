"""Documents and sounds with a header and little behind it: enough for whoever looks at the first bytes."""

import base64
import struct

PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n\xff\xfe"
MP3 = b"\xff\xfb\x90\x64" + bytes(413)  # a frame of 128 kbit/s
TAGGED_MP3 = b"ID3\x04\x00\x00\x00\x00\x00\x00" + MP3


def wav(seconds: float = 0.01, bytes_per_second: int = 16_000) -> bytes:
    """Silence, mono, of 8 bits."""
    data = bytes(int(seconds * bytes_per_second))
    form = struct.pack("<HHIIHH", 1, 1, bytes_per_second, bytes_per_second, 1, 8)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def url(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{in_base64(data)}"
