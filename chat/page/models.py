"""What the page says of the models that may be chosen: what they can do, read and cost, and for whom they are."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.plans import Terms
from agents.installation import models
from agents.model_info import ModelInfo
from chat import gate
from chat.page.contents import model_label
from chat.page.money import money
from chat.page.words import Counted, say

PAGE_TOKENS = 650  # of a printed page of prose, about
TIERS = {"free": _("Free"), "pro": _("Pro"), "max": _("Max")}
EFFORTS = {
    "": _("Usual reasoning"),
    "none": _("No reasoning"),
    "minimal": _("Minimal reasoning"),
    "low": _("Little reasoning"),
    "medium": _("Medium reasoning"),
    "high": _("Much reasoning"),
    "xhigh": _("Very much reasoning"),
    "max": _("Most reasoning"),
}


@dataclass(frozen=True)
class Shown:
    """A model as its picker shows it; what nobody knows is empty."""

    id: str
    label: str
    note: str
    tier: str
    abilities: frozenset[str]
    tokens: str  # that it reads at most, question and answer together
    pages: str  # as many printed pages, about
    input: str  # what a million tokens cost
    output: str
    refused: str  # why it cannot be chosen here; empty: it can


def shown_models(plan: Terms) -> list[Shown]:
    """All that are offered, in order; those that the plan does not have say so."""
    return [_shown(each, plan) for each in models()]


def for_script() -> dict[str, Any]:
    """By name: what each is called, can be given, and how it can be asked to reason."""
    return {
        each.id: {"label": model_label(each.id), "abilities": sorted(each.abilities), "efforts": each.efforts}
        for each in models()
    }


def plan_for_script(plan: Terms) -> dict[str, Any]:
    """What of a plan the choice of a model goes by."""
    return {"name": plan.name, "models": gate.models_of(plan), "model": gate.default_model(plan)}


def _shown(model: ModelInfo, plan: Terms) -> Shown:
    price, currency = model.price, getattr(model.price, "currency", "USD")
    pages = _rounded(model.context_tokens // PAGE_TOKENS)
    return Shown(
        id=model.id,
        label=model_label(model.id),
        note=model.note,
        tier=str(TIERS.get(model.tier, "")),
        abilities=model.abilities,
        tokens=str(Counted(model.context_tokens)) if model.is_context_known else "",
        pages=str(Counted(pages)),
        input=money(price.input, currency) if price else "",
        output=money(price.output, currency) if price else "",
        refused="" if gate.allows(plan, model.id) else say("notInPlan", plan=plan.name),
    )


def _rounded(count: int) -> int:
    """To two digits: a guess that looks like one."""
    step = int(10 ** max(0, len(str(count)) - 2))
    return max(1, count // step * step)
