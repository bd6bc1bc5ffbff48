"""Git's packets: each begins with its length in four hex digits. https://git-scm.com/docs/protocol-common"""

from collections.abc import Iterator

FLUSH = b"0000"
LENGTH = 4  # digits, which count themselves
MAX = 65_520


class NoPackets(ValueError):
    """These bytes are no packets."""


def packet(data: bytes) -> bytes:
    """One packet of these bytes."""
    return b"%04x" % (len(data) + LENGTH) + data


def packets(body: bytes) -> Iterator[bytes | None]:
    """Each packet's bytes, without the line's end; None for a flush. Raises NoPackets."""
    at = 0
    while at < len(body):
        length = _length(body[at : at + LENGTH])
        if length == 0:
            yield None
            at += LENGTH
            continue
        if length < LENGTH or length > MAX or at + length > len(body):
            raise NoPackets
        yield body[at + LENGTH : at + length].removesuffix(b"\n")
        at += length


def _length(digits: bytes) -> int:
    try:
        return int(digits, 16) if len(digits) == LENGTH and digits.isalnum() else _refuse()
    except ValueError:
        return _refuse()


def _refuse() -> int:
    raise NoPackets
