"""Up to which level of documents each role reads."""

from django.conf import settings

from accounts.models import Project, Role, User
from accounts.permissions import role_in

NONE = -1  # below every level: nothing is read


def level_of(role: Role | str | None) -> int:
    """The highest level that this role reads (KNOWLEDGE_LEVELS); NONE for who has no role."""
    return int(settings.KNOWLEDGE_LEVELS[str(role)]) if role else NONE


def level_in(user: User, project: Project) -> int:
    """The highest level that the user reads in the project; NONE for who is outside. One query."""
    return level_of(role_in(user, organization=project.organization_id, project=project))
