"""Writes one component. Nobody chooses it: it is asked by runs of the kind `build`."""

from agents.archetypes.base import Archetype, Limits
from tools.files import list_files, read_file, search_project_files

builder = Archetype(
    name="builder",
    purpose="Writes the code of one component.",
    prompt="builder.md",
    tools=(list_files, read_file, search_project_files),
    is_offered=False,
    limits=Limits(max_turns=16, max_calls=32, timeout_s=3600),
)
