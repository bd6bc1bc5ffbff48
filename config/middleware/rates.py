"""How the caller stands with the limits on rates, in the headers of each answer of a route that starts runs."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from accounts.models import User
from chat.doors.openai.door import LLM
from chat.metering import rate_headers, rates
from config.middleware.base import OnLoop


class RatesMiddleware(OnLoop):
    """Says how they stand after what this request took; where it took nothing, as they stood before."""

    def waits(self, request: HttpRequest) -> bool:
        """Redis is asked where nothing was taken."""
        return bool(settings.REDIS_URL) and _asked_in_vain(request) is not None

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response with its headers."""
        if (nothing_taken := _asked_in_vain(request)) is not None:
            rates.look(nothing_taken)
        caller = _caller(request)
        if caller is not None and caller.standings:
            told = list(caller.standings.values())
            is_openai = request.path.startswith(LLM.bases)
            for name, value in {**rate_headers.of(told), **(rate_headers.as_openai(told) if is_openai else {})}.items():
                response.headers[name] = value
        return response


def _caller(request: HttpRequest) -> User | None:
    """Who has asked, if they were found out."""
    return getattr(request, "caller", None)


def _asked_in_vain(request: HttpRequest) -> User | None:
    """Who wanted a run of a route that starts them, and has got none that was counted."""
    caller = _caller(request)
    match = request.resolver_match
    if caller is None or caller.standings or match is None:
        return None
    starts = getattr(getattr(match.func, "cls", match.func), "starts_runs", False)
    return caller if request.method == "POST" and (starts(**match.kwargs) if callable(starts) else starts) else None
