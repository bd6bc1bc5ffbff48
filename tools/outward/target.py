"""A URL that may be asked for: read once, and what was looked at is what is connected to. No Django."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from yarl import URL

from tools.errors import OutwardError
from tools.outward.allowed import Allowed

MAX_URL_CHARS = 8_000
# Readers of URLs differ in what they make of these, and we want one meaning.
AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\]")
SET = "An operator can allow it by OUTWARD_ALLOW."


@dataclass(frozen=True)
class Target:
    """Where a request goes."""

    url: URL
    is_named: bool  # the operator has named this host: its addresses are meant, whatever they are


def target(text: str, allowed: Allowed, ports: Collection[int]) -> Target:
    """The target that this URL names. `ports` are open at any public host. Raises OutwardError."""
    url = _read(text)
    assert url.host is not None and url.port is not None  # _read
    is_named = allowed.names(url.host, url.port, ports)
    if url.scheme != "https" and not is_named:
        raise OutwardError("refused_url", f"This URL is not fetched: only https:// URLs are. {SET}")
    if url.port not in ports and not is_named:
        raise OutwardError("refused_url", f"This URL is not fetched: port {url.port} is not open to it. {SET}")
    return Target(url, is_named)


def _read(text: str) -> URL:
    """The URL, with a host and a port. aiohttp is handed this very object, and reads nothing again."""
    if len(text) > MAX_URL_CHARS or AMBIGUOUS.search(text):
        raise OutwardError(
            "refused_url",
            f"This is no URL: expected at most {MAX_URL_CHARS:,} characters, no blanks and no backslashes.",
        )
    try:
        url = URL(text)
        is_whole = url.scheme in ("http", "https") and bool(url.host) and bool(url.port)
    except ValueError:
        is_whole = False
    if not is_whole:
        raise OutwardError("refused_url", "This is no URL of a web server: expected https://HOST/PATH.")
    if "@" in re.split(r"[/?#]", text.partition("//")[2], maxsplit=1)[0]:
        raise OutwardError("refused_url", "The URL holds a user name or an @ before its path: leave it out.")
    return url
