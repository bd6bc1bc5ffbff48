"""What a server says it has: GET /models, in the forms that vendors give it. For commands; no run asks this."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import msgspec

from agents.errors import ProviderError
from agents.providers import errors as provider_errors
from agents.providers import http
from agents.providers.apis import judged, key_of
from agents.providers.scrub import Scrubber
from agents.providers.server import Server
from tools.errors import OutwardError
from tools.outward.connecting import AddressRefused

ANTHROPIC_VERSION = "2026-10-21"
MAX_BYTES = 20_000_000  # OpenRouter's list has some megabytes
MAX_PAGES = 20
# Where servers say how much a model reads: Anthropic, OpenRouter, vLLM, Mistral, LM Studio, Groq.
WINDOWS = ("max_input_tokens", "context_length", "max_model_len", "max_context_length", "context_window")


@dataclass(frozen=True)
class Listed:
    """One model, as its server tells of it."""

    context_tokens: int | None = None  # None: it does not say
    ends_at: str = ""  # from then on the server answers for it no more, as far as it says


async def listed(server: Server, settings: Any, *, timeout_s: float = 30.0) -> dict[str, Listed]:
    """The server's models by name. Raises ProviderError."""
    found: dict[str, Listed] = {}
    after = ""
    async with _session(server, settings, timeout_s) as session:
        for _page in range(MAX_PAGES):
            page = await _page_of(session, server, settings, after)
            found |= dict(_read(page))
            after = str(page.get("last_id") or "") if page.get("has_more") is True else ""
            if not after:
                break
    return found


def _session(server: Server, settings: Any, timeout_s: float) -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    try:
        connector = http.connector(server.base_url, judged(server, settings))
    except OutwardError as error:
        raise ProviderError("upstream_unavailable", http.REFUSED, detail={"message": str(error)}) from None
    return aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
    )


async def _page_of(session: aiohttp.ClientSession, server: Server, settings: Any, after: str) -> dict[str, Any]:
    scrub = Scrubber(http.secrets(key_of(server, settings), server.base_url, _extra(server, settings)))
    try:
        async with session.get(
            address_of(server, after), headers=headers_of(server, settings), allow_redirects=False
        ) as response:
            body = await response.content.read(MAX_BYTES)
            while more := await response.content.read(MAX_BYTES - len(body)):
                body += more
            if response.status != 200:
                raise provider_errors.from_status(response.status, response.headers, body, scrub)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        if isinstance(error.__cause__, AddressRefused):
            raise ProviderError("upstream_unavailable", http.REFUSED) from None
        raise provider_errors.from_exception(error, has_answer=False) from None
    try:
        page = msgspec.json.decode(body)
    except msgspec.DecodeError:
        raise ProviderError("upstream_malformed") from None
    return page if isinstance(page, dict) else {"data": page}


def address_of(server: Server, after: str = "") -> str:
    """Where its list is; a query of the base URL stays behind the path."""
    parts = urlsplit(server.base_url)
    path = parts.path.rstrip("/")
    is_messages = server.api == "messages"
    path += "/v1/models" if is_messages and not path.endswith("/v1") else "/models"
    query = "&".join(filter(None, (parts.query, "limit=1000" if is_messages else "", after and f"after_id={after}")))
    return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


def headers_of(server: Server, settings: Any) -> dict[str, str]:
    """With the key, as the server's API wants it."""
    key = key_of(server, settings)
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Parley"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    if server.api == "messages":
        headers["anthropic-version"] = ANTHROPIC_VERSION
    return {**headers, **http.checked_headers(_extra(server, settings))}


def _extra(server: Server, settings: Any) -> Mapping[str, str]:
    return getattr(settings, server.headers) if server.headers else {}


def _read(page: dict[str, Any]) -> Iterator[tuple[str, Listed]]:
    rows = page.get("data") or page.get("models") or []
    for row in rows if isinstance(rows, list) else []:
        name = row.get("id") or row.get("name") if isinstance(row, dict) else None
        if isinstance(name, str):
            # Gemini puts a folder before its names in lists, and takes them without.
            yield name.removeprefix("models/"), Listed(_window(row), _end(row))


def _window(row: dict[str, Any]) -> int | None:
    numbers = (row.get(name) for name in WINDOWS)
    return next((each for each in numbers if isinstance(each, int) and each > 0), None)


def _end(row: dict[str, Any]) -> str:
    """OpenAI: shutdown_date; Mistral: deprecation; OpenRouter: expiration_date."""
    texts = (row.get(name) for name in ("shutdown_date", "deprecation", "expiration_date", "retires_at"))
    return next((each[:10] for each in texts if isinstance(each, str) and each), "")
