"""Large JSON in gzip, for clients that accept it.

The length of a packed answer can tell whether a text that somebody planted in it repeats a secret of it (BREACH). So
answers that hold secrets, those under /api/auth/, and pages, with their tokens for forms, go as they are. The rest is
made a random number of bytes longer, as Django does it, and other sites can have nothing of it read by a bearer token.
"""

from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin
from django.utils.text import compress_string

from accounts.http.negotiation import accepts_gzip

LEAST_BYTES = 1024
IN_THREAD_BYTES = 65_536  # what takes more than a millisecond or two is packed in a thread
RANDOM_BYTES = 100
SECRET_PATHS = ("/api/auth/",)
TYPES = ("application/json", "application/vnd.oai.openapi")


class CompressionMiddleware(MiddlewareMixin):
    """Packs what is whole, large and JSON; streams are packed on request only (chat.serving.packing)."""

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        pass_on: Any = self.get_response
        response: HttpResponseBase = await pass_on(request)
        if not _may_be_packed(request, response):
            return response
        if len(response.content) < IN_THREAD_BYTES:  # type: ignore[attr-defined]
            return self.process_response(request, response)
        return await sync_to_async(self.process_response, thread_sensitive=False)(request, response)

    def process_response(self, request: HttpRequest, response: Any) -> HttpResponseBase:
        """The response, packed where it may be."""
        if _may_be_packed(request, response):
            patch_vary_headers(response, ("Accept-Encoding",))
            if accepts_gzip(request.headers.get("Accept-Encoding", "")):
                response.content = compress_string(response.content, max_random_bytes=RANDOM_BYTES)
                response.headers["Content-Encoding"] = "gzip"
                response.headers["Content-Length"] = str(len(response.content))
        return response  # type: ignore[no-any-return]


def _may_be_packed(request: HttpRequest, response: HttpResponseBase) -> bool:
    is_whole = not response.streaming and not response.has_header("Content-Encoding")
    is_json = response.get("Content-Type", "").startswith(TYPES)
    return bool(
        is_whole and is_json and not request.path.startswith(SECRET_PATHS) and len(response.content) >= LEAST_BYTES  # type: ignore[attr-defined]
    )
