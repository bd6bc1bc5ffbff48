"""One request to the world outside and its answer, whole and bounded.

The address of every connection is judged at its socket, where there is no second look-up that could say something else.
Deliberate: a new connection for each request, so that none made for a host that is meant serves another one; redirects
are answers and not followed; proxies, cookies and .netrc are not used; packed answers are refused, not unpacked.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import aiohttp
from django.conf import settings
from multidict import CIMultiDict

from tools.errors import OutwardError
from tools.outward.allowed import Allowed, allowed
from tools.outward.connecting import AddressRefused, connector
from tools.outward.target import SET, Target, target

log = logging.getLogger(__name__)
BEGINNING_S = 1.0  # for the first bytes of an answer, behind its headers


@dataclass(frozen=True)
class Answer:
    """What the server said: any status, also a redirect or an error of its own."""

    status: int
    headers: Mapping[str, str]  # by name in any case
    body: bytes


async def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    max_bytes: int | None = None,
    timeout_s: float | None = None,
    has_secret: bool = False,
    first_bytes: int | None = None,
) -> Answer:
    """The answer to one request, within OUTWARD_MAX_BYTES and OUTWARD_TIMEOUT_S unless other bounds are given.

    `has_secret`: it carries a credential, which goes to no public address without TLS. `first_bytes`: only so many are
    wanted of the answer, as far as they come within BEGINNING_S, however long it is.

    Raises OutwardError, whose text may be shown to whoever gave the URL: it says no address and nothing that came back.
    """
    rules = allowed(tuple(settings.OUTWARD_ALLOW))
    asked = target(url, rules, settings.OUTWARD_PORTS)
    sent = CIMultiDict({"User-Agent": "Parley", **(headers or {})})
    sent["Accept-Encoding"] = "identity"
    with faults_told(asked):
        async with asyncio.timeout(settings.OUTWARD_TIMEOUT_S if timeout_s is None else timeout_s):
            async with _session(asked, rules, has_secret) as session:
                sending = session.request(method, asked.url, data=body or None, headers=sent, allow_redirects=False)
                async with sending as response:
                    if first_bytes is not None:
                        beginning = await _beginning(response, first_bytes)
                        return Answer(response.status, response.headers, beginning)
                    limit = settings.OUTWARD_MAX_BYTES if max_bytes is None else max_bytes
                    return Answer(response.status, response.headers, await _body(response, limit))


def _session(asked: Target, rules: Allowed, has_secret: bool) -> aiohttp.ClientSession:
    connect_s = settings.OUTWARD_CONNECT_TIMEOUT_S
    timeout = aiohttp.ClientTimeout(connect=connect_s, ceil_threshold=float("inf"))  # it would round up over 5 s
    return aiohttp.ClientSession(
        connector=connector(asked, rules, has_secret=has_secret, force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=timeout,
        auto_decompress=False,
        trust_env=False,
    )


async def _beginning(response: aiohttp.ClientResponse, count: int) -> bytes:
    """Its first bytes; none of an answer that is packed. The status counts, whatever becomes of the rest."""
    body = bytearray()
    if _is_packed(response):
        return b""
    with suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(BEGINNING_S):
            async for data in response.content.iter_any():
                body += data
                if len(body) >= count:
                    break
    return bytes(body[:count])


def _is_packed(response: aiohttp.ClientResponse) -> bool:
    return response.headers.get("Content-Encoding", "identity").strip().lower() != "identity"


async def _body(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    if _is_packed(response):
        raise OutwardError("bad_answer", "The server packed its answer, which it was asked not to do.")
    body = bytearray()
    if (response.content_length or 0) <= max_bytes:  # what it says; what it sends is counted all the same
        async for data in response.content.iter_any():
            body += data
            if len(body) > max_bytes:
                break
        else:
            return bytes(body)
    raise OutwardError("too_large", f"The answer is longer than the {max_bytes:,} bytes that are taken.")


@contextmanager
def faults_told(asked: Target) -> Iterator[None]:
    """Whatever goes wrong as an OutwardError. What aiohttp says of it, with addresses, is for the log."""
    try:
        yield
    except TimeoutError as error:
        raise OutwardError("timeout", f"{asked.url.host} did not answer in time.") from error
    except aiohttp.ClientConnectorCertificateError as error:
        raise OutwardError("unreachable", f"The certificate of {asked.url.host} is not one to be trusted.") from error
    except aiohttp.InvalidURL as error:
        raise OutwardError("refused_url", "This is no URL of a web server: expected https://HOST/PATH.") from error
    except aiohttp.ClientConnectionError as error:
        raise _not_connected(asked, error) from error
    except aiohttp.ClientError as error:
        raise OutwardError("bad_answer", f"{asked.url.host} broke its answer off, or it was not HTTP.") from error


def _not_connected(asked: Target, error: aiohttp.ClientConnectionError) -> OutwardError:
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return OutwardError("bad_answer", f"{asked.url.host} broke its answer off, or it was not HTTP.")
    if isinstance(error.__cause__, AddressRefused):
        return OutwardError("refused_address", f"{asked.url.host} is not at a public address. {SET}")
    log.info("outward: %s cannot be reached: %s", asked.url.host, error)
    return OutwardError("unreachable", f"{asked.url.host} cannot be reached.")
