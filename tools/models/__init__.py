"""A project's content: its repository's state, its document, what it knows; and what a person lets models know of them.

Files lie on disk, see tools.git.
"""

from tools.models.documents import Document, DocumentVersion
from tools.models.knowledge import KnowledgeDocument, KnowledgeLevel, KnowledgeState, Passage
from tools.models.memory import Memory, Preferences
from tools.models.repositories import Forge, ProjectRepository, RepositoryState

__all__ = [
    "Document",
    "DocumentVersion",
    "Forge",
    "KnowledgeDocument",
    "KnowledgeLevel",
    "KnowledgeState",
    "Memory",
    "Passage",
    "Preferences",
    "ProjectRepository",
    "RepositoryState",
]
