"""Which characters no font here can draw: read from the fonts' own tables (OpenType's `cmap`), as far as is needed.

typst draws a box for such a character and says nothing.
"""

import struct
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Protocol

Range = tuple[int, int]  # of code points, both included
COLLECTION = b"ttcf"
UNICODE = {(0, 3), (0, 4), (0, 6), (3, 1), (3, 10)}  # (platform, encoding) of tables of Unicode
UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Me", "Zl", "Zp", "Zs"})  # drawn by nobody, or with another


class Font(Protocol):
    """As typst tells of one."""

    path: str | None
    index: int
    weight: int


def missing(text: Iterable[str], fonts: Iterable[Font]) -> set[str]:
    """Those of the characters that none of the fonts has."""
    left = {each for each in text if ord(each) > 0x7E and unicodedata.category(each) not in UNSEEN}
    for font in fonts:
        if not left:
            break
        if font.path is not None and font.weight == 400:
            left -= _drawn(left, list(_ranges(font)))
    return left


def _drawn(characters: set[str], ranges: list[Range]) -> set[str]:
    return {each for each in characters if any(first <= ord(each) <= last for first, last in ranges)}


def _ranges(font: Font) -> Iterator[Range]:
    """What the font says it has; nothing where it cannot be read."""
    try:
        with Path(str(font.path)).open("rb") as file:
            yield from _of_file(file, font.index)
    except (OSError, struct.error):
        return


def _of_file(file: IO[bytes], index: int) -> Iterator[Range]:
    start = 0
    if file.read(4) == COLLECTION:
        file.seek(12 + 4 * index)
        (start,) = struct.unpack(">L", file.read(4))
    file.seek(start + 4)
    (count,) = struct.unpack(">H", file.read(2))
    file.seek(start + 12)
    tables = (struct.unpack(">4sLLL", file.read(16)) for _ in range(count))
    at, length = next(((each[2], each[3]) for each in tables if each[0] == b"cmap"), (0, 0))
    file.seek(at)
    yield from _of_table(file.read(length))


def _of_table(table: bytes) -> Iterator[Range]:
    if not table:
        return
    (count,) = struct.unpack_from(">H", table, 2)
    places = {
        place
        for platform, encoding, place in struct.iter_unpack(">HHL", table[4 : 4 + 8 * count])
        if (platform, encoding) in UNICODE
    }
    for place in places:
        (form,) = struct.unpack_from(">H", table, place)
        if form == 4:
            yield from _segments(table[place:])
        elif form == 12:
            (groups,) = struct.unpack_from(">L", table, place + 12)
            found = struct.iter_unpack(">LLL", table[place + 16 : place + 16 + 12 * groups])
            yield from ((first, last) for first, last, _ in found)


def _segments(table: bytes) -> Iterator[Range]:
    """Of form 4: the ends of all segments, then their beginnings."""
    (double,) = struct.unpack_from(">H", table, 6)
    ends = struct.unpack_from(f">{double // 2}H", table, 14)
    starts = struct.unpack_from(f">{double // 2}H", table, 16 + double)
    yield from ((first, last) for first, last in zip(starts, ends, strict=True) if first != 0xFFFF)
