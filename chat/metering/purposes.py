"""What a turn was for: a word in the ledger."""

from agents.archetypes.compaction import compaction

COMPACT = "compact"


def purpose_of(kind: str, agent: str = "") -> str:
    """Of a run's kind, and of the agent that speaks in it: answer, title, summary, compact; else the kind's name."""
    return COMPACT if compaction.name in (kind, agent) else kind
