"""Answers that are given whole: made and packed in a thread, so that no long one keeps the others waiting."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse

from accounts.db import db

DEPTH = 2  # {"messages": [...]}: each of them is packed for itself, and others may go on in between
Threads = Callable[[Callable[[], bytes]], Awaitable[bytes]]
_encode = DjangoJSONEncoder(ensure_ascii=False).encode


async def whole(
    make: Callable[..., Mapping[str, Any]], *args: Any, status: int = 200, threads: Threads = db
) -> HttpResponse:
    """What `make` gives, as JSON. It is sync, and may use the database. `threads`: where it works."""
    body = await threads(lambda: packed(make(*args)))
    return HttpResponse(body, status=status, content_type="application/json")


def packed(answer: Any, depth: int = DEPTH) -> bytes:
    """The answer as JSON in UTF-8, what is so deep in it piece by piece.

    Half a character, which UTF-8 has not, is written as JSON's escape for it.
    """
    return b"".join(piece.encode(errors="backslashreplace") for piece in _pieces(answer, depth))


def _pieces(value: Any, depth: int) -> Iterator[str]:
    """The JSON of a value piece by piece: Python packs one without letting another thread go on."""
    if not depth or not value or not isinstance(value, dict | list):
        yield _encode(value)
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    for number, name in enumerate(value):
        yield ", " if number else opening
        if isinstance(value, dict):
            yield f"{_encode(str(name))}: "
        yield from _pieces(value[name] if isinstance(value, dict) else name, depth - 1)
    yield closing
