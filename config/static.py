"""Static files, served by WhiteNoise from this process.

WhiteNoise's own middleware is sync: under ASGI it would hold a thread for each request of every kind, and hand its
files over as a sync iterator. Here only a request for a static file goes to it, in a thread, and comes back whole.

The page's own scripts and styles leave without their comments and indentation, a fifth of their bytes: there is no
build step, and what is in the browser has the same lines of code as what is here.
"""

import re
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware

# A line that is all comment, as this project writes them, with its end; and what stands before any other line.
COMMENTS = {
    ".js": re.compile(rb"^[ \t]*(?://|/\*\*|\*[ /\n]).*\n|^[ \t]+|^\n", re.MULTILINE),
    ".css": re.compile(rb"^/\*.*\*/\n|^[ \t]+|^\n", re.MULTILINE),
}


class StaticFilesMiddleware:
    """Answers for paths under STATIC_URL that name a file; everything else passes by untouched."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._noise = WhiteNoiseMiddleware(lambda request: None)
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self._is_async:
            return self._call(request)
        response: HttpResponseBase = self._file(request) or self.get_response(request)
        return response

    async def _call(self, request: HttpRequest) -> HttpResponseBase:
        is_for_us = request.path_info.startswith(settings.STATIC_URL)
        file = await sync_to_async(self._file, thread_sensitive=False)(request) if is_for_us else None
        response: HttpResponseBase = file or await self.get_response(request)
        return response

    def _file(self, request: HttpRequest) -> HttpResponse | None:
        """The whole file (or 304, or a part, as asked) as a response; None where there is no such file."""
        noise, path = self._noise, request.path_info
        found = noise.find_file(path) if noise.autorefresh else noise.files.get(path)
        if not found:
            return None
        comments = comments_of(path)
        asked = {k: v for k, v in request.META.items() if k != "HTTP_RANGE"} if comments else request.META
        return _whole(found.get_response(request.method, asked), comments)


def comments_of(path: str) -> re.Pattern[bytes] | None:
    """What is left out of the file at this path; None for one that is sent as it is."""
    is_ours = path.startswith((f"{settings.STATIC_URL}chat/", f"{settings.STATIC_URL}parley."))
    return COMMENTS.get(path[path.rfind(".") :]) if is_ours else None


def _whole(answer: Any, comments: re.Pattern[bytes] | None) -> HttpResponse:
    """WhiteNoise's answer (status, headers, open file or None), read to its end."""
    with answer.file or nullcontext() as file:
        content = file.read() if file else b""
    response = HttpResponse(comments.sub(b"", content) if comments else content, status=int(answer.status))
    del response["Content-Type"]  # Django's guess
    for name, value in answer.headers:
        if not (comments and name == "Content-Length"):
            response[name] = value
    return response
