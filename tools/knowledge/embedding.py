"""Embeddings: texts become vectors at the server of EMBEDDINGS_BASE_URL, if one is set. They leave the house by that.

Deliberate, as towards servers of models: redirects are not followed, proxies of the environment and cookies are not
used, and what came back is in no error.
"""

import asyncio
import time
from collections.abc import Sequence

import aiohttp
import msgspec
from django.conf import settings

from tools.knowledge.errors import EmbeddingsFailed
from tools.knowledge.vectors import NotAVector, Vector, unit

BATCH = 64  # texts in one request
MAX_BYTES = 64_000_000  # of an answer
AWAY_S = 10.0  # after a search that waited in vain the next ones ask by words alone, for so long
CONNECT_S = 5.0
MALFORMED = "The server of the embeddings answered something else than embeddings."


class _Item(msgspec.Struct):
    index: int
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Item]


class _Away:
    """Until when searches do not ask, by the monotonic clock."""

    until = 0.0


def is_on() -> bool:
    """Whether there is a server of embeddings."""
    return bool(settings.EMBEDDINGS_BASE_URL and settings.EMBEDDINGS_MODEL)


def model() -> str:
    """By what vectors are made now, as it is kept with each: of another they say nothing. Empty: by nothing."""
    if not is_on():
        return ""
    size = settings.EMBEDDINGS_DIMENSIONS
    return f"{settings.EMBEDDINGS_MODEL}:{size}"[-100:] if size else str(settings.EMBEDDINGS_MODEL)[-100:]


async def embedded(texts: Sequence[str], *, timeout_s: float | None = None) -> list[Vector]:
    """The vector of each text, of length 1, in their order. Raises EmbeddingsFailed."""
    found = []
    async with _session(settings.EMBEDDINGS_TIMEOUT_S if timeout_s is None else timeout_s) as session:
        for first in range(0, len(texts), BATCH):
            found += await _batch(session, texts[first : first + BATCH])
    return found


async def question_embedded(text: str) -> Vector | None:
    """A question's vector; None where the server does not give one now, or did not a moment ago."""
    if time.monotonic() < _Away.until:
        return None
    try:
        (vector,) = await embedded([text], timeout_s=settings.EMBEDDINGS_QUERY_TIMEOUT_S)
    except EmbeddingsFailed:
        _Away.until = time.monotonic() + AWAY_S
        return None
    return vector


def _session(timeout_s: float) -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=timeout_s, connect=CONNECT_S, ceil_threshold=float("inf"))
    return aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)


async def _batch(session: aiohttp.ClientSession, texts: Sequence[str]) -> list[Vector]:
    asked = {"model": settings.EMBEDDINGS_MODEL, "input": list(texts)}
    if settings.EMBEDDINGS_DIMENSIONS:
        asked["dimensions"] = settings.EMBEDDINGS_DIMENSIONS
    headers = {"Content-Type": "application/json"}
    if settings.EMBEDDINGS_KEY:
        headers["Authorization"] = f"Bearer {settings.EMBEDDINGS_KEY}"
    body = await _asked(session, msgspec.json.encode(asked), headers)
    return await asyncio.to_thread(_read, body, len(texts))  # some 100,000 numbers


async def _asked(session: aiohttp.ClientSession, body: bytes, headers: dict[str, str]) -> bytes:
    url = f"{settings.EMBEDDINGS_BASE_URL.rstrip('/')}/embeddings"
    try:
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            if response.status != 200:
                raise _refused(response.status)
            return await _whole(response)
    except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
        raise EmbeddingsFailed("The server of the embeddings cannot be reached.", is_retryable=True) from error


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for data in response.content.iter_any():
        body += data
        if len(body) > MAX_BYTES:
            raise EmbeddingsFailed(MALFORMED, is_retryable=False)
    return bytes(body)


def _refused(status: int) -> EmbeddingsFailed:
    if status in (401, 403):
        told = "The server of the embeddings refused the key. An operator sets EMBEDDINGS_KEY."
        return EmbeddingsFailed(told, is_retryable=False)
    is_retryable = status in (408, 429) or status >= 500
    return EmbeddingsFailed(f"The server of the embeddings answered with status {status}.", is_retryable=is_retryable)


def _read(body: bytes, count: int) -> list[Vector]:
    """The vectors, by `index` and not as they came. Raises EmbeddingsFailed where they are not what was asked for."""
    try:
        items = sorted(msgspec.json.decode(body, type=_Answer).data, key=lambda each: each.index)
        vectors = [unit(each.embedding) for each in items]
    except (msgspec.DecodeError, NotAVector) as error:
        raise EmbeddingsFailed(MALFORMED, is_retryable=False) from error
    if [each.index for each in items] != list(range(count)):
        raise EmbeddingsFailed(MALFORMED, is_retryable=False)
    sizes = {len(each) for each in vectors} | ({settings.EMBEDDINGS_DIMENSIONS} - {0})
    if len(sizes) != 1:
        raise EmbeddingsFailed("The embeddings have another size than EMBEDDINGS_DIMENSIONS says.", is_retryable=False)
    return vectors
