"""Where each request comes from and what it is called, for the audit log (accounts.audit)."""

from django.http import HttpRequest, HttpResponseBase

from accounts.origin import Origin, begin, origin
from config.middleware.base import OnLoop

HEADER = "X-Request-Id"


class OriginMiddleware(OnLoop):
    """Kept while the request is answered; its id is answered where it came with one, or an entry names it."""

    def process_request(self, request: HttpRequest) -> None:
        """Keep it."""
        begin(Origin(request.META.get("REMOTE_ADDR", ""), request.headers.get(HEADER, "")))

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response, with the id."""
        kept = origin()
        if kept is not None and (kept.is_named or HEADER in request.headers):
            response[HEADER] = kept.request_id
        begin(None)  # else what this thread does next would come from there too
        return response
