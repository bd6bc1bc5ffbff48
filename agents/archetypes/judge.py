"""Says whether an answer does what is expected of it. Nobody chooses it: replays ask it."""

from agents.archetypes.base import Archetype, Limits

judge = Archetype(
    name="judge",
    purpose="Says whether an answer does what is expected of it.",
    prompt="judge.md",
    is_offered=False,
    is_briefed=False,
    limits=Limits(max_turns=1, max_output_tokens=4_000, max_text_bytes=20_000, timeout_s=600),
)
