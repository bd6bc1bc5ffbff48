"""Streams in gzip, for readers who ask for it with `?compress=gzip`. Never by default.

Each piece is flushed whole, so no frame waits for the next one. Proxies that look for `text/event-stream` may hold a
packed stream back all the same, and a length may tell what a frame says: so it is the reader's own choice.
"""

import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing

from django.http import HttpRequest

from accounts.errors import refuse

GZIP = "gzip"
# A window of 4 KiB, in the form of gzip, and little memory: 32 KiB for each stream rather than 256.
WINDOW_BITS, MEMORY_LEVEL, LEVEL = 16 + 12, 5, 6


def wanted(request: HttpRequest) -> bool:
    """Whether the request asks for a packed stream. Raises Invalid for a form that we do not know."""
    asked = request.GET.get("compress")
    if asked not in (None, GZIP):
        raise refuse("compress", "Expected gzip.")
    return asked == GZIP


async def packed(body: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The same bytes in gzip, each piece at once."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW_BITS, MEMORY_LEVEL)
    async with aclosing(body) as pieces:
        async for piece in pieces:
            yield packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()
