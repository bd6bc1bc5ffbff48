"""Searching a project's passages. Sync."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings


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


def search(project_id: UUID, query: str, most_level: int, limit: int) -> list[Found]:
    """The best passages of the project up to this level."""
    return [each for each in _stored(project_id) if each.level <= most_level][:limit]


def has_passages(project_id: UUID) -> bool:
    """Whether a document of the project can be searched."""
    return bool(_stored(project_id))


def _stored(project_id: UUID) -> list[Found]:
    file = Path(settings.PARLEY_DATA) / "knowledge.json"
    rows: list[dict[str, Any]] = json.loads(file.read_text()) if file.exists() else []
    return [
        Found(at, UUID(row["document"]), row["title"], row["path"], row["text"], row["level"], 1.0, None, row["url"])
        for at, row in enumerate(rows, 1)
        if row["project"] == str(project_id)
    ]
