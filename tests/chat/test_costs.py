"""What turns cost is fixed when their run ends; what nobody knows stays unknown, and is never nothing."""

import time
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from agents import events as ev
from agents import installation
from agents.overlay import Overlay
from agents.prices import Price, priced, tiered
from agents.shipped import SHIPPED
from agents.usage import Usage
from chat.eventlog.projection import Fold, TurnUsage
from chat.figures import costs
from chat.metering import usage_days
from chat.metering.costs import Cost, cost_of, spent
from chat.models import Chat, RunStatus, UsageDay, UsageRecord
from chat.models.facts import facts_of
from chat.runner.ending import _save_usage
from tests.chat.rows import answer

ONE = Decimal(1)
USED = Usage(1_000_000, 400_000, 100_000, 10, cache_write_tokens=200_000)


@pytest.fixture
def rows(settings: Any) -> Any:
    """Says what operators wrote; forgotten behind the test."""
    settings.OPENAI_API_KEY, settings.OPENAI_MODELS = "k", []
    yield installation.tell_rows
    installation.tell_rows(())
    installation.tell_known(())


@pytest.mark.parametrize(
    ("price", "usage", "nanos"),
    [
        (priced(2, 1, 10), USED, (0.4 * 2 + 0.4 * 1 + 0.2 * 2 + 0.1 * 10) * 10**9),
        (priced(2, 1, 10, 2.5), USED, (0.4 * 2 + 0.4 * 1 + 0.2 * 2.5 + 0.1 * 10) * 10**9),
        (tiered(priced(2, 1, 10), (999_999, priced(4, 2, 15))), USED, (0.6 * 4 + 0.4 * 2 + 0.1 * 15) * 10**9),
        (tiered(priced(2, 1, 10), (1_000_000, priced(4, 2, 15))), USED, (0.6 * 2 + 0.4 * 1 + 0.1 * 10) * 10**9),
        (tiered(priced(2, 1, 10), (9, priced(3, 1, 1)), (5, priced(1, 1, 1))), Usage(6), 6_000),
        (tiered(priced(2, 1, 10), (9, priced(3, 1, 1)), (5, priced(1, 1, 1))), Usage(10), 30_000),
        (priced(0.10, 0.01, 0.50), Usage(1, 0, 0), 100),
        (priced(1, 1, 1), Usage(1, 1, 0, cache_write_tokens=1), 1000),  # read and written: counted once
        (priced(1, 1, 1), Usage(1, 9, 0, cache_write_tokens=9), 1000),
        (priced("0.0375", 0, "0.0005"), Usage(1, 0, 1), 38),  # 37.5 and 0.5: whole nanos of the whole turn
    ],
)
def test_a_price_counts_the_cache_and_long_requests(price: Price, usage: Usage, nanos: float) -> None:
    assert price.of(usage) == round(nanos)


def turn(model: str, usage: Usage = USED) -> TurnUsage:
    return TurnUsage("", 1, 1, model, usage)


def test_the_price_that_is_known_now_counts(rows: Any, settings: Any) -> None:
    luna = next(model for model in SHIPPED if model.id == "gpt-6-luna")
    assert luna.price is not None and cost_of(turn("gpt-6-luna")) == Cost(luna.price.of(USED), "USD")
    rows([Overlay("gpt-6-luna", input=ONE, output=ONE, currency="EUR", name="luna-eu")])
    assert cost_of(turn("gpt-6-luna")) == cost_of(turn("luna-eu")) == Cost(1_100_000_000, "EUR")
    settings.OPENAI_PRICES = ["gpt-6-luna=2/3"]
    assert cost_of(turn("gpt-6-luna")) == Cost(1_100_000_000, "EUR")
    rows([])
    assert cost_of(turn("gpt-6-luna")) == Cost(2_300_000_000, "USD")


@pytest.mark.parametrize("model", ["demo", "nobody's", "qwen3:8b"])
def test_an_unknown_price_and_uncounted_tokens_are_unknown(model: str, rows: Any) -> None:
    assert cost_of(turn(model)) == Cost(None, "")
    assert cost_of(turn("gpt-6-luna", replace_status(USED, "unknown"))) == Cost(None, "")
    assert cost_of(turn("gpt-6-luna", replace_status(USED, "estimated"))).nanos


def replace_status(usage: Usage, status: Any) -> Usage:
    return Usage(usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.reasoning_tokens, status)


def ended(chat: Chat, *usages: TurnUsage) -> None:
    """A run of the chat that ends now with these."""
    run = facts_of(answer(chat, chat.user, RunStatus.SUCCEEDED))
    fold = Fold(usages=list(usages), terminal=ev.RunCompleted(at=time.time(), usage=Usage(), reason="stop"))
    paid, day = spent(fold), usage_days.day_of(run, fold)
    _save_usage(run, paid, day)
    usage_days.add(run, fold, paid, day)


def test_records_keep_their_cost_and_days_add_it_up(chat: Chat, rows: Any, settings: Any) -> None:
    rows([Overlay("gpt-6-luna", input=ONE, output=ONE), Overlay("gpt-6.1-sol", input=ONE, output=ONE, currency="EUR")])
    ended(chat, turn("gpt-6-luna"), turn("gpt-6.1-sol"), turn("nobody's"))
    kept = {each.model: each for each in UsageRecord.objects.all()}
    assert {name: (each.cost_nanos, each.currency) for name, each in kept.items()} == {
        "gpt-6-luna": (1_100_000_000, "USD"), "gpt-6.1-sol": (1_100_000_000, "EUR"), "nobody's": (None, ""),
    }  # fmt: skip
    assert kept["gpt-6-luna"].cache_write_tokens == 200_000
    settings.OPENAI_PRICES = ["gpt-6-luna=1000/1000"]  # what it costs from now on changes nothing of what it did cost
    days = {each.model: (each.cost_nanos, each.priced_tokens) for each in UsageDay.objects.all()}
    assert days["gpt-6-luna"] == (1_100_000_000, 1_100_000)
    assert days["gpt-6.1-sol"] == days["nobody's"] == (0, 0)
    today = timezone.localdate()
    usage_days.rebuild(today, today)
    assert {each.model: (each.cost_nanos, each.priced_tokens) for each in UsageDay.objects.all()} == days


def test_the_admin_shows_what_was_kept_and_prices_the_rest(chat: Chat, rows: Any, settings: Any) -> None:
    rows([Overlay("gpt-6-luna", input=ONE, output=ONE)])
    ended(chat, turn("gpt-6-luna"))
    rows([])
    settings.OPENAI_PRICES = ["gpt-6-luna=100/100", "old=2/2"]
    record = UsageRecord.objects.get()
    assert str(costs.cost_of([costs.used(record)])) == "1.10 USD"
    place = {"day": date.today(), "organization": chat.organization, "user": chat.user, "project": chat.project}
    UsageDay.objects.create(**place, model="old", input_tokens=1_000_000)  # from before costs were kept
    UsageDay.objects.create(**place, model="nobody's", input_tokens=10)
    found = costs.read(UsageDay.objects.aggregate(**costs.sums()))
    assert (round(found.amount, 6), found.unpriced_tokens, found.priced_tokens) == (3.1, 10, 2_100_000)
    half = costs.Used("old", 1_000_000, 0, 1_000_000, nanos=10**9, priced=1_000_000)
    assert costs.cost_of([half]).amount == pytest.approx(1 + 2)
    assert str(costs.cost_of([costs.Used("nobody's", 5, 0, 5)])) == "-"
