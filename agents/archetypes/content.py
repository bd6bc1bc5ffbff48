"""The subagent for what a project says. Not in the registry: only other agents ask it."""

from agents.archetypes.base import Archetype, Limits
from tools.attachments import read_attachment
from tools.files import list_files, read_file, search_project_files
from tools.knowledge.tool import search_knowledge

content = Archetype(
    name="content",
    purpose=(
        "Finds out what the project says: wording, texts, pages and documentation, where it is said and whether it "
        "agrees. Give it one task in whole sentences; it does not see this conversation."
    ),
    prompt="content.md",
    tools=(search_knowledge, list_files, read_file, search_project_files, read_attachment),
    permissions=frozenset({"read"}),
    markdown=False,
    memory="own",
    limits=Limits(max_turns=8, max_calls=24),
)
