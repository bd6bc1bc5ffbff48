"""The reading algorithms of the five systems' own snippets, step for step: chunks of a response in, JSON values out.

They raise where the snippet would throw, and where it would drop something in a `catch` they raise too: no server may
count on that.
"""

import codecs
import http.client
import json
from collections.abc import Iterable, Iterator
from typing import Any


def chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """The response as the server wrote it: HTTP chunk by HTTP chunk."""
    data = b""
    while piece := response.read1(1 << 20):
        data += piece
        if not response.chunk_left:  # type: ignore[attr-defined]  # else the buffer has ended, not the chunk
            yield data
            data = b""


def each_chunk_alone(found: Iterable[bytes]) -> Iterator[Any]:
    """`decoder.decode(value)` and `split("\\n")` for each chunk by itself: nothing is carried over to the next."""
    for chunk in found:
        for line in chunk.decode().split("\n"):
            if line.startswith("data: "):
                yield json.loads(line[6:])


def line_buffered(found: Iterable[bytes]) -> Iterator[Any]:
    """A React hook: `decode(value, {stream: true})`, and the last, unfinished line waits for the next chunk."""
    decoder, buffer = codecs.getincrementaldecoder("utf-8")(), ""
    for chunk in found:
        *lines, buffer = (buffer + decoder.decode(chunk)).split("\n")
        yield from (json.loads(line[6:]) for line in lines if line.startswith("data: "))
    assert buffer == "", "the last line was never finished"


def every_unnamed_event(found: Iterable[bytes]) -> Iterator[Any]:
    """An EventSource with `onmessage = (event) => JSON.parse(event.data)`, unguarded."""
    *events, rest = b"".join(found).decode().split("\n\n")
    assert rest == "", "an event without its blank line is lost"
    for event in events:
        fields = [line.partition(": ")[::2] for line in event.split("\n") if not line.startswith(":")]
        data = "\n".join(value for name, value in fields if name == "data")
        if data and not any(name == "event" for name, _ in fields):
            yield json.loads(data)
