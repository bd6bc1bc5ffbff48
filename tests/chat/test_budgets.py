"""Budgets: what is reserved and used never exceeds them, and ends with its run."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from rest_framework.test import APIClient

from accounts.errors import QuotaExceeded
from accounts.models import Organization, User
from chat.eventlog import Fenced
from chat.metering import budgets
from chat.models import Budget, Chat, Message, Period, Run, RunStatus
from tests.chat.rows import answer

TURN = 1_000
Api = Callable[[User], APIClient]


@pytest.fixture
def budget(organization: Organization, settings: Any) -> Budget:
    """Two turns and a bit."""
    settings.AGENTS_BUDGET_TURN_TOKENS = TURN
    return Budget.objects.create(organization=organization, tokens=2 * TURN + 10, period=Period.EVER)


def running(chat: Chat, user: User) -> Run:
    """A run in a chat of its own, with its reservation."""
    own = Chat.objects.create(
        organization=chat.organization, project=chat.project, user=user, title="Own", model="m", archetype="generalist"
    )
    run = answer(own, user, RunStatus.RUNNING)
    with transaction.atomic():
        run.reserved_tokens = budgets.reserve(chat.organization_id)
    run.save()
    return run


def over(run: Run, tokens: int) -> None:
    with transaction.atomic():
        Run.objects.filter(pk=run.pk).update(status=RunStatus.SUCCEEDED)
        budgets.settle(run.chat.organization_id, tokens)


def left(budget: Budget) -> tuple[int, int, int]:
    standing = budgets.standing(Budget.objects.get(pk=budget.pk))
    return standing.used, standing.reserved, standing.left


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
    assert budgets.extend(run.pk, 1, 2 * TURN)
    assert left(budget)[1:] == (2 * TURN, 10)
    assert not budgets.extend(run.pk, 1, 3 * TURN) and left(budget)[1] == 2 * TURN
    with pytest.raises(Fenced):
        budgets.extend(run.pk, 2, TURN)


def test_a_run_that_is_gone_reserves_nothing(budget: Budget, chat: Chat, alice: User) -> None:
    running(chat, alice).chat.delete()
    assert left(budget) == (0, 0, 2 * TURN + 10)


def test_without_a_budget_nothing_is_counted(chat: Chat, alice: User) -> None:
    assert running(chat, alice).reserved_tokens == 0


@pytest.mark.parametrize(("period", "before"), [(Period.DAY, date(2026, 1, 1)), (Period.MONTH, date(2026, 1, 1))])
def test_a_new_period_begins_with_nothing_used(
    period: str, before: date, budget: Budget, chat: Chat, alice: User
) -> None:
    Budget.objects.update(used=2 * TURN, period=period, began_on=before)
    assert left(budget) == (0, 0, 2 * TURN + 10)
    over(running(chat, alice), 7)
    assert left(budget)[0] == 7
    assert budgets.standing(budget).resets_at is None  # the fixture's own object is of no period


def test_who_starts_a_run_beyond_it_is_told_and_nothing_is_stored(
    budget: Budget, chat: Chat, alice: User, api: Api
) -> None:
    Budget.objects.update(tokens=TURN - 1, period=Period.MONTH)
    before = Message.objects.count()
    said = api(alice).post(f"/api/messages/{answer(chat, alice).message_id}/regenerate/", {}, format="json")
    assert (said.status_code, said.json()["error"]["code"]) == (402, "quota_exceeded")
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
    assert Budget.objects.get().tokens == 6000 and "6000 a month" in capsys.readouterr().out
    call_command("set_budget", "Acme")
    assert not Budget.objects.exists()
    for wrong in (("Nowhere", "1"), ("Acme", "-1")):
        with pytest.raises(CommandError):
            call_command("set_budget", "--", *wrong)
