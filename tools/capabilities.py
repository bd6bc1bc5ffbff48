"""What a project has that tools can need."""

from uuid import UUID

REPOSITORY = "repository"


def capabilities_of(project_id: UUID | None) -> frozenset[str]:
    """Every project has a repository: it is made at its first use. A chat outside of projects has nothing."""
    return frozenset({REPOSITORY}) if project_id else frozenset()
