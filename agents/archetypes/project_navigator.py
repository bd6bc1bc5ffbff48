"""The archetype that knows its way round the project's files and document, and has agents for both."""

from agents.archetypes.base import Archetype, Limits
from agents.archetypes.content import content
from agents.archetypes.editor import editor
from tools.attachments import read_attachment
from tools.components.tool import generate_component
from tools.documents.tools import patch_document, read_document
from tools.editing import FILE_TOOLS
from tools.knowledge.tool import search_knowledge
from tools.memory.tool import remember
from tools.pull_requests import open_pull_request

project_navigator = Archetype(
    name="project_navigator",
    purpose="Finds, explains and changes things in the project's files.",
    prompt="project_navigator.md",
    tools=(
        search_knowledge,
        *FILE_TOOLS,
        open_pull_request,
        read_attachment,
        read_document,
        patch_document,
        generate_component,
        remember,
    ),
    subagents=(content, editor),
    examples=(
        "What is this project about, and where do I start reading?",
        "Where is the configuration read, and what can be set?",
        "Does the documentation contradict itself anywhere?",
    ),
    limits=Limits(max_turns=24, max_calls=96),
)
