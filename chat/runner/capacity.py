"""How much work that answers nothing may run at once: WORK_PER_PROJECT, WORK_PER_ORGANIZATION. Sync.

Whoever claims has the organization's row locked, so that two that look at once do not both find the last place. Answers
are limited elsewhere (chat.metering.limits): no work ever waits for an answer, nor an answer for work.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Min, QuerySet

from accounts.db.compiled import Compiled
from accounts.errors import TooMany
from accounts.models import Organization
from chat.models import ANSWER, LIVE, Run, RunStatus
from chat.runner import jobs
from chat.runner.lease import Claimed, claim_queued

BRIEF = frozenset({"title", "summary", "compaction"})  # kinds that are done in seconds: neither counted nor held back
BRIEF_AT_ONCE = 10  # of these that are claimed at one look, where many have waited for a process
RETRY_S = 10  # Retry-After: some of the work may be over by then


def lock(organization_id: UUID) -> None:
    """Keep others from claiming work of the organization, to the end of the transaction."""
    Organization.objects.select_for_update(no_key=True).filter(pk=organization_id).first()


def has_room(kind: str, organization_id: UUID, project_id: UUID | None) -> bool:
    """Whether one more may start now. Locks the organization, but for brief work."""
    if kind in BRIEF:
        return True
    lock(organization_id)
    return _Room(organization_id).fits(project_id)


def check_queue(organization_id: UUID) -> None:
    """Raise TooMany where as much work waits in the organization as may."""
    waiting = _work(organization_id).filter(status=RunStatus.QUEUED).exclude(kind__in=BRIEF).count()
    if waiting >= settings.WORK_QUEUE:
        told = f"{settings.WORK_QUEUE} pieces of work wait in your organization already. Try again when some are done."
        raise TooMany(told, code="work_queue_full", retry_after_s=RETRY_S)


def claim_waiting(organization_id: UUID, kinds: Collection[str]) -> list[Claimed]:
    """Claim what waits in the organization, which is locked, and may start now, oldest first."""
    found: list[Claimed] = []
    for run in _fitting(organization_id, kinds):
        if claim_queued(run.pk):
            found.append((run.pk, run.attempt + 1))
            jobs.changed(run.pk)
    return found


def find_waiting(kinds: Collection[str], limit: int = 50) -> list[Claimed]:
    """The same in all organizations: those whose work has waited longest come first."""
    if _any_waiting.first() is None:  # asked each second, and mostly there is none
        return []
    queued = Run.objects.filter(status=RunStatus.QUEUED, kind__in=set(kinds) - {ANSWER}, organization__isnull=False)
    places = queued.order_by().values("organization").annotate(since=Min("created_at")).order_by("since")
    waiting = [each["organization"] for each in places[:limit]]
    return [claimed for each in waiting if _fitting(each, kinds) for claimed in _claim(each, kinds)]


_any_waiting: Compiled[Run] = Compiled(
    lambda: Run.objects.work().filter(status=RunStatus.QUEUED).order_by().only("pk")[:1]
)


@transaction.atomic
def _claim(organization_id: UUID, kinds: Collection[str]) -> list[Claimed]:
    lock(organization_id)
    return claim_waiting(organization_id, kinds)


def _fitting(organization_id: UUID, kinds: Collection[str]) -> list[Run]:
    """Of what waits, that for which there is room now."""
    room = _Room(organization_id)
    return [run for run in _waiting(organization_id, kinds) if room.take(run)]


class _Room:
    """What runs in an organization, as it is now."""

    def __init__(self, organization_id: UUID) -> None:
        running: Iterable[UUID | None] = (
            _work(organization_id).filter(status__in=LIVE).exclude(kind__in=BRIEF).values_list("project", flat=True)
        )
        self.by_project = Counter(running)
        self.brief = 0

    def fits(self, project_id: UUID | None) -> bool:
        in_project = 0 if project_id is None else self.by_project[project_id]
        if in_project >= settings.WORK_PER_PROJECT:
            return False
        return bool(self.by_project.total() < settings.WORK_PER_ORGANIZATION)

    def take(self, run: Run) -> bool:
        """Whether it fits; then its place is taken."""
        if run.kind in BRIEF:
            self.brief += 1
            return self.brief <= BRIEF_AT_ONCE
        if not self.fits(run.project_id):
            return False
        self.by_project[run.project_id] += 1
        return True


def _work(organization_id: UUID) -> QuerySet[Run]:
    return Run.objects.work().filter(organization=organization_id).order_by()


def _waiting(organization_id: UUID, kinds: Collection[str]) -> list[Run]:
    queued = _work(organization_id).filter(status=RunStatus.QUEUED, kind__in=kinds).order_by("created_at", "pk")
    return list(queued.only("pk", "kind", "attempt", "project")[: 2 * settings.WORK_QUEUE])
