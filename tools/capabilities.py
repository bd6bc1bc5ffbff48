"""What a project has that tools can need."""

from uuid import UUID

from tools.knowledge.searching import has_passages

REPOSITORY = "repository"
DOCUMENT = "document"
ATTACHMENTS = "attachments"  # of a chat, not of its project: files have come with its messages
KNOWLEDGE = "knowledge"
MEMORY = "memory"  # of a person in a chat of their own: they let agents ask whether to remember something


def capabilities_of(project_id: UUID | None, *, has_knowledge: bool | None = None) -> frozenset[str]:
    """Every project has a repository and a document: they are made at their first use. It has knowledge once a document
    of it can be searched: asked here, unless the caller knows. A chat outside of projects has nothing.
    """
    if not project_id:
        return frozenset()
    if has_knowledge is None:
        has_knowledge = has_passages(project_id)
    return frozenset({REPOSITORY, DOCUMENT, *([KNOWLEDGE] if has_knowledge else [])})
