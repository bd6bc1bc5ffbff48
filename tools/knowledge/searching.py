"""Searching a project's passages. Sync."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Found:
    """A passage, with what it is of."""

    id: int
    document: UUID
    title: str
    path: str
    text: str
    level: int
    score: float
    page: int | None
    url: str


STORED: dict[UUID, list[Found]] = {}


def search(project_id: UUID, query: str, most_level: int, limit: int) -> list[Found]:
    """The best passages of the project up to this level."""
    return [each for each in STORED.get(project_id, []) if each.level <= most_level][:limit]


def has_passages(project_id: UUID) -> bool:
    """Whether a document of the project can be searched."""
    return bool(STORED.get(project_id))
