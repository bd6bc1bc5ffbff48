"""What an organization's and a project's tool policies come to for one tool and role. Pure: rows are brought.

Deny beats ask beats allow. The organization's rules stand in the place of what the tool says of itself; a project's
only make that stricter.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from agents.loop.judging import Decision, strictest, usual
from tools.base import Tool


@dataclass(frozen=True)
class Rule:
    """One row."""

    pattern: str
    role: str  # empty: everybody's
    decision: Decision
    project: UUID | None  # None: the whole organization's

    def is_about(self, tool: str, role: str) -> bool:
        """Whether it speaks of this tool and this role."""
        return self.role in ("", role) and matches(self.pattern, tool)


def matches(pattern: str, name: str) -> bool:
    """Whether the name is the pattern, or begins with what stands before the pattern's star."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def decided(tool: Tool, role: str, rules: Iterable[Rule], project: UUID | None) -> Decision:
    """What is done with a call of the tool, as far as rules go.

    No rule allows what a tool does elsewhere as the run's person and asks for: only that person may. Nor what a tool of
    another house asks for: by its name alone nobody knows whose it is, and each project names its own.
    """
    rules = list(rules)
    included = [decided(each, role, rules, project) for each in tool.includes]
    about = [rule for rule in rules if rule.is_about(tool.name, role) and rule.project in (None, project)]
    whole = [rule.decision for rule in about if rule.project is None]
    itself = usual(tool)
    decision = strictest(*whole) if whole else itself
    if tool.as_person or tool.foreign:
        decision = strictest(decision, itself)
    return strictest(decision, *included, *(rule.decision for rule in about if rule.project is not None))
