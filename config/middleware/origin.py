"""Where each request comes from and what it is called: for the audit log (accounts.audit), log lines and its answer."""

import logging
import time

from django.http import HttpRequest, HttpResponseBase
from django.utils.encoding import escape_uri_path

from accounts.origin import Origin, begin, origin
from chat.doors.starting import BEGUN
from config.middleware.base import OnLoop

HEADER = "X-Request-Id"
TRACE = "traceparent"
log = logging.getLogger("config.requests")


class OriginMiddleware(OnLoop):
    """Kept while the request is answered, whose answer has its id: the one that it came with, else a new one."""

    def process_request(self, request: HttpRequest) -> None:
        """Keep it."""
        told = request.headers
        begin(Origin(request.META.get("REMOTE_ADDR", ""), told.get(HEADER, ""), told.get(TRACE, "")))
        request.begun_at = time.monotonic()  # type: ignore[attr-defined]

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response, with the id."""
        kept = origin()
        if kept is not None:
            response[HEADER] = kept.request_id
            _log(request, response)
        begin(None)  # else what this thread does next would come from there too
        return response


def _log(request: HttpRequest, response: HttpResponseBase) -> None:
    """One line a request, where they are wanted: of a stream as it begins. The address without its query."""
    if log.isEnabledFor(logging.INFO):
        ms = round((time.monotonic() - request.begun_at) * 1000)  # type: ignore[attr-defined]
        begun = request.META.get(BEGUN)
        told = {"status": response.status_code, "duration_ms": ms, "run": str(begun.run_id) if begun else None}
        path = escape_uri_path(request.path)  # as it came: unescaped, an address could add lines of its own
        log.info("%s %s %d", request.method, path, response.status_code, extra=told)
