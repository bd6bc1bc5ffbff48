"""Reads a test stream through whatever lies before a server, and names what holds events back. docs/deploy.md.

`measure` is the only part that uses the network; `diagnose` looks at what it saw.
"""

import http.client
import json
import ssl
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

PATH = "/api/editorChat/test-sse"
EVENTS = 6
GAP_S = 0.5  # between two events, as the server sends them
LATE_S = 1.0  # the first event shall be there by then
TOLD_S = 0.4  # an event that is as late as this, against the first, was held back
TIMEOUT_S = 30.0


class Unreachable(Exception):
    """There is no stream to look at; the text says why."""


@dataclass
class Measured:
    """What came: status, HTTP version and headers, and when each event was there, in seconds from the request."""

    status: int
    version: str
    headers: dict[str, str]
    arrivals: list[float] = field(default_factory=list)
    asked_in: str = ""  # the HTTP version the server was asked in

    @property
    def held_s(self) -> float:
        """How much later than sent the event came that was held back longest, if the last one was not."""
        last = self.arrivals[-1]
        sent = [last - GAP_S * behind for behind in range(len(self.arrivals) - 1, -1, -1)]
        return max(came - begun for came, begun in zip(self.arrivals, sent, strict=True))


def measure(url: str) -> Measured:
    """Read the test stream of the installation at this address. Raises Unreachable."""
    try:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Unreachable("Expected an address such as https://parley.example.")
        return _measure(parts.scheme, parts.hostname, parts.port, parts.path.rstrip("/"))
    except (OSError, http.client.HTTPException, ValueError, zlib.error) as error:
        raise Unreachable(f"{url} cannot be read: {error}") from error


def _measure(scheme: str, host: str, port: int | None, prefix: str) -> Measured:
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    if scheme == "https":
        safe = ssl.create_default_context()
        connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=safe)
    begin = time.monotonic()
    # As browsers ask: who compresses streams does so only for those who can read it.
    headers = {"Accept": "text/event-stream", "Accept-Encoding": "gzip, deflate"}
    try:
        connection.request("GET", f"{prefix}{PATH}?events={EVENTS}", headers=headers)
        response = connection.getresponse()
        named = {name.lower(): value for name, value in response.getheaders()}
        found = Measured(response.status, "1.0" if response.version == 10 else "1.1", named)
        if response.status == 200:
            for line in _lines(response, named.get("content-encoding", "")):
                _take(found, line, time.monotonic() - begin)
        return found
    finally:
        connection.close()


def _lines(response: http.client.HTTPResponse, encoding: str) -> Iterator[bytes]:
    """Lines as they come, unpacked where they are packed."""
    unpack = zlib.decompressobj(wbits=47) if encoding in ("gzip", "deflate") else None
    rest = b""
    while chunk := response.read1(65536):
        *lines, rest = (rest + (unpack.decompress(chunk) if unpack else chunk)).split(b"\n")
        yield from lines


def _take(found: Measured, line: bytes, at: float) -> None:
    if not line.startswith(b"data: {"):
        return
    event = json.loads(line[6:])
    found.arrivals.append(at)
    found.asked_in = str(event.get("http", ""))


def diagnose(found: Measured) -> list[str]:
    """What is wrong on the way, most telling first, in the reader's language; empty where events pass in time."""
    if found.status != 200 or not found.arrivals:
        return [_no_stream(found)]
    problems = list(_in_headers(found))
    held_s, first_s = found.held_s, found.arrivals[0]
    if held_s > TOLD_S or first_s > LATE_S:
        told = _("Events are held back: the first came after %(first)s s, one %(late)s s late.")
        problems.insert(0, f"{told % {'first': f'{first_s:.2f}', 'late': f'{held_s:.2f}'}} {_culprit(found)}")
    if len(found.arrivals) < EVENTS:
        told = _("Only %(came)s of %(sent)s events came: something cuts the stream.")
        problems.append(told % {"came": len(found.arrivals), "sent": EVENTS})
    return problems


def _no_stream(found: Measured) -> str:
    answer = f"{found.status} ({found.headers['location']})" if "location" in found.headers else str(found.status)
    return _("No stream: the answer was %(answer)s. Is this the address of the installation?") % {"answer": answer}


def _in_headers(found: Measured) -> Iterator[str]:
    headers = found.headers
    if encoding := headers.get("content-encoding"):
        told = _(
            "A proxy compresses the stream (Content-Encoding: %(encoding)s). "
            "Take text/event-stream out of its types: in nginx gzip_types."
        )
        yield told % {"encoding": encoding}
    if "content-length" in headers:
        yield _("A proxy gathered the whole stream before it sent it: it has a Content-Length.")
    if found.version == "1.0":
        yield _("The answer is HTTP/1.0, which has no chunks. Let the proxy speak HTTP/1.1.")
    if found.asked_in == "1.0":
        yield _("A proxy asks the server in HTTP/1.0. In nginx: proxy_http_version 1.1.")
    if not headers.get("content-type", "").startswith("text/event-stream"):
        told = _("A proxy changed the Content-Type to %(type)s.")
        yield told % {"type": headers.get("content-type", "-")}
    if "no-transform" not in headers.get("cache-control", ""):
        yield _("A proxy changed Cache-Control, whose no-transform forbids it to touch the stream.")


def _culprit(found: Measured) -> str:
    """Who holds them back, as far as the answer tells."""
    named = " ".join(found.headers.get(name, "") for name in ("server", "via", "x-cache", "cf-ray")).lower()
    if "content-encoding" in found.headers:
        return _("The compression does that.")
    if "nginx" in named:
        return _(
            "nginx buffers: X-Accel-Buffering is ignored (proxy_ignore_headers), or a proxy behind it took it away."
        )
    if "cf-ray" in found.headers or "cloudflare" in named:
        return _("Cloudflare is on the way: its buffering must be off for these paths.")
    if "x-accel-buffering" not in found.headers:
        return _("A proxy buffers. X-Accel-Buffering did not arrive: one on the way took it away.")
    return _("A proxy that does not know X-Accel-Buffering buffers: switch its response buffering off.")


SHOWN = (
    *("content-type", "cache-control", "x-accel-buffering", "content-encoding", "content-length", "transfer-encoding"),
    *("server", "via", "x-cache", "cf-ray", "location"),
)


def report(found: Measured) -> list[str]:
    """The headers that matter and the gaps, line by line."""
    lines = [f"HTTP/{found.version or '?'} {found.status}; the server was asked in HTTP/{found.asked_in or '?'}"]
    lines += [f"{name}: {found.headers[name]}" for name in SHOWN if name in found.headers]
    before = 0.0
    for number, at in enumerate(found.arrivals, 1):
        lines.append(f"event {number} after {at:.2f} s, {at - before:.2f} s behind the one before")
        before = at
    return lines
