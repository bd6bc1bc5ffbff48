"""Static files, served by WhiteNoise from this process, texts in gzip for who accepts it.

WhiteNoise's own middleware is sync: under ASGI it would hold a thread for each request of every kind, and hand its
files over as a sync iterator. Here only a request for a static file goes to it, in a thread, and comes back whole.

There is no step before the start that would pack files, so each text is packed when it is first asked for, and kept.

Under a name of its version (config.static_files) a file is kept by browsers for a year, and not asked for again.
"""

import gzip
from contextlib import nullcontext
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from whitenoise.middleware import WhiteNoiseMiddleware

from accounts.http.negotiation import accepts_gzip
from config.middleware.base import OnLoop
from config.static_files import split, version

TEXTS = (".css", ".html", ".js", ".json", ".mjs", ".svg", ".txt")
FOREVER = "public, max-age=31536000, immutable"
_packed: dict[str, tuple[int, bytes]] = {}  # by path: the hash of the text, and it in gzip


class StaticFilesMiddleware(OnLoop):
    """Answers for paths under STATIC_URL that name a file; everything else passes by untouched."""

    def reads(self, request: HttpRequest) -> bool:
        """What is under STATIC_URL may be a file."""
        return request.path_info.startswith(settings.STATIC_URL)

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """The whole file (or 304, or a part, as asked) as a response; None where there is no such file."""
        noise, (named, path) = _noise(), split(request.path_info)
        found = noise.find_file(path) if noise.autorefresh else noise.files.get(path)
        if not found:
            return None
        response = _answer(request, found, path)
        # Another process may serve another version during an update: what it has is not kept under this name.
        if named and named == version():
            response["Cache-Control"] = FOREVER
        return response


@cache
def _noise() -> WhiteNoiseMiddleware:
    """The index of all files, made once in a process: it takes 20 ms, and a test makes a handler for each client."""
    return WhiteNoiseMiddleware(lambda request: None)


def _answer(request: HttpRequest, file: Any, path: str) -> HttpResponse:
    asked = dict(request.META)
    if "HTTP_IF_NONE_MATCH" in asked:  # WhiteNoise knows the strong one; a weak one means the same text (below)
        asked["HTTP_IF_NONE_MATCH"] = asked["HTTP_IF_NONE_MATCH"].removeprefix("W/")
    # A HEAD's answer has the length that the text would have; the server leaves the text out.
    response = _whole(file.get_response("GET" if request.method == "HEAD" else request.method, asked))
    if path.endswith(TEXTS):
        patch_vary_headers(response, ("Accept-Encoding",))
        if response.status_code in (200, 304) and accepts_gzip(request.headers.get("Accept-Encoding", "")):
            _pack(path, response)
    return response


def _whole(answer: Any) -> HttpResponse:
    """WhiteNoise's answer (status, headers, open file or None), read to its end."""
    with answer.file or nullcontext() as file:
        content = file.read() if file else b""
    response = HttpResponse(content, status=int(answer.status))
    del response["Content-Type"]  # Django's guess
    for name, value in answer.headers:
        response[name] = value
    return response


def _pack(path: str, response: HttpResponse) -> None:
    """Turn the response into its packed form: other bytes, so the ETag only says that it is the same text."""
    if response.status_code == 200:
        response.content = _kept(path, response.content)
        response["Content-Encoding"] = "gzip"
        response["Content-Length"] = str(len(response.content))
    response["ETag"] = f"W/{response['ETag']}"


def _kept(path: str, content: bytes) -> bytes:
    packed = _packed.get(path)
    if packed is None or packed[0] != hash(content):
        packed = _packed[path] = hash(content), gzip.compress(content, mtime=0)
    return packed[1]
