"""What is written down of a project's repository: how it is, and where it comes from."""

from django.utils import timezone

from tools.git.arriving import Figures
from tools.models import Forge, ProjectRepository, RepositoryState


def take_figures(row: ProjectRepository, found: Figures) -> None:
    """Into the row, which is not saved."""
    row.state = RepositoryState.READY
    row.default_branch, row.bytes, row.files = found.branch, found.bytes, found.files


def record_arrival(row: ProjectRepository, found: Figures | None) -> None:
    """Save that what lies there now comes from no server: where the one before came from, and its token, are gone."""
    if found:
        take_figures(row, found)
    row.remote_url = row.forge_path = row.token = row.token_user = ""
    row.forge, row.error, row.fetched_at = Forge.NONE, None, timezone.now()
    row.save()
