"""Names a chat by what was said in it. Nobody chooses it: it is asked by runs of the kind `title`."""

from agents.archetypes.base import Archetype, Limits

title = Archetype(
    name="title",
    purpose="Writes the title of a chat.",
    prompt="title.md",
    is_offered=False,
    limits=Limits(max_turns=1, max_output_tokens=4_000, max_text_bytes=20_000, timeout_s=600),
)
