"""Repositories of their own for the tests of tools."""

import uuid
from pathlib import Path

import pytest

from accounts.models import Project
from tools.git.repository import Repository

FILES = {
    "README.md": "# Website\n\nThe shop's website.\n",
    "src/prices.py": "COFFEE = 280\nTEA = 240\n",
    "src/deep/er/notes.txt": "Nothing here.\n",
}


@pytest.fixture
def repositories(tmp_path: Path, settings: object) -> Path:
    """An empty folder, used as the place of all repositories."""
    settings.TOOLS_REPOSITORIES = tmp_path / "repositories"  # type: ignore[attr-defined]
    return tmp_path / "repositories"


@pytest.fixture
def repository(repositories: Path) -> Repository:
    """A project's repository with FILES."""
    made = Repository(uuid.uuid4())
    made.create(FILES, author_name="Alice", author_email="alice@example.com")
    return made


@pytest.fixture
def files(repositories: object, project: Project) -> Repository:
    """The project's repository, with FILES."""
    repository = Repository(project.pk)
    if not repository.exists():
        repository.create(FILES, author_name="Alice", author_email="alice@example.com")
    return repository
