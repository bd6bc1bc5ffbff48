"""Static files, served by WhiteNoise from this process.

WhiteNoise's own middleware is sync: under ASGI it would hold a thread for each request of every kind, and hand its
files over as a sync iterator. Here only a request for a static file goes to it, in a thread, and comes back whole.

The page's own scripts and styles leave without comments, indentation and the spaces around punctuation, a quarter of
their bytes. There is no build step: names stay, and a line of a script is still a statement, so that traces read well.
"""

import re
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from functools import cache
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware

# What is left out, as this project writes it. Each match goes but for its groups: they hold what must stay as it is
# (strings, templates, regular expressions) or the punctuation between spaces. `+`, `-` and `/` keep theirs unless names
# or brackets stand on both sides: `a + +b`.
JS = re.compile(
    rb"""
    ^[ \t]*(?://|/\*\*|\*[ /\n]).*\n | ^[ \t]+ | ^\n                       # a line that is all comment, indentation
    | [ ]*("(?:\\.|[^"\\\n])*" | `(?:\\.|[^`\\])*`                             # a string, a template
      | (?<=[ (,=:[!&|?{};])/(?![/* ])(?:\\.|\[(?:\\.|[^]\\\n])*]|[^[/\\\n])+/)  # a regular expression
    | [ ]*//[ ].*                                                          # a comment behind code
    | ;?\n[ \t]*(?=}) | [ ]*({)[ ]*\n                                     # the end and the beginning of a block
    | [ ]*([]=<>,:;?&|{}()[!*])[ ]*
    | (?<=[\w)\]])[ ]([+/-])[ ](?=[\w(\[])
    """,
    re.MULTILINE | re.VERBOSE,
)
CSS = re.compile(
    rb"""
    ^/\*.*\*/\n | ("(?:\\.|[^"\\\n])*") | \s*([{},]|;(?!\s*}))\s* | ; | (?<=[\w-]:)[ ]+ | ^[ \t]+ | ^\n
    """,
    re.MULTILINE | re.VERBOSE,
)
LEFT_OUT = {".js": JS, ".css": CSS}


class StaticFilesMiddleware:
    """Answers for paths under STATIC_URL that name a file; everything else passes by untouched."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._noise = _noise()
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
        kind = kind_of_ours(path)
        asked = {k: v for k, v in request.META.items() if k != "HTTP_RANGE"} if kind else request.META
        return _whole(found.get_response(request.method, asked), kind)


@cache
def _noise() -> WhiteNoiseMiddleware:
    """The index of all files, made once in a process: it takes 20 ms, and a test makes a handler for each client."""
    return WhiteNoiseMiddleware(lambda request: None)


def kind_of_ours(path: str) -> str:
    """ ".js" or ".css" for a script or style of our own; empty for a file that is sent as it is."""
    is_ours = path.startswith((f"{settings.STATIC_URL}chat/", f"{settings.STATIC_URL}parley."))
    kind = path[path.rfind(".") :]
    return kind if is_ours and kind in LEFT_OUT else ""


def lean(kind: str, content: bytes) -> bytes:
    """A script or a style without what is left out."""
    return LEFT_OUT[kind].sub(lambda match: b"".join(filter(None, match.groups())), content)


def _whole(answer: Any, kind: str) -> HttpResponse:
    """WhiteNoise's answer (status, headers, open file or None), read to its end."""
    with answer.file or nullcontext() as file:
        content = file.read() if file else b""
    response = HttpResponse(lean(kind, content) if kind else content, status=int(answer.status))
    del response["Content-Type"]  # Django's guess
    for name, value in answer.headers:
        if not (kind and name == "Content-Length"):
            response[name] = value
    return response
