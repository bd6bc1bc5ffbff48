"""The archetype a chat has unless another is chosen."""

from agents.archetypes.base import Archetype
from tools.attachments import read_attachment
from tools.components.tool import generate_component
from tools.files import list_files, read_file, search_project_files, write_file
from tools.knowledge.tool import search_knowledge
from tools.memory.tool import remember
from tools.web.tool import fetch_url

generalist = Archetype(
    name="generalist",
    purpose="Answers questions of all kinds, and works with the project's files where there is a project.",
    prompt="generalist.md",
    tools=(
        search_knowledge,
        list_files,
        read_file,
        search_project_files,
        write_file,
        read_attachment,
        generate_component,
        fetch_url,
        remember,
    ),
    examples=(
        "Which files are in this project?",
        "Explain what README.md says in three sentences.",
        "Write a file notes.md with a checklist for our next release.",
    ),
)
