"""Sums up a chat. Nobody chooses it: it is asked by runs of the kind `summary`."""

from agents.archetypes.base import Archetype, Limits

summary = Archetype(
    name="summary",
    purpose="Writes the summary of a chat.",
    prompt="summary.md",
    is_offered=False,
    limits=Limits(max_turns=1, max_output_tokens=8_000, max_text_bytes=40_000, timeout_s=600),
)
