"""Two questions a load balancer asks. No names, no login.

/readyz is about this process: 503 takes it out of the balancer's turn. What another process in its place could not
do any better, such as a Redis that is away, is "degraded" and 200: taking every process out would help nobody.
"""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from accounts.db.faults import note, noted
from chat.eventlog.committer import committer
from chat.runner import runner
from chat.runner.lease import oldest_unclaimed_s


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200: the process is up."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when this process can serve, else 503: which of the checks say no, and what they measured."""
    checks: dict[str, Any] = {}
    failed = list(_here(checks))
    degraded: list[str] = []
    if _database(checks):
        degraded += _everywhere(checks)
        if fault := _writes(checks):
            (failed if settings.IS_SQLITE else degraded).append(fault)
    else:
        failed.append("database")
    status = "unavailable" if failed else "degraded" if degraded else "ok"
    told = {"status": status, "failed": failed, "degraded": degraded, "checks": checks}
    return JsonResponse(told, status=503 if failed else 200)


def _here(checks: dict[str, Any]) -> Iterator[str]:
    """What is wrong with this process."""
    lag_s = committer.lag_s()
    checks.update(draining=runner.is_draining, commit_lag_s=round(lag_s, 2))
    if runner.is_draining:
        yield "draining"
    if lag_s > settings.READY_COMMIT_LAG_S:
        yield "commit_lag"


def _database(checks: dict[str, Any]) -> bool:
    try:
        checks.update(unclaimed_s=round(oldest_unclaimed_s(), 1), database="ok")
    except Exception as error:
        fault = note(error)
        if fault is None:
            raise
        checks.update(database=fault.name, hint=fault.hint)
        return False
    return True


def _writes(checks: dict[str, Any]) -> str | None:
    """What this process met lately, when it was to store something; a question alone does not show it."""
    fault = noted(settings.READY_FAULT_S)
    if fault is None:
        return None
    checks.update(writes=fault.name, hint=fault.hint)
    return fault.name


def _everywhere(checks: dict[str, Any]) -> Iterator[str]:
    """What is wrong, and not with this process alone."""
    if checks["unclaimed_s"] > settings.READY_UNCLAIMED_S:
        yield "unclaimed_runs"
    checks["redis"] = _redis() if settings.REDIS_URL else "unused"
    if checks["redis"] == "unavailable":
        yield "redis"


def _redis() -> str:
    try:
        cache.get("ready")
    except RedisError:
        return "unavailable"
    return "ok"
