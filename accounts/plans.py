"""What an organization may use, by its plan: models, features and lower limits. Sync.

Three plans ship. The rows that operators edit stand over them and beside them, and are kept in memory as those of
models are: every process that serves looks each few seconds, and the one that saves at once. Which model a plan's
`models` are is said in chat.gate: here nobody knows of models.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.errors import Invalid, NotAllowed, refuse
from accounts.models import Organization, Plan

UNCHOSEN = "free"  # what an organization has for which nobody has chosen one
ALL = "*"
FEATURES = ("search", "share_links", "webhooks", "schedules", "sso", "export_pdf", "cache")
# The settings that a plan may lower, and what it may say: a number of things, or rate/window:burst. 0: as the setting.
COUNTS = ("CHAT_RUNS_PER_ORGANIZATION",)
RATES = ("LIMITS_USER", "LIMITS_KEY", "LIMITS_ORGANIZATION")
RATE = re.compile(r"[1-9]\d{0,8}/[1-9]\d{0,5}s:[1-9]\d{0,8}")
MODELS_MAX = 200


@dataclass(frozen=True)
class Terms:
    """What one plan says."""

    name: str
    label: str
    models: tuple[str, ...] = ()  # ids, patterns such as claude-*, or tier:NAME for all that this tier sees
    features: tuple[str, ...] = ()  # some of FEATURES, or ALL: also what later versions add
    limits: Mapping[str, Any] = field(default_factory=dict)  # some of COUNTS and RATES

    def has(self, feature: str) -> bool:
        """Whether it includes that one of FEATURES."""
        return ALL in self.features or feature in self.features


SHIPPED = (
    Terms("BASIC", "Basic", ("tier:free",), ("search", "share_links")),
    Terms("PRO", "Pro", ("tier:pro",), tuple(each for each in FEATURES if each != "sso")),
    Terms("ENTERPRISE", "Enterprise", (ALL,), (ALL,)),
)


class _Kept:
    """The rows, as this process saw them last; None: it has not looked yet."""

    rows: tuple[Terms, ...] | None = None


def every() -> tuple[Terms, ...]:
    """All plans: those that ship in their order, then the operators' own by name."""
    found = {each.name: each for each in (*SHIPPED, *_rows())}
    return tuple(found.values())


def named(name: str) -> Terms:
    """The plan of that name; of a name that is none, PLANS_DEFAULT. Where that is none either, a plan without models:
    a setting that is misspelt opens nothing.
    """
    found = {each.name: each for each in every()}
    default = settings.PLANS_DEFAULT
    return found.get(name) or found.get(default) or Terms(default, default)


def plan_of(organization_id: UUID) -> Terms:
    """The organization's plan. One query."""
    name = Organization.objects.filter(pk=organization_id).values_list("plan", flat=True).first()
    return named(name or UNCHOSEN)


def limits_at(organization_id: UUID, names: Iterable[str]) -> Mapping[str, Any]:
    """What the organization's plan lowers of these settings. No query where no plan lowers any of them."""
    wanted = set(names)
    if not any(wanted & each.limits.keys() for each in every()):
        return {}
    return {name: limit for name, limit in plan_of(organization_id).limits.items() if name in wanted}


def has_feature(organization_id: UUID, name: str) -> bool:
    """Whether the organization's plan includes it: one of FEATURES. One query."""
    assert name in FEATURES, name
    return plan_of(organization_id).has(name)


def require_feature(organization_id: UUID, name: str) -> None:
    """Raise NotAllowed where the organization's plan does not include it: one of FEATURES. One query."""
    assert name in FEATURES, name
    plan = plan_of(organization_id)
    if not plan.has(name):
        told = f"The plan {plan.name} does not include {name}. Ask whoever runs this installation for another plan."
        raise NotAllowed(told, code="plan_feature", fields={"plan": [told]})


# --- The rows ---------------------------------------------------------------------------------------------------------


def refresh() -> None:
    """Take the rows as they are now."""
    tell(map(terms_of, Plan.objects.order_by("name")))


def terms_of(row: Plan) -> Terms:
    """What a row says."""
    return Terms(row.name, row.label, tuple(row.models), tuple(row.features), row.limits)


def tell(rows: Iterable[Terms]) -> None:
    """From now on these stand over what ships, in this process."""
    _Kept.rows = tuple(rows)


def changed() -> None:
    """Rows were changed in this transaction: once it is stored, this process knows at once."""
    transaction.on_commit(refresh)


def seed() -> int:
    """Add a row for each plan that ships, where it is missing; how many. One that is there stays as it is."""
    there = set(Plan.objects.values_list("name", flat=True))
    missing = [
        Plan(name=each.name, label=each.label, models=list(each.models), features=list(each.features))
        for each in SHIPPED
        if each.name not in there
    ]
    Plan.objects.bulk_create(missing, ignore_conflicts=True)  # another process may do the same now
    return len(missing)


def _rows() -> tuple[Terms, ...]:
    if _Kept.rows is None:  # a command, or a process that is just starting
        refresh()
    return _Kept.rows or ()


# --- What a row may say -----------------------------------------------------------------------------------------------


def check_name(value: str) -> str:
    """A plan's name. Raises Invalid."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,29}", value) or value == UNCHOSEN:
        raise refuse("name", f"Expected letters, digits, - and _, at most 30, and not {UNCHOSEN}: that is no plan.")
    return value


def check_models(value: Any) -> list[str]:
    """Patterns of models. Raises Invalid."""
    is_list = isinstance(value, list) and all(isinstance(each, str) and 0 < len(each) <= 100 for each in value)
    if not is_list or len(value) > MODELS_MAX or len(set(value)) < len(value):
        raise refuse("models", f"Expected a list of at most {MODELS_MAX} ids, patterns (claude-*) or tiers (tier:pro).")
    return list(value)


def check_features(value: Any) -> list[str]:
    """Names of features. Raises Invalid."""
    is_list = isinstance(value, list) and all(each in (ALL, *FEATURES) for each in value)
    if not is_list or len(set(value)) < len(value):
        raise refuse("features", f"Expected a list of some of: {', '.join((ALL, *FEATURES))}.")
    return list(value)


def check_limits(value: Any) -> dict[str, Any]:
    """Settings and what they are lowered to. Raises Invalid."""
    if not isinstance(value, dict) or not value.keys() <= {*COUNTS, *RATES}:
        raise refuse("limits", f"Expected a JSON object of some of: {', '.join((*COUNTS, *RATES))}.")
    for name, limit in value.items():
        _check_limit(name, limit)
    return value


def _check_limit(name: str, limit: Any) -> None:
    is_count = type(limit) is int and 0 < limit < 10**9
    is_rate = isinstance(limit, str) and RATE.fullmatch(limit) is not None
    if not (is_count if name in COUNTS else is_rate):
        expected = "a number from 1 on" if name in COUNTS else "rate/window:burst, such as 60/60s:20"
        raise Invalid(f"limits: {name}: Expected {expected}.", fields={"limits": [f"{name}: Expected {expected}."]})
