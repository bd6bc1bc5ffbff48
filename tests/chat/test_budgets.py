"""Budgets: what is reserved and used never exceeds them, and ends with its run."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as checks
from hypothesis import strategies as st
from rest_framework.test import APIClient

from accounts.audit.models import AuditEntry
from accounts.errors import QuotaExceeded
from accounts.models import ApiKey, Organization, User
from agents.usage import Usage
from chat.eventlog import Fenced
from chat.metering import amounts, budgets
from chat.metering.amounts import Amount
from chat.metering.budgets import Cover, payer_of
from chat.models import AtEnd, Budget, BudgetNotice, Chat, Message, Period, Run, RunStatus, Scope, Unit, UsageRecord
from chat.models.facts import facts_of
from tests.chat.rows import answer

TURN = 1_000
MODEL = "priced"
PRICE = 10_000  # nanos a token of output, which is dearer than one of input
Api = Callable[[User], APIClient]


@pytest.fixture(autouse=True)
def _(settings: Any) -> None:
    settings.AGENTS_BUDGET_TURN_TOKENS = TURN
    settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = "http://127.0.0.1:9/v1", "none"
    settings.OPENAI_MODELS, settings.OPENAI_PRICES = [MODEL, "unpriced"], [f"{MODEL}=2/10"]


@pytest.fixture
def budget(organization: Organization) -> Budget:
    """Two turns and a bit."""
    return Budget.objects.create(organization=organization, amount=2 * TURN + 10, period=Period.EVER)


@pytest.fixture
def key(organization: Organization, alice: User) -> ApiKey:
    return ApiKey.objects.create(user=alice, organization=organization, key_hash="x", prefix="p", name="k", scopes=[])


def running(chat: Chat, user: User, *, key: ApiKey | None = None, model: str = MODEL, inside: bool = True) -> Run:
    """A run in a chat of its own, with its reservation."""
    project = chat.project if inside else None
    own = Chat.objects.create(organization=chat.organization, project=project, user=user, title="Own", model=model)
    run = answer(own, user, RunStatus.RUNNING)
    run.api_key, run.model = key, model
    with transaction.atomic():
        share, run.covered_turns = budgets.reserve(payer_of(facts_of(run)), model)
        run.reserved_tokens, run.reserved_nanos = share.tokens, share.nanos or 0
        run.save()
    return run


def over(run: Run, tokens: int, nanos: int = 0, at: datetime | None = None) -> None:
    with transaction.atomic():
        Run.objects.filter(pk=run.pk).update(status=RunStatus.SUCCEEDED)
        budgets.settle(facts_of(run), Amount(tokens, nanos), at or timezone.now())


def left(budget: Budget) -> tuple[int, int, int]:
    standing = budgets.standing(Budget.objects.get(pk=budget.pk))
    return standing.used, standing.reserved, standing.left


def scoped(scope: str, chat: Chat, user: User, key: ApiKey, **fields: Any) -> Budget:
    of = {"project": chat.project, "user": user, "key": key}
    whose = {scope: of[scope]} if scope in of else {}
    fields = {"amount": 2 * TURN, "period": Period.EVER} | fields
    return Budget.objects.create(inside=chat.organization, **whose, **fields)


def test_a_run_reserves_before_it_begins_and_is_settled_when_it_ends(budget: Budget, chat: Chat, alice: User) -> None:
    first, second = running(chat, alice), running(chat, alice)
    assert left(budget) == (0, 2 * TURN, 10)
    with pytest.raises(QuotaExceeded):
        running(chat, alice)
    over(first, 300)
    assert left(budget) == (300, TURN, TURN + 10 - 300)
    over(second, 5 * TURN)  # a model that counts otherwise than we had thought
    assert left(budget) == (300 + 5 * TURN, 0, 0)


def test_a_further_turn_is_reserved_too(budget: Budget, chat: Chat, alice: User) -> None:
    run = running(chat, alice)
    assert budgets.extend(run.pk, 1, Amount(TURN), Amount(TURN)) is Cover.MORE and left(budget)[1] == TURN
    assert budgets.extend(run.pk, 1, Amount(2 * TURN), Amount(TURN)) is Cover.THIS
    assert left(budget)[1:] == (2 * TURN, 10)
    assert budgets.extend(run.pk, 1, Amount(3 * TURN), Amount()) is Cover.NOTHING and left(budget)[1] == 2 * TURN
    with pytest.raises(Fenced):
        budgets.extend(run.pk, 2, Amount(TURN), Amount())


def test_a_run_that_is_gone_reserves_nothing(budget: Budget, chat: Chat, alice: User) -> None:
    running(chat, alice).asked_in.delete()
    assert left(budget) == (0, 0, 2 * TURN + 10)


def test_without_a_budget_nothing_is_counted(chat: Chat, alice: User) -> None:
    assert running(chat, alice).reserved_tokens == 0


@pytest.mark.parametrize("unit", Unit.values)
@pytest.mark.parametrize("scope", Scope.values)
def test_each_scope_holds_its_own_runs_and_no_others(
    scope: str, unit: str, chat: Chat, alice: User, bob: User, key: ApiKey
) -> None:
    turn = amounts.turn(MODEL)
    assert turn == Amount(TURN, TURN * PRICE)
    budget = scoped(scope, chat, alice, key, unit=unit, amount=2 * (turn.nanos if unit == Unit.MONEY else TURN))
    for _ in range(2):
        running(chat, alice, key=key)
    with pytest.raises(QuotaExceeded) as refused:
        running(chat, alice, key=key)
    assert refused.value.fields == {"budget": [str(budget.pk)], "scope": [scope]}
    others = {
        "project": lambda: running(chat, alice, key=key, inside=False),
        "user": lambda: running(chat, bob, key=key),
        "key": lambda: running(chat, alice),
    }
    for name, begin in others.items():
        if name == scope:
            assert begin().reserved_tokens == 0
        else:
            with pytest.raises(QuotaExceeded):
                begin()
    assert left(budget)[2] == 0


def test_the_tightest_of_all_holds_and_one_that_only_warns_holds_nothing(
    chat: Chat, alice: User, bob: User, key: ApiKey
) -> None:
    wide = scoped("organization", chat, alice, key, amount=9 * TURN)
    tight = scoped("user", chat, alice, key, amount=TURN)
    soft = scoped("project", chat, alice, key, amount=1, at_end=AtEnd.WARN)
    over(running(chat, alice), 700)
    with pytest.raises(QuotaExceeded) as refused:
        running(chat, alice)
    assert refused.value.fields["budget"] == [str(tight.pk)]
    running(chat, bob)
    assert [left(each)[:2] for each in (wide, tight, soft)] == [(700, TURN), (700, 0), (700, TURN)]


@pytest.mark.parametrize("at_end", AtEnd.values)
def test_a_model_without_a_price_is_refused_where_money_is_counted(
    at_end: str, chat: Chat, alice: User, key: ApiKey
) -> None:
    budget = scoped("organization", chat, alice, key, unit=Unit.MONEY, amount=10**12, at_end=at_end)
    if at_end == AtEnd.WARN:
        run = running(chat, alice, model="unpriced")
        assert budgets.extend(run.pk, 1, Amount(2 * TURN, None), Amount()) is Cover.MORE
        return over(run, 10, 0)
    with pytest.raises(QuotaExceeded) as refused:
        running(chat, alice, model="unpriced")
    assert (refused.value.code, refused.value.fields["budget"]) == ("price_unknown", [str(budget.pk)])
    run = running(chat, alice)
    assert budgets.extend(run.pk, 1, Amount(2 * TURN, None), Amount()) is Cover.NOTHING


@pytest.mark.parametrize(("period", "before"), [(Period.DAY, date(2026, 1, 1)), (Period.MONTH, date(2026, 1, 1))])
def test_a_new_period_begins_with_nothing_used(
    period: str, before: date, budget: Budget, chat: Chat, alice: User
) -> None:
    Budget.objects.update(used=2 * TURN, period=period, began_on=before, told_percent=100)
    assert left(budget) == (0, 0, 2 * TURN + 10)
    over(running(chat, alice), 7)
    assert left(budget)[0] == 7 and Budget.objects.get().told_percent == 0
    assert budgets.standing(budget).resets_at is None  # the fixture's own object is of no period


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        ("Pacific/Auckland", datetime(2026, 3, 31, 11, tzinfo=UTC)),
        ("America/Lima", datetime(2026, 4, 1, 5, tzinfo=UTC)),
    ],
)
def test_a_run_counts_in_the_month_that_it_ends_in(zone: str, midnight: datetime, chat: Chat, alice: User) -> None:
    Organization.objects.update(timezone=zone)
    budget = Budget.objects.create(organization=chat.organization, amount=9 * TURN, period=Period.MONTH)
    second, ended = timedelta(seconds=1), []
    for at, used in [
        (midnight - 60 * second, 100), (midnight - second, 130), (midnight, 10), (midnight - second, 10),
        (midnight + second, 30),
    ]:  # fmt: skip
        run = running(chat, alice)
        over(run, used - sum(tokens for tokens, when in ended if (when < midnight) == (at < midnight)), at=at)
        ended.append((used, at))
        row = Budget.objects.get(pk=budget.pk)
        assert row.began_on == date(2026, 4 if at >= midnight or len(ended) > 3 else 3, 1), at
    assert Budget.objects.get(pk=budget.pk).used == 30 - 10 + 10


def test_people_are_told_once_a_period_that_it_is_nearly_used_up_and_that_it_is(
    budget: Budget, chat: Chat, alice: User
) -> None:
    Budget.objects.update(amount=10 * TURN, period=Period.DAY)
    today = timezone.now()
    told: list[list[int]] = []
    for used, at in [(7_000, today), (1_500, today), (100, today), (900, today), (9_900, today + timedelta(days=1))]:
        over(running_at(chat, alice), used, at=at)
        told.append(list(BudgetNotice.objects.order_by("pk").values_list("percent", flat=True)))
    assert told == [[], [80], [80], [80, 100], [80, 100, 100]]
    assert len(set(BudgetNotice.objects.values_list("began_on", flat=True))) == 2
    entries = AuditEntry.objects.filter(action__startswith="budget.").order_by("at", "pk")
    assert [(each.action, each.actor_kind, each.object_id, each.detail["percent"]) for each in entries] == [
        (action, "system", str(budget.pk), percent)
        for action, percent in (("budget.warned", 80), ("budget.exhausted", 100), ("budget.exhausted", 100))
    ]


def test_a_zone_that_this_machine_does_not_know_is_utc(budget: Budget, chat: Chat, alice: User) -> None:
    Organization.objects.filter(pk=chat.organization_id).update(timezone="Mars/Olympus")
    Budget.objects.update(period=Period.DAY)
    over(running_at(chat, alice), 10)
    row = Budget.objects.get(pk=budget.pk)
    assert row.began_on == timezone.now().date() and budgets.standing(row).used == 10


def running_at(chat: Chat, user: User) -> Run:
    """An open run with the share of a turn, whatever the budget says."""
    run = answer(Chat.objects.create(organization=chat.organization, user=user, title="x"), user, RunStatus.RUNNING)
    run.reserved_tokens = TURN
    run.save()
    return run


STEP = st.tuples(
    st.sampled_from(["chat", "key", "bob", "outside"]), st.integers(0, 3 * TURN), st.integers(0, 9 * PRICE)
)


@checks(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=8))
def test_what_a_budget_has_used_is_what_the_records_say(
    steps: list[tuple[str, int, int]], chat: Chat, alice: User, bob: User, key: ApiKey
) -> None:
    Budget.objects.all().delete()
    UsageRecord.objects.all().delete()
    kept = [scoped(scope, chat, alice, key, amount=10**15, unit=unit) for scope in Scope.values for unit in Unit.values]
    begin = {
        "chat": lambda: running(chat, alice), "key": lambda: running(chat, alice, key=key),
        "bob": lambda: running(chat, bob), "outside": lambda: running(chat, alice, inside=False),
    }  # fmt: skip
    for who, tokens, nanos in steps:
        run = begin[who]()
        UsageRecord.objects.create(
            run=run, organization=chat.organization, project=run.asked_in.project, user=run.user, turn=1, attempt=1,
            model=MODEL, input_tokens=tokens, cached_tokens=0, output_tokens=0, reasoning_tokens=0, cost_nanos=nanos,
            currency="USD", status="reported",
        )  # fmt: skip
        over(run, tokens, nanos)
    of = {"project": {"project": chat.project}, "user": {"user": alice}, "key": {"run__api_key": key}}
    for budget in kept:
        column = "cost_nanos" if budget.in_money else "input_tokens"
        rows = UsageRecord.objects.filter(**of.get(budget.scope, {}))
        assert left(budget)[:2] == (sum(rows.values_list(column, flat=True)), 0), budget.scope


def test_an_estimate_is_never_below_what_a_turn_costs() -> None:
    for usage in (Usage(900, 0, 100), Usage(10, 10, 990), Usage(500, 100, 500, cache_write_tokens=300)):
        most = amounts.most_of(MODEL, usage.input_tokens, usage.output_tokens)
        assert (amounts.cost(MODEL, usage) or 0) <= (most or 0) <= (amounts.turn(MODEL).nanos or 0)
    assert amounts.cost("unpriced", Usage(1, 0, 1)) is None


def test_who_starts_a_run_beyond_it_is_told_and_nothing_is_stored(
    budget: Budget, chat: Chat, alice: User, api: Api
) -> None:
    Budget.objects.update(amount=TURN - 1, period=Period.MONTH)
    Chat.objects.update(model=MODEL)
    before = Message.objects.count()
    said = api(alice).post(f"/api/messages/{answer(chat, alice).message_id}/regenerate/", {}, format="json")
    assert (said.status_code, said.json()["error"]["code"]) == (402, "quota_exceeded")
    assert said.json()["error"]["fields"] == {"budget": [str(budget.pk)], "scope": ["organization"]}
    assert 0 < int(said["Retry-After"]) <= 31 * 86_400
    assert Message.objects.count() == before + 2


def test_its_members_read_it(budget: Budget, bob: User, charlie: User, api: Api) -> None:
    path = f"/api/organizations/{budget.organization_id}/budget/"
    told = {
        "tokens": 2 * TURN + 10,
        "period": "ever",
        "used": 0,
        "reserved": 0,
        "left": 2 * TURN + 10,
        "resets_at": None,
    }
    assert api(bob).get(path).json() == {"budget": told}
    assert api(charlie).get(path).status_code == 404
    Budget.objects.all().delete()
    assert api(bob).get(path).json() == {"budget": None}


def test_it_is_set_by_a_command(organization: Organization, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("set_budget", "Acme", "5000", "--period", "day")
    call_command("set_budget", str(organization.pk), "6000")
    assert Budget.objects.get().amount == 6000 and "6000 a month" in capsys.readouterr().out
    call_command("set_budget", "Acme")
    assert not Budget.objects.exists()
    for wrong in (("Nowhere", "1"), ("Acme", "-1")):
        with pytest.raises(CommandError):
            call_command("set_budget", "--", *wrong)
