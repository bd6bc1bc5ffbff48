"""A text of a file exchanged for another, in bytes: what else is in the file stays as it is, whatever its encoding.

What does not fit says how to make it fit, because a model reads it: the line that is nearest, or all the places.
"""

from collections.abc import Iterator
from itertools import pairwise

from tools.errors import RetryTool, ToolError

MAX_SHOWN_LINES = 10
LOOKED_AT_LINES = 5_000  # for the nearest one
LOOKED_AT_CHARS = 200  # of each
SHOWN_CHARS = 200
LIKE_ENOUGH = 0.3  # the share of two lines' pairs of letters that are the same


def replaced(data: bytes, old: bytes, new: bytes, count: int, *, path: str, max_bytes: int) -> bytes:
    """The data with `new` in every place of `old`, of which there must be `count`.

    Raises RetryTool, and ToolError where it would be longer than that.

    Where the file ends its lines with CRLF and the old text does not, both are taken so; and the new text, where all of
    the file's lines end so.
    """
    if count < 1:
        raise RetryTool("count: expected in how many places the old text stands, from 1.")
    if old not in data and b"\r\n" in data:
        old, new = _with_crlf(old), _with_crlf(new)
    elif b"\r\n" in data and data.count(b"\n") == data.count(b"\r\n"):
        new = _with_crlf(new)
    found = data.count(old)
    if found == 0:
        raise RetryTool(f"old: this text is not in {path}. {_nearest(data, old)}")
    if found != count:
        raise RetryTool(_other_count(data, old, found, count, path))
    size = len(data) + found * (len(new) - len(old))
    if size > max_bytes:  # looked at first: it could be more than there is memory
        raise ToolError(f"{path} would have {size:,} bytes; a file may have {max_bytes:,}.")
    return data.replace(old, new)


def _with_crlf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _other_count(data: bytes, old: bytes, found: int, count: int, path: str) -> str:
    lines = [str(line) for line, _ in zip(_lines_of(data, old), range(MAX_SHOWN_LINES), strict=False)]
    where = ", ".join(lines) + (", ..." if found > len(lines) else "")
    times = "once" if found == 1 else f"{found:,} times"
    return (
        f"old: this text is in {path} {times} (line {where}), not {count:,}. "
        f"Send more of the lines around the one you mean, or count={found} for all of them."
    )


def _lines_of(data: bytes, old: bytes) -> Iterator[int]:
    """The line, from 1, in which each place begins."""
    at, line, seen = data.find(old), 1, 0
    while at >= 0:
        line += data.count(b"\n", seen, at)
        yield line
        seen, at = at, data.find(old, at + len(old))


def _nearest(data: bytes, old: bytes) -> str:
    """The line of the file that is most like the first one of the old text, in a sentence."""
    wanted = next((line for line in old.decode(errors="replace").split("\n") if line.strip()), "").strip()
    lines = data.decode(errors="replace").split("\n")[:LOOKED_AT_LINES]
    pairs = _pairs(wanted)
    likeness, number = max(((_likeness(pairs, _pairs(line)), -at) for at, line in enumerate(lines)), default=(0.0, 0))
    if likeness < LIKE_ENOUGH:
        return "No line is like it. Read the file again with read_file."
    shown = lines[-number].rstrip("\r")[:SHOWN_CHARS]
    return f"The nearest is line {1 - number}: {shown!r}. Send old exactly as it stands there, with its spaces."


def _pairs(line: str) -> frozenset[str]:
    """Pairs of neighbouring letters: cheap to compare, as two lines of any length are."""
    text = " ".join(line[:LOOKED_AT_CHARS].split())
    return frozenset(map("".join, pairwise(text)))


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    both = len(one & other)
    return both / (len(one) + len(other) - both) if both else 0.0
