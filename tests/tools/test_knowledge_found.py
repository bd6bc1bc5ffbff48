"""A small run of `python -m tests.bench.knowledge`: the search finds what it is asked for."""

from typing import Any

import pytest

from accounts.models import Project
from tests.bench.knowledge import Case, cases, fill, recall
from tests.embeddings import Embeddings

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def some() -> list[Case]:
    """Read before the test's transaction begins: PostgreSQL ends one that is idle for so long."""
    return cases(300)


def test_most_questions_find_their_document(some: list[Case], project: Project, settings: Any) -> None:
    assert len(some) == 300 and len({each.text for each in some}) == 300
    fill(project, some)
    assert recall(project, some[:100]) > 0.6
    other = Project.objects.create(organization=project.organization, name="Vectors")
    server = Embeddings()
    try:
        for name, value in server.settings.items():
            setattr(settings, name, value)
        fill(other, some)
        assert recall(other, some[:100]) > 0.7
    finally:
        server.close()
