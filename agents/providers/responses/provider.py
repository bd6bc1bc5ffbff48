"""OpenAI's Responses API, and the servers that speak it.

As with chat completions, the openai SDK says where to send and with which headers, and the bytes are read by hand
(docs/decisions/0010-the-provider-reads-bytes.md).
"""

import json
import logging
from collections.abc import AsyncGenerator, Mapping

import aiohttp
from msgspec.structs import replace
from openai import AsyncOpenAI

from agents.errors import ProviderError
from agents.messages import has_state, without_state
from agents.providers import errors as provider_errors
from agents.providers import http, pictures
from agents.providers.base import LeftOut, Piece, ProviderRequest, Question
from agents.providers.http import Endpoint, Judged, Patience, Silence
from agents.providers.openai.provider import address_of, auth_of, headers_of
from agents.providers.refused import Terms
from agents.providers.responses import failures
from agents.providers.responses import request as responses_request
from agents.providers.responses.stream import Reply
from agents.providers.scrub import Scrubber

logger = logging.getLogger(__name__)

PATH = "/responses"
NEEDED = ("store",)  # without it the server would keep what was said


class ResponsesProvider:
    """Streams responses from one base URL with one key."""

    name = "responses"

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

        Without the first it is the second. Raises ValueError.
        """
        self._host = http.checked_host(base_url)
        self.maker = http.maker("responses", base_url, PATH)
        self._scrub = Scrubber(http.secrets(api_key, base_url, extra_headers or {}))
        client = AsyncOpenAI(api_key=api_key or "none", base_url=base_url, max_retries=0)  # the SDK insists on a key
        self._patience = Patience(
            connect_timeout_s, idle_timeout_s, first_byte_timeout_s or idle_timeout_s, max_event_bytes
        )
        auth = auth_of(client, base_url, api_key)
        headers = headers_of(client, http.checked_headers(extra_headers or {}), auth)
        self._endpoint = Endpoint(address_of(base_url, PATH), headers, self._patience, judged)
        self._extra_headers = dict(extra_headers or {})
        self._max_argument_bytes = max_argument_bytes
        self.skipped = 0  # well formed nonsense events since the start

    def __repr__(self) -> str:
        return f"<ResponsesProvider {self._host}>"  # no key, no headers, no userinfo

    async def stream(self, request: ProviderRequest) -> AsyncGenerator[list[Piece], None]:
        """Yield what each network read brought. Closing or cancelling it closes the connection at once.

        Raises ProviderError. Ends without an error where the reply's end had come, and where text came and then a clean
        end without one: that is for the loop to judge. What the server refuses and can be left out is left out.
        """
        terms = self._terms(request)
        while True:
            reply = self._new_reply()
            response, silence = None, None
            try:
                body = responses_request.encode(responses_request.build(request, terms))
                response = await self._send(request.sent(body))
                if left_out := terms.left_out(request.extra):
                    yield [LeftOut(left_out)]
                if http.kind_of(response) == "application/json":  # a server that does not stream
                    if pieces := reply.read_whole(await self._endpoint.whole(response)):
                        yield pieces
                else:
                    silence = Silence(response, self._patience.idle_s)
                while silence is not None and not reply.is_over:
                    data = await silence.next()
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
                    pictures.name_unreadable(error, responses_request.placed(request))
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
        body = responses_request.encode(responses_request.build(asked, self._terms(asked)))
        return Question(http.scope(self._endpoint.url, self._extra_headers), body)

    async def close(self) -> None:
        """Let go of pooled connections."""
        await self._endpoint.close()

    def _terms(self, request: ProviderRequest) -> Terms:
        needed = ("tools", *NEEDED) if request.has_client_tools else NEEDED
        return Terms(self._endpoint.url, request.model, needed=needed, extra=request.extra)

    def _new_reply(self) -> Reply:
        return Reply(
            max_event_bytes=self._patience.max_event_bytes,
            max_argument_bytes=self._max_argument_bytes,
            scrub=self._scrub,
        )

    async def _send(self, body: bytes) -> aiohttp.ClientResponse:
        """The answer, once its headers have come and say that it is a stream."""
        response = await self._endpoint.send(body)
        if response.status != 200:
            told = await http.error_body(response)
            raise provider_errors.from_status(response.status, response.headers, told, self._scrub)
        http.check_is_stream(response)
        return response

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
    """What to ask once more after a refusal; None where there is nothing to leave out. Raises what it means."""
    if failures.is_about_items(error) and any(map(has_state, request.messages)):
        return replace(request, messages=tuple(map(without_state, request.messages)))
    if failures.is_unknown_api(error):
        pictures.name_unreadable(error, responses_request.placed(request))
        if error.pictures:
            return None
        raise failures.unknown_api(error) from None
    return request if terms.refuses(error) else None
