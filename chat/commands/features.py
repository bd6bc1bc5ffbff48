"""Which features an organization has by its plan. Sync."""

from uuid import UUID


def has_feature(organization_id: UUID, name: str) -> bool:
    """Whether the organization's plan includes the feature: without plans each includes all."""
    return True
