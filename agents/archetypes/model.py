"""The model itself, with nothing added: what a request that names a bare model gets. Its client brings the prompt."""

from agents.archetypes.base import Archetype

model = Archetype(
    name="model",
    purpose="The model alone: no prompt of ours and no tools but those that a request brings.",
    prompt="model.md",
    is_briefed=False,
    is_offered=False,
)
