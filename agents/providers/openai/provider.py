"""OpenAI, and everything that speaks its chat completions: Ollama, vLLM, OpenRouter, an observability proxy.

The openai SDK says where to send and with which headers; the request itself goes through aiohttp and its bytes are read
by hand, which is a tenth of the SDK's cost per token (docs/decisions/0010-the-provider-reads-bytes.md).
"""

import json
import logging
from collections.abc import AsyncGenerator, Mapping
from urllib.parse import urlsplit

import aiohttp
from msgspec.structs import replace
from openai import AsyncOpenAI

from agents.errors import ProviderError
from agents.providers import errors as provider_errors
from agents.providers import http, pictures
from agents.providers.base import LeftOut, Piece, ProviderRequest, Question
from agents.providers.http import Endpoint, Judged, Patience, Silence
from agents.providers.openai import request as openai_request
from agents.providers.openai.stream import Reply
from agents.providers.refused import Terms
from agents.providers.scrub import Scrubber

logger = logging.getLogger(__name__)

PATH = "/chat/completions"


class OpenAIProvider:
    """Streams chat completions from one base URL with one key."""

    name = "openai"

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
        self.maker = http.maker("chat", base_url, PATH)
        self._scrub = Scrubber(http.secrets(api_key, base_url, extra_headers or {}))
        client = AsyncOpenAI(api_key=api_key or "none", base_url=base_url, max_retries=0)  # the SDK insists on a key
        self._patience = Patience(
            connect_timeout_s, idle_timeout_s, first_byte_timeout_s or idle_timeout_s, max_event_bytes
        )
        headers = headers_of(client, http.checked_headers(extra_headers or {}), auth_of(client, base_url, api_key))
        self._endpoint = Endpoint(address_of(base_url), headers, self._patience, judged)
        self._extra_headers = dict(extra_headers or {})
        self._max_argument_bytes = max_argument_bytes
        self.skipped = 0  # well formed nonsense chunks since the start

    def __repr__(self) -> str:
        return f"<OpenAIProvider {self._host}>"  # no key, no headers, no userinfo

    async def stream(self, request: ProviderRequest) -> AsyncGenerator[list[Piece], None]:
        """Yield what each network read brought. Closing or cancelling it closes the connection at once.

        Raises ProviderError. Ends without an error where a finish reason had come, and where text came and then a clean
        end without one: that is for the loop to judge. What the server refuses and can be left out is left out.
        """
        terms = self._terms(request)
        while True:
            reply = self._new_reply()
            response, silence = None, None
            try:
                body = openai_request.encode(openai_request.build(request, terms, self._host))
                response = await self._send(request.sent(body))
                if left_out := terms.left_out(request.extra):
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
                if reply.has_pieces or not terms.refuses(error):
                    pictures.name_unreadable(error, openai_request.wire_messages(request))
                    raise
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
        body = openai_request.encode(openai_request.build(asked, self._terms(asked), self._host))
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
            logger.warning("%s: %d chunks of a reply made no sense and were skipped", self._host, reply.skipped)


def address_of(base_url: str, path: str = PATH) -> str:
    """Where completions, or what has this path, are asked for.

    The path goes before a query, such as Azure's `?api-version=`.
    """
    parts = urlsplit(base_url)
    base = parts.path.rstrip("/").removesuffix(path)  # some have all of it in their settings
    return parts._replace(path=base + path, fragment="").geturl()


def auth_of(client: AsyncOpenAI, base_url: str, api_key: str) -> Mapping[str, str]:
    """The header with the key. Azure's older paths take a key by a name of its own; its `/openai/v1/` as all others.

    https://learn.microsoft.com/azure/ai-foundry/openai/reference#authentication
    """
    if not api_key:
        return {}
    return {"api-key": api_key} if "/openai/deployments/" in urlsplit(base_url).path else client.auth_headers


def headers_of(client: AsyncOpenAI, extra_headers: Mapping[str, str], auth: Mapping[str, str]) -> dict[str, str]:
    """What goes with each call, by lower-case name: the SDK's own, ours, then the extra ones."""
    sources: list[Mapping[str, object]] = [
        client.default_headers,
        auth,
        {"Accept": "text/event-stream", "Accept-Encoding": "identity", "X-Stainless-Async": "async:asyncio"},
        extra_headers,
    ]
    # The SDK marks a header that is not to be sent with an object of its own.
    return {name.lower(): value for source in sources for name, value in source.items() if isinstance(value, str)}
