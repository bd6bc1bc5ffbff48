"""Server-sent events as servers write them: bytes in, what each event holds out.

By https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation, and beyond it what
servers were seen to do: no blank line between events, and JSON that is in no event at all. A line that is whole by
itself is given at once, which is every line of most servers; only where that fails are lines joined.
"""

from collections.abc import Callable, Iterable

BOM = b"\xef\xbb\xbf"
FIELDS = (b"data", b"event", b"id", b"retry")
OTHER_LINE_MAX_BYTES = 2_000_000  # a line that brings no data

Take = Callable[[str, bytes], bool]  # an event's name and its data; False: not whole, so wait for more of it
BODY = " body"  # the name of JSON that is in no event; an event's own has no space in front
Break = Callable[[str], None]  # an event is over and not whole; a sentence where there is more to say of it
TOO_LONG = "The model provider sent an event that is too long."


class Lines:
    """Splits bytes into lines, whatever ends them, and keeps what has not ended."""

    def __init__(self, max_bytes: int) -> None:
        self.is_too_long = False
        self._rest = bytearray()
        self._max_bytes = max_bytes

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that these bytes end."""
        if not self._rest and data.endswith(b"\n") and b"\r" not in data:  # most reads bring whole lines
            return data.split(b"\n")[:-1]  # behind the last line end is no line, and an empty one would end an event
        self._rest += data
        if b"\n" not in data and b"\r" not in data:
            self._judge()
            return []
        *lines, rest = _split(bytes(self._rest))
        self._rest = bytearray(rest)
        self._judge()
        return lines

    def end(self) -> bytes:
        """The last line, which nothing ended."""
        last = bytes(self._rest).removesuffix(b"\r")
        self._rest.clear()
        return last

    def _judge(self) -> None:
        size = len(self._rest)
        if size > OTHER_LINE_MAX_BYTES:
            self.is_too_long = size > self._max_bytes or not self._rest.startswith(b"data:")


def _split(whole: bytes) -> list[bytes]:
    """The lines. A carriage return at the very end stays with the last: a line feed may follow it."""
    if b"\r" not in whole:
        return whole.split(b"\n")
    kept = b"\r" if whole.endswith(b"\r") else b""
    lines = whole.removesuffix(kept).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return [*lines[:-1], lines[-1] + kept]


class Events:
    """Reads lines into events. `take` is given each; what it does not take is offered again with what follows it."""

    def __init__(self, take: Take, is_broken: Break, max_bytes: int) -> None:
        self._take = take
        self._is_broken = is_broken
        self._max_bytes = max_bytes
        self._name = ""
        self._data: list[bytes] = []  # of an event that is not whole yet
        self._stray: list[bytes] = []  # lines of no event
        self._has_events = False
        self._size = 0  # of the data
        self._stray_size = 0

    def read(self, lines: Iterable[bytes]) -> None:
        """The next lines."""
        for line in lines:
            if line.startswith(b"data:"):
                data = line[5:].strip()
                if self._data or not data or not self._take(self._name, data):
                    self._read_on(data)
                self._has_events = True
            elif line.startswith(b"event:"):
                self._name = line[6:].strip().decode("utf-8", "replace")
            elif line:
                self._read_other(line)
            elif self._data:
                self._flush()
                self._name = ""
            else:
                self._name = ""

    def end(self, last: bytes) -> None:
        """No more comes, behind this last line, which may be cut in its middle: then it is dropped."""
        self.read([last])
        if self._data:
            self._take(self._name, b"\n".join(self._data))
        if self._stray:  # a JSON document that says it is a stream, or an error behind one
            self._take(BODY, b"\n".join(self._stray))

    def _read_on(self, data: bytes) -> None:
        """Data that is no whole event by itself, or behind such."""
        if not data:  # a sign of life
            return
        if self._data and _is_chunk(data):  # no blank line stood between them
            self._flush()
            if self._take(self._name, data):
                return
        self._data.append(data)
        self._size += len(data)
        if self._size > self._max_bytes:
            self._is_broken(TOO_LONG)
            self._data, self._size = [], 0

    def _read_other(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if line.startswith(BOM) and not self._has_events:
            self.read([line.removeprefix(BOM)])
        elif name == b"event":
            self._name = value.strip().decode("utf-8", "replace")
        elif name and name not in FIELDS and not (line.startswith((b"{", b"[")) and self._take(BODY, line)):
            self._stray_on(line)

    def _stray_on(self, line: bytes) -> None:
        """Keep what may become a JSON document. Such a one begins at a line's start."""
        if line.startswith(b"{") and not (self._stray and self._stray[0].startswith((b"{", b"["))):
            self._stray, self._stray_size = [], 0
        self._stray.append(line)
        self._stray_size += len(line)
        if self._stray_size > OTHER_LINE_MAX_BYTES and self._has_events:
            self._stray, self._stray_size = [], 0
        elif self._stray_size > self._max_bytes:
            self._is_broken(TOO_LONG)
            self._stray, self._stray_size = [], 0

    def _flush(self) -> None:
        data, self._data, self._size = b"\n".join(self._data), [], 0
        if data and not self._take(self._name, data) and not _is_sign_of_life(data):
            self._is_broken("")


def _is_chunk(data: bytes) -> bool:
    """Whether a line behind an unfinished one is an event of its own, rather than going on with that one."""
    return data == b"[DONE]" or (data.startswith(b"{") and (b'"choices"' in data or b'"error"' in data))


def _is_sign_of_life(data: bytes) -> bool:
    """Whether an event that is no JSON never was meant to be: `ping`, `: keep-alive`, `alive`."""
    return not data.startswith((b"{", b"[")) and b'"choices"' not in data
