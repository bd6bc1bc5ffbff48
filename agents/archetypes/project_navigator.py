"""The archetype that knows its way round the project's files, and asks the content agent about what they say."""

from agents.archetypes.base import Archetype, Limits
from agents.archetypes.content import content
from tools.files import list_files, read_file, search_project_files, write_file

project_navigator = Archetype(
    name="project_navigator",
    purpose="Finds, explains and changes things in the project's files.",
    prompt="project_navigator.md",
    tools=(list_files, read_file, search_project_files, write_file),
    subagents=(content,),
    examples=(
        "What is this project about, and where do I start reading?",
        "Where is the configuration read, and what can be set?",
        "Does the documentation contradict itself anywhere?",
    ),
    limits=Limits(max_turns=24, max_calls=96),
)
