"""Headers that every response carries unless its view set its own."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from config.middleware.base import OnLoop
from config.middleware.errors import is_api

Policy = dict[str, str]

# No inline script or style anywhere, nothing from other hosts, in no frame.
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
# Sounds that came with messages are heard there.
PAGES = "/chats/"
PAGE_POLICY: Policy = POLICY | {
    "media-src": "'self'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "parley",
}
# The chat in a frame, for pages of these origins alone. Where none is listed there is no such page.
FRAME_PATH = "/embed/"
# The page of the API's documentation (drf-spectacular's Swagger UI) brings inline styles.
DOCS_PATH = "/api/docs/"
DOCS_POLICY: Policy = POLICY | {"style-src": "'self' 'unsafe-inline'"}


class SecurityHeadersMiddleware(OnLoop):
    """Content-Security-Policy everywhere; on the API, nothing is kept in any cache."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response with its headers."""
        response.headers.setdefault("Content-Security-Policy", _csp(request.path))
        if is_api(request):
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response


def as_header(policy: Policy) -> str:
    """The policy as its header says it."""
    return "; ".join(f"{name} {value}" for name, value in policy.items())


def _csp(path: str) -> str:
    if path == "/" or path.startswith(PAGES):
        return CSP_PAGE
    if path == FRAME_PATH and settings.EMBED_ORIGINS:
        return as_header(PAGE_POLICY | {"frame-ancestors": " ".join(settings.EMBED_ORIGINS)})
    return CSP_DOCS if path == DOCS_PATH else CSP


CSP, CSP_PAGE, CSP_DOCS = as_header(POLICY), as_header(PAGE_POLICY), as_header(DOCS_POLICY)
