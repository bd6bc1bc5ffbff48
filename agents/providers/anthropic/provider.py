"""Anthropic, and everything that speaks its Messages API.

The SDK says where to send, with which headers and what is an error; its requests go over our own connections, and the
bytes of the answer are read by hand, which is a tenth of the SDK's cost per token.
"""

import json
import logging
from collections.abc import AsyncGenerator, Mapping
from typing import cast

import aiohttp
import httpx2
from anthropic import APIConnectionError, APIStatusError, AsyncAnthropic, AsyncStream, Omit
from msgspec.structs import replace

from agents.errors import ProviderError
from agents.messages import has_state, without_state
from agents.providers import http, pictures
from agents.providers.anthropic import errors as anthropic_errors
from agents.providers.anthropic import request as anthropic_request
from agents.providers.anthropic.stream import Reply
from agents.providers.anthropic.transport import Transport, answer_of
from agents.providers.base import LeftOut, Piece, ProviderRequest, Question
from agents.providers.http import Endpoint, Judged, Patience, Silence
from agents.providers.refused import Terms
from agents.providers.scrub import Scrubber

logger = logging.getLogger(__name__)

PATH = "/v1/messages"
HEADERS = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}


class AnthropicProvider:
    """Streams messages from one base URL with one key."""

    name = "anthropic"

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str,
        extra_headers: Mapping[str, str] | None = None,
        connect_timeout_s: float = 5.0,
        idle_timeout_s: float = 60.0,
        first_byte_timeout_s: float | None = None,
        max_event_bytes: int = 64 * 2**20,
        max_argument_bytes: int = 8_000_000,
        judged: Judged | None = None,
    ) -> None:
        """`first_byte_timeout_s` is the longest silence before the answer begins, `idle_timeout_s` between two reads.

        Without the first it is the second. `base_url` with or without its `/v1`. Raises ValueError.
        """
        self._host = http.checked_host(base_url)
        self.maker = http.maker("messages", base_url)
        self._scrub = Scrubber(http.secrets(api_key, base_url, extra_headers or {}))
        self._patience = Patience(
            connect_timeout_s, idle_timeout_s, first_byte_timeout_s or idle_timeout_s, max_event_bytes
        )
        self._endpoint = Endpoint(base_url, {}, self._patience, judged)  # the SDK says where, each time
        self._client = AsyncAnthropic(
            api_key=api_key or "none",  # without one the SDK would look for others
            base_url=_root(base_url),
            max_retries=0,  # the loop retries
            timeout=httpx2.Timeout(idle_timeout_s, connect=connect_timeout_s),  # as its headers say; ours are kept
            default_headers={**HEADERS, **http.checked_headers(extra_headers or {})},
            http_client=httpx2.AsyncClient(
                transport=Transport(self._endpoint), follow_redirects=False, trust_env=False
            ),
            open_telemetry=False,
        )
        self._headers: dict[str, str | Omit] = {} if api_key else {"Authorization": Omit()}
        self._extra_headers = dict(extra_headers or {})
        self._max_argument_bytes = max_argument_bytes
        self.skipped = 0  # well formed nonsense events since the start

    def __repr__(self) -> str:
        return f"<AnthropicProvider {self._host}>"  # no key, no headers, no userinfo

    async def stream(self, request: ProviderRequest) -> AsyncGenerator[list[Piece], None]:
        """Yield what each network read brought. Closing or cancelling it closes the connection at once.

        Raises ProviderError. Ends without an error where a stop reason had come, and where text came and then a clean
        end without one: that is for the loop to judge. What the server refuses and can be left out is left out.
        """
        terms = self._terms(request)
        while True:
            reply = self._new_reply()
            response, silence = None, None
            try:
                # As bytes: what is the vendor's own goes back as it came.
                body = anthropic_request.encode(anthropic_request.build(request, terms))
                response = await self._send(request.sent(body))
                if left_out := (*anthropic_request.wordless(request), *terms.left_out(request.extra)):
                    yield [LeftOut(left_out)]
                if http.kind_of(response) == "application/json":  # a server that does not stream
                    if pieces := reply.read_whole(await self._endpoint.whole(response)):
                        yield pieces
                else:
                    silence = Silence(response, self._patience.idle_s)
                while silence is not None and not reply.is_over:
                    data = await (http.rest(response) if reply.is_finished else silence.next())
                    pieces = reply.feed(data) if data else reply.end()
                    if pieces:
                        yield pieces
                self._judge(reply)
                terms.took()
                if reply.is_done:
                    await http.read_to_end(response)
                return
            except ProviderError as error:
                self._tell(error)
                less = None if reply.has_pieces else _less(request, terms, error)
                if less is None:
                    pictures.name_unreadable(error, anthropic_request.counted(request), text_first=False)
                    raise
                request = less
            finally:
                if silence is not None:
                    silence.stop()
                # An answer read to its end has given its connection back to the pool; any other is cut here.
                if response is not None:
                    response.close()
                self._count(reply)

    def question(self, request: ProviderRequest) -> Question:
        """What `stream` would send first."""
        asked = replace(request, user="", chat="")
        body = anthropic_request.encode(anthropic_request.build(asked, self._terms(asked)))
        return Question(http.scope(self._endpoint.url, self._extra_headers), body)

    async def close(self) -> None:
        """Let go of pooled connections."""
        await self._endpoint.close()

    def _terms(self, request: ProviderRequest) -> Terms:
        needed = ("tools",) if request.has_client_tools else ()
        return Terms(self._endpoint.url, request.model, needed=needed, extra=request.extra)

    def _new_reply(self) -> Reply:
        return Reply(
            max_event_bytes=self._patience.max_event_bytes,
            max_argument_bytes=self._max_argument_bytes,
            scrub=self._scrub,
        )

    async def _send(self, body: bytes) -> aiohttp.ClientResponse:
        """The answer, once its headers have come and say that it is a stream."""
        try:
            response: httpx2.Response | AsyncStream[object] = await self._client.post(
                PATH,
                content=body,
                cast_to=httpx2.Response,
                options={"headers": self._headers},
                stream=True,
                stream_cls=AsyncStream[object],
            )
        except APIStatusError as error:
            raise anthropic_errors.from_answer(error.response, self._scrub) from None
        except APIConnectionError as error:
            if isinstance(error.__cause__, ProviderError):  # from our transport
                raise error.__cause__ from None
            raise
        answer = answer_of(cast(httpx2.Response, response))
        http.check_is_stream(answer)
        return answer

    def _judge(self, reply: Reply) -> None:
        """Raise what is wrong with a reply that has ended."""
        if reply.error is not None:
            raise reply.error
        if not reply.has_pieces:
            raise ProviderError("upstream_incomplete", retryable=True)

    def _tell(self, error: ProviderError) -> None:
        if error.detail:
            told = json.dumps(error.detail, ensure_ascii=False)
            logger.warning("%s refused: %s %s", self._host, error.code, told)

    def _count(self, reply: Reply) -> None:
        if reply.skipped:
            self.skipped += reply.skipped
            logger.warning("%s: %d events of a reply made no sense and were skipped", self._host, reply.skipped)


def _less(request: ProviderRequest, terms: Terms, error: ProviderError) -> ProviderRequest | None:
    """What to ask once more after a refusal; None where there is nothing to leave out."""
    if anthropic_errors.is_about_thoughts(error) and any(map(has_state, request.messages)):
        return replace(request, messages=tuple(map(without_state, request.messages)))
    return request if terms.refuses(error) else None


def _root(base_url: str) -> str:
    """The address as the SDK wants it: it adds the version itself."""
    return base_url.rstrip("/").removesuffix("/v1")
