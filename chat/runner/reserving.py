"""What a new run reserves of the budgets that apply to it, and of its own cap. Sync, within the run's transaction."""

from accounts.errors import QuotaExceeded
from agents import options
from agents.archetypes import registry
from agents.errors import UnknownArchetype
from agents.loop import model_of
from chat.metering import amounts, budgets
from chat.metering.budgets import PRICE_UNKNOWN, payer_of
from chat.models import Run
from chat.models.facts import facts_of
from chat.runner.purse import Cap, cap_of


def reserve(run: Run) -> None:
    """Set what the run reserves for its first turn; its row is not saved. Raises QuotaExceeded."""
    model = _asked(run)
    cap = cap_of(options.load(run.options)) if run.options else None
    if cap:
        _check(cap, model)
    share, run.covered_turns = budgets.reserve(payer_of(facts_of(run)), model)
    run.reserved_tokens, run.reserved_nanos = share.tokens, share.nanos or 0


def _check(cap: Cap, model: str) -> None:
    if cap.nanos is not None and amounts.turn(model).nanos is None:
        raise QuotaExceeded(PRICE_UNKNOWN, code="price_unknown", fields={"max_cost": [PRICE_UNKNOWN]})


def _asked(run: Run) -> str:
    """The model of its first turn, as far as is known before it begins."""
    try:
        return model_of(registry.get(run.archetype), run.model) if run.archetype else run.model
    except UnknownArchetype:
        return run.model
