"""The project of a request by an OpenAI client: the header that its `project=` sets. Sync."""

from django.http import HttpRequest

from accounts.models import Project, User
from chat.doors import starting
from chat.doors.openai.names import OURS
from chat.doors.openai.responses.dialect.ids import PROJECT, read_id


def project_of(request: HttpRequest, user: User, model: str) -> Project | None:
    """The project for a chat that has to be made: the one that the header OpenAI-Project names by its id.

    An agent that nobody gave a project gets the only one there is. Raises NotFound for a project that is not visible.
    """
    named = project_named(request, user)
    if named is not None or not model.startswith(OURS):
        return named
    mine = Project.objects.visible_to(user)[:2]
    return mine[0] if len(mine) == 1 else None


def project_named(request: HttpRequest, user: User) -> Project | None:
    """The one of the header OpenAI-Project. Raises NotFound for a project that is not visible."""
    return starting.named_project(user, read_id(request.headers.get("OpenAI-Project", ""), PROJECT))
