"""`GET /api/metrics`: what the installation has counted and how it is, for Prometheus. docs/metrics.md.

For whoever brings METRICS_TOKEN, for operators, and in development, where there is no token, for whoever is on this
machine. To everybody else there is no such address.
"""

import hmac
import ipaddress
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from prometheus_client import exposition as text
from prometheus_client.openmetrics import exposition as openmetrics

from accounts.authentication import authenticate, has_credentials
from accounts.errors import RequestError
from chat.ops.telling import Everything

Schema = dict[str, Any]
TEXT, OPENMETRICS = "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0"


@csrf_exempt
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """All processes' totals and gauges: in Prometheus' text format or, where that is asked for, in OpenMetrics'."""
    if not _may_read(request):
        raise Http404
    is_open = OPENMETRICS.partition(";")[0] in request.headers.get("Accept", "")
    format, media_type = (openmetrics, OPENMETRICS) if is_open else (text, TEXT)
    return HttpResponse(format.generate_latest(Everything()), content_type=f"{media_type}; charset=utf-8")


def _may_read(request: HttpRequest) -> bool:
    if _brings_token(request):
        return True
    if has_credentials(request):
        return _is_operator(request)
    return settings.IS_DEVELOPMENT and not settings.METRICS_TOKEN and _is_here(request)


def _brings_token(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "").encode("utf-8", "replace")
    return bool(settings.METRICS_TOKEN) and hmac.compare_digest(given, f"Bearer {settings.METRICS_TOKEN}".encode())


def _is_operator(request: HttpRequest) -> bool:
    try:
        return authenticate(request).is_staff
    except RequestError:
        return False


def _is_here(request: HttpRequest) -> bool:
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


GET: Schema = {
    "operationId": "read_metrics",
    "tags": ["metrics"],
    "summary": "What the installation has counted, as Prometheus reads it.",
    "description": "For whoever brings METRICS_TOKEN as a bearer token, and for operators; in development, where there "
    "is no such token, also for whoever is on this machine. 404 for everybody else.",
    "security": [{"bearer": []}, {}],
    "responses": {
        "200": {
            "description": "The text format of Prometheus, or that of OpenMetrics where it is asked for.",
            "content": {each: {"schema": {"type": "string"}} for each in (TEXT, OPENMETRICS)},
        },
        "404": {"description": "Not for you."},
    },
}
PATHS: dict[str, Schema] = {"/api/metrics": {"get": GET}}
SCHEMAS: dict[str, Schema] = {}
