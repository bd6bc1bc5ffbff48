"""Budgets: reserved before a model is asked, used up by what it counted. Sync.

What is reserved stands in the open runs, so nothing of it can outlive them: a run that crashes keeps its share until
somebody goes on with it, and an ended run has none. Used and reserved together never exceed a budget that blocks; each
change looks at both with the rows of all budgets that apply locked. Locks are taken in the order chat, run, budgets,
those by their ids.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Sum, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts import audit
from accounts.db.compiled import Compiled
from accounts.db.writes import Changes, Update
from accounts.errors import QuotaExceeded
from accounts.models import Organization
from chat.eventlog import Fenced
from chat.metering import amounts, periods
from chat.metering.amounts import Amount
from chat.models import OPEN, Budget, BudgetNotice, Period, Run, RunStatus, Scope, Unit
from chat.models.facts import RunFacts, facts_of

NOBODY = UUID(int=0)  # in the place of a project or a key where there is none
ALL = 100  # percent
MANY = 1_000  # turns: nothing holds the run


@dataclass(frozen=True)
class Payer:
    """For whom a run is counted: the budgets of each of these apply to it."""

    organization_id: UUID
    project_id: UUID | None
    user_id: UUID
    key_id: UUID | None

    @property
    def ids(self) -> tuple[UUID, UUID, UUID, UUID]:
        """As a query takes them."""
        return self.organization_id, self.project_id or NOBODY, self.user_id, self.key_id or NOBODY


def payer_of(run: RunFacts) -> Payer:
    """For whom this one is."""
    return Payer(run.organization_id, run.project_id, run.user_id, run.api_key_id)


class Cover(Enum):
    """What all budgets together cover."""

    NOTHING = 0
    THIS = 1  # what was asked for, and not what may follow it
    MORE = 2


@dataclass(frozen=True)
class Standing:
    """A budget as it is now, in its unit."""

    amount: int
    period: str
    used: int
    reserved: int
    resets_at: datetime | None

    @property
    def left(self) -> int:
        """What may still be reserved; never less than 0."""
        return max(0, self.amount - self.used - self.reserved)

    @property
    def percent(self) -> int:
        """How much of it is used."""
        return self.used * ALL // self.amount if self.amount else ALL


def reserve(payer: Payer, model: str) -> tuple[Amount, int]:
    """What a new run by that model reserves, nothing where no budget applies; and how many such turns are covered.

    Within the run's transaction. Raises QuotaExceeded, which names the budget.
    """
    rows = _locked(payer)
    if not rows:
        return Amount(), 1
    share = amounts.turn(model)
    reserved, now = _reserved(payer), timezone.now()
    if short := [each for each in rows if each.blocks and not _covers(each, reserved, share, now)]:
        raise _refusal(short, share, now)
    turns = min((_left(each, reserved) // (share.of(each) or 1) for each in rows if each.blocks), default=MANY)
    # At least one, so that it is known of the run that money counts.
    return Amount(share.tokens, max(1, share.nanos or 0) if any(each.in_money for each in rows) else 0), turns


@transaction.atomic
def extend(run_id: UUID, attempt: int, wanted: Amount, more: Amount) -> Cover:
    """Reserve so much in all for a run that this attempt executes; whether that and `more` are covered.

    Raises Fenced where the run is not this attempt's any more.
    """
    run = Run.objects.select_for_update(of=("self",)).select_related("chat").filter(pk=run_id).first()
    if run is None or run.attempt != attempt or run.status != RunStatus.RUNNING:
        raise Fenced
    payer = payer_of(facts_of(run))
    blocking = [each for each in _locked(payer) if each.blocks]
    reserved, now = _reserved(payer) if blocking else {}, timezone.now()
    grows = wanted + Amount(-run.reserved_tokens, -run.reserved_nanos)
    if not all(_covers(each, reserved, grows, now) for each in blocking):
        return Cover.NOTHING
    tokens, nanos = max(wanted.tokens, run.reserved_tokens), max(wanted.nanos or 0, run.reserved_nanos)
    if (tokens, nanos) != (run.reserved_tokens, run.reserved_nanos):
        Run.objects.filter(pk=run_id).update(reserved_tokens=tokens, reserved_nanos=nanos)
    follows = all(_covers(each, reserved, grows + more, now) for each in blocking)
    return Cover.MORE if follows else Cover.THIS


def begin(organization: Organization) -> None:
    """The budget of an organization that people made just now: ORGANIZATION_TOKENS a month; 0: none."""
    if settings.ORGANIZATION_TOKENS:
        Budget.objects.create(organization=organization, amount=settings.ORGANIZATION_TOKENS, period=Period.MONTH)


def settle(run: RunFacts, spent: Amount, at: datetime) -> None:
    """A run ends at `at` and has used that. In the transaction that ends it, which leaves it nothing reserved."""
    payer, share = payer_of(run), Amount(run.reserved_tokens, run.reserved_nanos)
    rows = _locked(payer)
    changed = [each for each in rows if _note(each, spent, share, at)]
    if changed:
        for each in rows:
            each.save(update_fields=["used", "began_on", "told_percent"])
    elif rows:
        _use(*payer.ids, spent.tokens, spent.nanos or 0)


def standing(budget: Budget) -> Standing:
    """How the budget stands, for those who look."""
    return standings([budget])[0]


def standings(rows: Sequence[Budget]) -> list[Standing]:
    """How each of them stands: one query for what is reserved, and one for their time zones."""
    now, zones = timezone.now(), _zones(rows)
    open_runs = Run.objects.filter(status__in=OPEN, reserved_tokens__gt=0).order_by()
    sums = {f"of_{each.pk}": Sum(_column(each), filter=_runs_of(each), default=0) for each in rows}
    reserved = open_runs.aggregate(**sums) if sums else {}
    for each in rows:
        _begin_period(each, zones.get(each.of_id, "UTC"), now)
    return [
        Standing(
            each.amount, each.period, each.used, reserved[f"of_{each.pk}"],
            periods.ends_at(each.period, zones.get(each.of_id, "UTC"), now),
        )
        for each in rows
    ]  # fmt: skip


def _applying(organization: UUID, project: UUID, user: UUID, key: UUID) -> "QuerySet[Budget]":
    """All that a run of these is counted in."""
    theirs = Q(organization=organization) | Q(inside=organization)
    return Budget.objects.filter(
        theirs,
        Q(project=None) | Q(project=project),
        Q(user=None) | Q(user=user),
        Q(key=None) | Q(key=key),
    )


def _with_zone(rows: "QuerySet[Budget]") -> "QuerySet[Budget]":
    return rows.annotate(zone=Coalesce("organization__timezone", "inside__timezone"))


_budgets: Compiled[Budget] = Compiled(
    lambda *ids: _with_zone(_applying(*ids)).select_for_update(of=("self",)).order_by("pk"), *(UUID,) * 4
)


def _locked(payer: Payer) -> list[Budget]:
    return _budgets(*payer.ids)


Reserved = dict[tuple[Scope, bool], int]  # by whose runs, and whether it is money


def _open_runs(organization: UUID, project: UUID, user: UUID, key: UUID) -> "QuerySet[Run, Any]":
    """What the open runs of each of these have reserved: in one row, or none where nothing is."""
    theirs = Q(chat__organization=organization) | Q(organization=organization)
    of = {"organization": Q(), "project": _in_project(project), "user": Q(user=user), "key": Q(api_key=key)}
    sums = {
        f"{scope}_{column}": Sum(column, filter=runs, default=0)
        for column in ("reserved_tokens", "reserved_nanos")
        for scope, runs in of.items()
    }
    rows = Run.objects.filter(theirs, status__in=OPEN, reserved_tokens__gt=0)
    placed = rows.annotate(where=Coalesce("organization_id", "chat__organization_id")).values_list("where")
    return placed.annotate(**sums).order_by()


_sums: Compiled[tuple[Any, ...]] = Compiled(_open_runs, *(UUID,) * 4)


def _reserved(payer: Payer) -> Reserved:
    _, *sums = _sums.first(*payer.ids) or (None, *(0,) * 2 * len(Scope))
    keys = [(scope, in_money) for in_money in (False, True) for scope in Scope]
    return dict(zip(keys, sums, strict=True))


def _in_project(project: UUID) -> Q:
    return Q(project=project) | Q(organization=None, chat__project=project)


def _runs_of(budget: Budget) -> Q:
    theirs = Q(chat__organization=budget.of_id) | Q(organization=budget.of_id)
    match budget.scope:
        case Scope.PROJECT:
            return theirs & _in_project(budget.scope_id)
        case Scope.USER:
            return theirs & Q(user=budget.user_id)
        case Scope.KEY:
            return theirs & Q(api_key=budget.key_id)
        case _:
            return theirs


def _column(budget: Budget) -> str:
    return "reserved_nanos" if budget.in_money else "reserved_tokens"


def _zones(rows: Iterable[Budget]) -> dict[UUID, str]:
    ids = {each.of_id for each in rows}
    return dict(Organization.objects.filter(pk__in=ids).values_list("pk", "timezone")) if ids else {}


def _covers(budget: Budget, reserved: Reserved, share: Amount, now: datetime) -> bool:
    """Whether a share still fits; one of unknown cost fits in no money."""
    wanted = share.of(budget)
    _begin_period(budget, _zone(budget), now)
    return wanted is not None and (wanted <= 0 or wanted <= _left(budget, reserved))


def _left(budget: Budget, reserved: Reserved) -> int:
    return budget.amount - budget.used - reserved[budget.scope, budget.in_money]


def _refusal(short: Sequence[Budget], share: Amount, now: datetime) -> QuotaExceeded:
    """Named is the one that is short for the longest time."""
    ends = {each.pk: periods.ends_at(each.period, _zone(each), now) for each in short}
    never = [each for each in short if ends[each.pk] is None]
    budget = never[0] if never else max(short, key=lambda each: ends[each.pk])  # type: ignore[arg-type,return-value]
    fields = {"budget": [str(budget.pk)], "scope": [budget.scope.value]}
    if share.of(budget) is None:
        return QuotaExceeded(PRICE_UNKNOWN, code="price_unknown", fields=fields)
    at = ends[budget.pk]
    after_s = max(1, int((at - now).total_seconds())) if at else None
    told = f"{WHOSE[budget.scope]} budget does not cover another answer."
    return QuotaExceeded(told, fields=fields, retry_after_s=after_s)


PRICE_UNKNOWN = "Nobody has said what this model costs, and a budget in money holds here. Choose another model."
WHOSE = {
    Scope.ORGANIZATION: "Your organization's",
    Scope.PROJECT: "The project's",
    Scope.USER: "Your",
    Scope.KEY: "The API key's",
}


def _note(budget: Budget, spent: Amount, share: Amount, at: datetime) -> bool:
    """Count it in the budget's row, not saved; whether that changes more than what is used: a period begins or is over
    already, or people are told.
    """
    zone = _zone(budget)
    is_new = _begin_period(budget, zone, at)
    began = periods.began_on(budget.period, zone, at)
    if began is not None and budget.began_on is not None and began < budget.began_on:
        return True  # it ended in the period before, which another run was quicker to end
    budget.used += spent.of(budget) or 0
    percent = _percent(budget, share)
    if percent > budget.told_percent:
        budget.told_percent = percent
        _tell(budget, percent)
        return True
    return is_new


def _tell(budget: Budget, percent: int) -> None:
    BudgetNotice.objects.create(budget=budget, percent=percent, began_on=budget.began_on)
    audit.record(
        "budget.exhausted" if percent == ALL else "budget.warned", actor=audit.SYSTEM, organization_id=budget.of_id,
        object_type="budget", object_id=budget.pk, detail={"scope": budget.scope, "percent": percent},
    )  # fmt: skip


def _percent(budget: Budget, share: Amount) -> int:
    """What people are to be told of: all, where another run like this one is not covered; its warning; or nothing."""
    left = budget.amount - budget.used
    if left <= 0 or (budget.blocks and left < (share.of(budget) or 0)):
        return ALL
    return budget.warn_percent if budget.used * ALL >= budget.warn_percent * budget.amount else 0


def _used(organization: UUID, project: UUID, user: UUID, key: UUID, tokens: int, nanos: int) -> Changes:
    more = Case(When(unit=Unit.MONEY, then=F("used") + nanos), default=F("used") + tokens)
    return _applying(organization, project, user, key), {"used": more}


_use = Update(_used, *(UUID,) * 4, int, int)


def _zone(budget: Budget) -> str:
    return str(budget.zone)  # type: ignore[attr-defined]  # as `_locked` reads it


def _begin_period(budget: Budget, zone: str, at: datetime) -> bool:
    """Forget what was used in a period that is over by then; whether there was something to change. Not saved."""
    began = periods.began_on(budget.period, zone, at)
    if began == budget.began_on or (began and budget.began_on and began < budget.began_on):
        return False
    if budget.began_on is not None and began is not None:
        budget.used = budget.told_percent = 0
    budget.began_on = began
    return True
