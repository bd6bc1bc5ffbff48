"""An organization's budget of tokens: reserved before a model is asked, used up by what it counted. Sync.

What is reserved stands in the open runs, so nothing of it can outlive them: a run that crashes keeps its share until
somebody goes on with it, and an ended run has none. Used and reserved together never exceed the budget; each change
looks at both with the budget's row locked. Locks are taken in the order chat, run, budget.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone

from accounts.db.compiled import Compiled
from accounts.errors import QuotaExceeded
from accounts.models import Organization
from chat.eventlog import Fenced
from chat.models import OPEN, Budget, Period, Run, RunStatus
from chat.models.facts import facts_of


@dataclass(frozen=True)
class Standing:
    """A budget as it is now."""

    tokens: int
    period: str
    used: int
    reserved: int
    resets_at: datetime | None

    @property
    def left(self) -> int:
        """What may still be reserved; never less than 0."""
        return max(0, self.tokens - self.used - self.reserved)


def reserve(organization_id: UUID) -> int:
    """The tokens that a new run reserves; 0 where the organization has no budget. Within the run's transaction.

    Raises QuotaExceeded.
    """
    budget = _locked(organization_id)
    if budget is None:
        return 0
    standing = _standing(budget)
    tokens = int(settings.AGENTS_BUDGET_TURN_TOKENS)
    if tokens > standing.left:
        raise QuotaExceeded(retry_after_s=_seconds_until(standing.resets_at))
    return tokens


@transaction.atomic
def extend(run_id: UUID, attempt: int, tokens: int) -> bool:
    """Reserve so many tokens in all for a run that this attempt executes. False where the budget does not cover it.

    Raises Fenced where the run is not this attempt's any more.
    """
    run = Run.objects.select_for_update(of=("self",)).select_related("chat").filter(pk=run_id).first()
    if run is None or run.attempt != attempt or run.status != RunStatus.RUNNING:
        raise Fenced
    budget = _locked(facts_of(run).organization_id)
    if budget is not None and tokens - run.reserved_tokens > _standing(budget).left:
        return False
    Run.objects.filter(pk=run_id).update(reserved_tokens=max(tokens, run.reserved_tokens))
    return True


def begin(organization: Organization) -> None:
    """The budget of an organization that people made just now: ORGANIZATION_TOKENS a month; 0: none."""
    if settings.ORGANIZATION_TOKENS:
        Budget.objects.create(organization=organization, tokens=settings.ORGANIZATION_TOKENS, period=Period.MONTH)


def settle(organization_id: UUID, tokens: int) -> None:
    """A run of theirs ends that has used so many. In the transaction that ends it, which leaves it nothing reserved."""
    budget = _locked(organization_id)
    if budget is not None:
        budget.used += tokens
        budget.save(update_fields=["used"])


def standing(budget: Budget) -> Standing:
    """How the budget stands, for those who look."""
    _begin_period(budget)
    return _standing(budget)


_budgets: Compiled[Budget] = Compiled(
    lambda organization: Budget.objects.select_for_update().filter(organization_id=organization), UUID
)


def _locked(organization_id: UUID) -> Budget | None:
    budget = _budgets.first(organization_id)
    if budget is not None and _begin_period(budget):
        budget.save(update_fields=["used", "began_on"])
    return budget


def _standing(budget: Budget) -> Standing:
    theirs = Q(chat__organization=budget.organization_id) | Q(organization=budget.organization_id)
    are_open = Run.objects.filter(theirs, status__in=OPEN, reserved_tokens__gt=0).order_by()
    reserved = are_open.aggregate(tokens=Sum("reserved_tokens"))["tokens"] or 0
    return Standing(budget.tokens, budget.period, budget.used, reserved, _resets_at(budget.period))


def _begin_period(budget: Budget) -> bool:
    """Forget what was used in a period that is over; whether there was something to change. Not saved."""
    began_on = _began_on(budget.period)
    if budget.began_on == began_on:
        return False
    if budget.began_on is not None and budget.period != Period.EVER:
        budget.used = 0
    budget.began_on = began_on
    return True


def _began_on(period: str) -> date | None:
    today = timezone.now().astimezone(UTC).date()
    return {Period.DAY.value: today, Period.MONTH.value: today.replace(day=1)}.get(period)


def _resets_at(period: str) -> datetime | None:
    began_on = _began_on(period)
    if began_on is None:
        return None
    days = 1 if period == Period.DAY else 32
    following = began_on + timedelta(days=days)
    return datetime.combine(following if days == 1 else following.replace(day=1), time(), UTC)


def _seconds_until(at: datetime | None) -> int | None:
    return max(1, int((at - timezone.now()).total_seconds())) if at else None
