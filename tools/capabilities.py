"""What a project has that tools can need."""

from uuid import UUID

REPOSITORY = "repository"
DOCUMENT = "document"
ATTACHMENTS = "attachments"  # of a chat, not of its project: files have come with its messages


def capabilities_of(project_id: UUID | None) -> frozenset[str]:
    """Every project has both: they are made at their first use. A chat outside of projects has nothing."""
    return frozenset({REPOSITORY, DOCUMENT}) if project_id else frozenset()
