"""A project's content: its repository's state, its document, what it knows, servers whose tools it uses; and what a
person lets models know of them.

Files lie on disk, see tools.git.
"""

from tools.models.documents import Document, DocumentVersion
from tools.models.knowledge import KnowledgeDocument, KnowledgeLevel, KnowledgeState, Passage
from tools.models.mcp import McpAuth, McpServer, McpServerState, McpSignIn, McpTool, McpToolPolicy, McpToolState
from tools.models.memory import Memory, Preferences
from tools.models.repositories import Forge, ProjectRepository, RepositoryState

__all__ = [
    "Document",
    "DocumentVersion",
    "Forge",
    "KnowledgeDocument",
    "KnowledgeLevel",
    "KnowledgeState",
    "McpAuth",
    "McpServer",
    "McpServerState",
    "McpSignIn",
    "McpTool",
    "McpToolPolicy",
    "McpToolState",
    "Memory",
    "Passage",
    "Preferences",
    "ProjectRepository",
    "RepositoryState",
]
