"""The subagent that changes a project's files. Not in the registry: only other agents ask it."""

from agents.archetypes.base import Archetype, Limits
from tools.editing import FILE_TOOLS

editor = Archetype(
    name="editor",
    purpose=(
        "Makes one change to the project's files that you describe: which files, what is to be different, what is to "
        "stay. Give it one task in whole sentences; it does not see this conversation."
    ),
    prompt="editor.md",
    tools=FILE_TOOLS,
    permissions=frozenset({"read", "write"}),
    markdown=False,
    memory="own",
    limits=Limits(max_turns=12, max_calls=32),
)
