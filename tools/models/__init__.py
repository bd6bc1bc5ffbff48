"""A project's content: its repository's state and its document. Files themselves lie on disk, see tools.git."""

from tools.models.documents import Document, DocumentVersion
from tools.models.repositories import Forge, ProjectRepository, RepositoryState

__all__ = ["Document", "DocumentVersion", "Forge", "ProjectRepository", "RepositoryState"]
