"""The project that a tool works in, as the person whom it acts for may use it now."""

from accounts.models import Project, User
from accounts.permissions import permissions_in
from tools.base import Permission, ToolContext
from tools.errors import ToolError

NO_PROJECT = "There is no project here that the person you act for can see."


def project_of(ctx: ToolContext, needs: Permission) -> Project:
    """The run's project, if the person's role there, now, includes this. Raises ToolError."""
    user = User.objects.filter(pk=ctx.user_id, is_active=True).first()
    if user is None or ctx.project_id is None:
        raise ToolError(NO_PROJECT)
    project = Project.objects.visible_to(user).filter(pk=ctx.project_id).first()
    if project is None:
        raise ToolError(NO_PROJECT)
    if needs not in permissions_in(user, organization=project.organization_id, project=project):
        raise ToolError(f"The person you act for may not do this in the project: it needs the permission {needs!r}.")
    return project
