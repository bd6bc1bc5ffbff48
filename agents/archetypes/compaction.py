"""Sums up the older part of a long chat, for the model that goes on with it. Nobody chooses it: runs ask it."""

from agents.archetypes.base import Archetype, Limits

compaction = Archetype(
    name="compaction",
    purpose="Sums up the older part of a long chat.",
    prompt="compaction.md",
    is_offered=False,
    limits=Limits(max_turns=1, max_output_tokens=16_000, max_text_bytes=80_000, timeout_s=600),
)
