"""Headers that every response carries unless its view set its own."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

from config.errors import is_api

Policy = dict[str, str]

# No inline script or style anywhere, nothing from other hosts, never in a frame.
POLICY: Policy = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
# On the chat page one module alone makes elements from HTML text (static/chat/html.js). The admin's jQuery does so too.
PAGES = "/chats/"
PAGE_POLICY: Policy = POLICY | {"require-trusted-types-for": "'script'", "trusted-types": "parley"}
# The page of the API's documentation (drf-spectacular's Swagger UI) brings inline styles.
DOCS_PATH = "/api/docs/"
DOCS_POLICY: Policy = POLICY | {"style-src": "'self' 'unsafe-inline'"}


class SecurityHeadersMiddleware:
    """Content-Security-Policy everywhere; on the API, nothing is kept in any cache."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        return self._call(request) if self.is_async else _with_headers(request, self.get_response(request))

    async def _call(self, request: HttpRequest) -> HttpResponseBase:
        return _with_headers(request, await self.get_response(request))


def as_header(policy: Policy) -> str:
    """The policy as its header says it."""
    return "; ".join(f"{name} {value}" for name, value in policy.items())


def _with_headers(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    response.headers.setdefault("Content-Security-Policy", _csp(request.path))
    if is_api(request):
        response.headers.setdefault("Cache-Control", "private, no-store")
    return response


def _csp(path: str) -> str:
    if path == "/" or path.startswith(PAGES):
        return CSP_PAGE
    return CSP_DOCS if path == DOCS_PATH else CSP


CSP, CSP_PAGE, CSP_DOCS = as_header(POLICY), as_header(PAGE_POLICY), as_header(DOCS_POLICY)
