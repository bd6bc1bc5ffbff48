"""`GET /api/metrics`: what the installation has counted, for Prometheus. docs/metrics.md.

For whoever brings METRICS_TOKEN, for operators, and in development, where there is no token, for whoever is on this
machine. To everybody else there is no such address.
"""

import hmac
import ipaddress
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from accounts.audit import sealing
from accounts.authentication import authenticate, has_credentials
from accounts.errors import RequestError
from chat.metering import counters
from chat.metering.counters import Counter
from chat.models import Total

Schema = dict[str, Any]
TYPE = "text/plain; version=0.0.4; charset=utf-8"


@csrf_exempt
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The totals of all processes. What this one counted is among them; the others add theirs every few seconds."""
    if not _may_read(request):
        raise Http404
    counters.store()
    lines = [line for each, rows in counters.totals() for line in _lines(each, rows)]
    return HttpResponse("\n".join([*lines, *_unsealed()]) + "\n", content_type=TYPE)


def _lines(counted: Counter, rows: list[Total]) -> Iterator[str]:
    """What counts nothing yet is 0, so that its first one is seen to come."""
    yield f"# HELP {counted.name} {counted.help}"
    yield f"# TYPE {counted.name} counter"
    if not rows and not counted.labels:
        yield f"{counted.name} 0"
    for row in rows:
        yield f"{counted.name}{{{row.labels}}} {row.value}" if row.labels else f"{counted.name} {row.value}"


def _unsealed() -> Iterator[str]:
    """What is so now, and no total."""
    yield "# HELP parley_audit_unsealed Audit entries that have no place in their chain yet."
    yield "# TYPE parley_audit_unsealed gauge"
    yield f"parley_audit_unsealed {sealing.unsealed()}"


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
        "200": {"description": "The text format of Prometheus.", "content": {TYPE: {"schema": {"type": "string"}}}},
        "404": {"description": "Not for you."},
    },
}
PATHS: dict[str, Schema] = {"/api/metrics": {"get": GET}}
SCHEMAS: dict[str, Schema] = {}
