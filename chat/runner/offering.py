"""Which tools a model is told of: not those that every call of would be refused. Sync.

It spares the model a try and nothing more, since each call is judged as of its own moment. So what was read of an
organization's policies is used for some seconds: a run's start costs no query of its own.
"""

import time
from collections.abc import Callable
from uuid import UUID

from chat.models import ToolPolicy
from chat.models.facts import RunFacts
from chat.runner.judging import rule_of
from chat.runner.policies import Rule, decided
from tools.base import Tool

KEPT_S = 5.0
KEPT_MAX = 1_000  # organizations

_kept: dict[UUID, tuple[float, list[Rule]]] = {}


def offering(facts: RunFacts, role: Callable[[], str]) -> Callable[[Tool], bool]:
    """Says of a tool whether a run of somebody in that role is told of it. The role is asked where a rule names one."""
    rules = [rule for rule in _rules(facts.organization_id) if rule.decision == "deny"]
    here = role() if any(rule.role for rule in rules) else ""
    return lambda tool: not rules or decided(tool, here, rules, facts.project_id) != "deny"


def _rules(organization: UUID) -> list[Rule]:
    now = time.monotonic()
    read_at, rules = _kept.get(organization, (-KEPT_S, []))
    if now - read_at < KEPT_S:
        return rules
    if len(_kept) >= KEPT_MAX:
        _kept.clear()
    rules = [rule_of(each) for each in ToolPolicy.objects.filter(organization=organization)]
    _kept[organization] = (now, rules)
    return rules
