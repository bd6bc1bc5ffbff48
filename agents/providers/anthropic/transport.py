"""The SDK's requests over our own connections.

The SDK says where, how and with what; who decides on connections, cookies, proxies, redirects, timeouts and how much of
an error is read are we, as for every provider (agents.providers.http). Its own transport follows redirects, takes
proxies from the environment, keeps cookies, has a hundred connections at most and reads an error to its end.
"""

from collections.abc import AsyncIterator
from typing import cast

import aiohttp
import httpx2

from agents.providers import http
from agents.providers.http import Endpoint

ANSWER = "answer"  # the extension of a response that holds aiohttp's own
LEFT_OUT = ("set-cookie", "content-encoding", "content-length", "transfer-encoding")


class Transport(httpx2.AsyncBaseTransport):
    """What httpx2 sends by. Raises ProviderError where no answer comes."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._endpoint.send(request.content, url=str(request.url), headers=_sent(request))
        headers = _told(answer)
        if answer.status != 200:
            body = await http.error_body(answer)
            return httpx2.Response(answer.status, headers=headers, content=body, request=request)
        return httpx2.Response(200, headers=headers, stream=_Body(answer), extensions={ANSWER: answer}, request=request)


class _Body(httpx2.AsyncByteStream):
    """The bytes of an answer."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for data in self._answer.content.iter_any():
            yield data

    async def aclose(self) -> None:
        self._answer.close()


def answer_of(response: httpx2.Response) -> aiohttp.ClientResponse:
    """The answer itself, whose bytes are read without httpx2."""
    return cast(aiohttp.ClientResponse, response.extensions[ANSWER])


def _sent(request: httpx2.Request) -> dict[str, str]:
    # aiohttp says by itself how long the body is and whom it asks.
    return {name: value for name, value in request.headers.items() if name not in ("host", "content-length")}


def _told(answer: aiohttp.ClientResponse) -> list[tuple[str, str]]:
    # Without cookies, which httpx2 would keep, and without what it would unpack an error by: that is given as it came.
    return [(name, value) for name, value in answer.headers.items() if name.lower() not in LEFT_OUT]
