"""The one place that turns what was raised into an HTTP answer, for REST, async views and pages alike.

Under the API's paths an error is `{"error": {"code", "message", "fields"}}`, or in the form of the path's door;
elsewhere a small page. A bug answers 500 with an id that is also in the log line with its trace (config.logs), and
tells nothing else.
"""

import logging
import math
import uuid
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from django.core.exceptions import DisallowedHost, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string
from rest_framework import exceptions
from rest_framework.views import set_rollback

from accounts.db.faults import FOR_OPERATORS, fault_of, refusal, unavailable
from accounts.db.races import lost_to
from accounts.errors import (
    Conflict,
    Invalid,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    RequestError,
    TooMany,
    Unavailable,
)
from accounts.origin import origin
from accounts.sign_in.cookies import forget_cookie, has_cookie
from chat.doors.shapes import shaped
from chat.page.words import fault
from config.body import REFUSED, TooLarge
from config.middleware.base import OnLoop

OWN_PATHS = ("/apps/", "/api/tools/")  # of own apps, and of their viewsets as tools
API_PATHS = ("/api/", "/v1/", "/trpc/", "/chat/", "/agent/", "/mcp", "/apps/")  # the last: own apps
TOLD_MAX, TOLD_CHARS = 100, 500  # of a body's faults: how many are told, and how much of each
OTHER_HOST = (
    "This server is not set up to be opened by this name or address. Whoever runs it can add it to ALLOWED_HOSTS, "
    "or make it PARLEY_PUBLIC_URL."
)
log = logging.getLogger(__name__)


class MethodNotAllowed(RequestError):
    status = 405
    code = "method_not_allowed"
    message = "This address does not take this method; the Allow header says which it takes."


class InternalError(RequestError):
    status = 500
    code = "internal_error"


def answer(request: HttpRequest, error: RequestError) -> HttpResponse:
    """The response that says this error, in the form of the request's path."""
    response = _json(request, error) if is_api(request) else _page(request, error)
    if error.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="parley"'
        if has_cookie(request):
            forget_cookie(response)  # a cookie that no longer holds would shadow the session for hours
    if error.retry_after_s is not None:
        response["Retry-After"] = str(error.retry_after_s)
    return response


def is_api(request: HttpRequest) -> bool:
    """Whether programs call this path, so that errors are JSON there."""
    return request.path.startswith(API_PATHS)


def _json(request: HttpRequest, error: RequestError) -> HttpResponse:
    return JsonResponse(shaped(request.path, error), status=error.status)


def _page(request: HttpRequest, error: RequestError) -> HttpResponse:
    return HttpResponse(
        render_to_string("error.html", {"error": error, "message": fault(error.message)}, request), status=error.status
    )


def request_error(error: BaseException) -> RequestError | None:
    """What the caller is told about the exception; None if it is our bug."""
    match error:
        case RequestError():
            return error
        case exceptions.APIException():
            return _of_rest(error)
        case Http404():
            return NotFound()
        case PermissionDenied():
            return NotAllowed()
        case RequestDataTooBig():
            return TooLarge("The body is too large.")
        case DisallowedHost():
            return Invalid(OTHER_HOST, code="bad_request")
        case SuspiciousOperation():
            return Invalid("The request is malformed.", code="bad_request")
    return unavailable(error) or lost_to(error)


def _of_rest(error: exceptions.APIException) -> RequestError:
    match error:
        case exceptions.ValidationError():
            return _of_validation(error)
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return NotAuthenticated()
        case exceptions.PermissionDenied():
            return NotAllowed()
        case exceptions.NotFound():
            return NotFound()
        case exceptions.MethodNotAllowed():
            return MethodNotAllowed()
        case exceptions.Throttled():
            return TooMany(retry_after_s=math.ceil(getattr(error, "wait", None) or 1))
        case exceptions.ParseError():
            return Invalid(str(error.detail))
    return _of_status(error.status_code, str(error.detail), str(error.get_codes()))


def _in_own_words(error: BaseException, told: RequestError) -> RequestError:
    """What an own app's view says of a refusal, in place of our sentence; ours, where it says nothing itself."""
    match error:
        case exceptions.PermissionDenied() | exceptions.NotFound() | exceptions.Throttled():
            text = " ".join(each for _, each in _flat(error.detail))
            code = error.get_codes()
            if not text.startswith(str(error.default_detail)):
                told.message = text[:TOLD_CHARS]
            if isinstance(code, str) and code != error.default_code:
                told.code = code
        case PermissionDenied() if error.args:
            told.message = str(error)[:TOLD_CHARS]
    return told


def _of_status(status: int, message: str, code: str) -> RequestError:
    error = Conflict(message, code=code) if status == 409 else RequestError(message, code=code)
    error.status = status
    return error


def _of_validation(error: exceptions.ValidationError) -> RequestError:
    fields: dict[str, list[str]] = {}
    for name, text in islice(_flat(error.detail), TOLD_MAX):
        fields.setdefault(name, []).append(text[:TOLD_CHARS])  # some repeat the value, which may be as long as a body
    general = fields.pop("", [])
    return Invalid(" ".join(general) or "Some fields are not valid.", fields=fields)


def _flat(detail: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """(field, text) of nested details: a list's item is `names.0`, an object's field `parent.child`, none is ''."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            own = "" if key == "non_field_errors" else str(key)
            yield from _flat(inner, ".".join(part for part in (name, own) if part))
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            yield from _flat(inner, name if isinstance(inner, str) else f"{name}.{index}".lstrip("."))
    else:
        yield name, str(detail)


def rest_exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Django REST framework asks here first; None lets a bug through to Django."""
    told = _logged(error)
    if told is None:
        return None
    set_rollback()
    request: HttpRequest = context["request"]._request
    if request.path.startswith(OWN_PATHS):
        told = _in_own_words(error, told)
    response = answer(request, told)
    if isinstance(error, exceptions.MethodNotAllowed):
        response["Allow"] = ", ".join(context["view"].allowed_methods)
    return response


def _logged(error: Exception) -> RequestError | None:
    """What the caller is told; what is wrong with the database is logged, once a request."""
    told = request_error(error)
    return refusal(error) if isinstance(told, Unavailable) and fault_of(error) else told


class ErrorMiddleware(OnLoop):
    """Answers what views raise, sync or async; the rest is Django's and ends in the views below."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """The answer to who sent a body that was not taken; else None."""
        refused = request.META.get(REFUSED)
        return answer(request, refused) if isinstance(refused, RequestError) else None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The answer to what a view raised; None for a bug and for what has a view below."""
        if isinstance(error, Http404 | PermissionDenied | SuspiciousOperation):
            return None
        told = _logged(error)
        return answer(request, told) if told else _of_operators(request, error)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response; Django's bare 405 in the API's form. Who asks by OPTIONS what an address takes is told so."""
        if response.status_code != 405 or not is_api(request):
            return response
        if request.method == "OPTIONS":
            return HttpResponse(status=204, headers={"Allow": f"{response.get('Allow', '')}, OPTIONS"})
        if "json" in response.get("Content-Type", ""):
            return response
        shaped = answer(request, MethodNotAllowed())
        shaped["Allow"] = response.get("Allow", "")
        return shaped


def _of_operators(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """The 500 to what only whoever runs Parley can mend, logged with what to do; None for a bug, which Django logs."""
    fault = fault_of(error)
    if fault not in FOR_OPERATORS:
        return None
    response = server_error(request)
    log.error("Database: %s. %s", fault.name, fault.hint, exc_info=error, extra={"request": request})
    return response


# --- The views that Django calls for errors outside of views (config/urls.py names them) ------------------------------


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, for example for a Host that is not ours."""
    return answer(request, request_error(exception) or Invalid())


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return answer(request, NotAllowed())


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return answer(request, NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """500, with the request's id, which config.logs puts into the log line."""
    asked = origin()
    id = asked.request_id if asked else uuid.uuid4().hex
    request.error_id = id  # type: ignore[attr-defined]
    text = f"Something went wrong on our side. If it stays so, tell us this id: {id}"
    response = answer(request, InternalError(text))
    response["X-Error-Id"] = id
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403, for a form without its CSRF token."""
    return answer(request, NotAllowed("This form is too old or came from elsewhere. Reload the page and try again."))
