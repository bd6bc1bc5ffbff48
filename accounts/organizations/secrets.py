"""Secrets of a project, which its tools send to other APIs. Who administers the project stores them; nobody reads one.

They are sealed as they come (accounts.http.secret_fields), and opened for a call alone.
"""

from uuid import UUID

from django.db import IntegrityError, transaction

from accounts import audit
from accounts.counts import require_room
from accounts.errors import Conflict, NotAllowed
from accounts.models import Project, ProjectSecret, User
from accounts.organizations.services import require_project_admin
from accounts.secrets import opened


def add_secret(*, actor: User, project: Project, name: str, value: str) -> ProjectSecret:
    """Store a sealed secret under a new name. Raises Conflict where the project has one of that name."""
    require_secrets(actor, project)
    require_room(project.secrets.all(), "SECRETS_PER_PROJECT", "secrets", "project")
    try:
        with transaction.atomic():
            secret = ProjectSecret.objects.create(project=project, name=name, value=value)
            _note("secret.set", actor, secret)
            return secret
    except IntegrityError:
        raise Conflict("The project has a secret of this name: change that one.", code="secret_exists") from None


@transaction.atomic
def change_secret(*, actor: User, secret: ProjectSecret, value: str) -> ProjectSecret:
    """Another sealed value under the same name."""
    require_secrets(actor, secret.project)
    secret.value = value
    secret.save(update_fields=["value", "updated_at"])
    _note("secret.set", actor, secret)
    return secret


@transaction.atomic
def remove_secret(*, actor: User, secret: ProjectSecret) -> None:
    """Forget it: calls that need it fail from now on."""
    require_secrets(actor, secret.project)
    _note("secret.removed", actor, secret)
    secret.delete()


def _note(action: str, actor: User, secret: ProjectSecret) -> None:
    place = secret.project.organization_id
    detail = {"project": secret.project_id}
    audit.record(action, actor=actor, organization_id=place, object_type="secret", object_id=secret.pk, detail=detail)


def require_secrets(actor: User, project: Project) -> None:
    """Raise NotAllowed unless they administer the project, and came themselves: no API key opens its secrets."""
    if actor.key is not None:
        raise NotAllowed("Secrets of a project need a person's token, not an API key.", code="key_scope")
    require_project_admin(actor, project)


def secret_of(project_id: UUID, name: str) -> str:
    """The secret of that name; empty where the project has none. Raises SecretUnreadable. One query."""
    sealed = ProjectSecret.objects.filter(project=project_id, name=name).values_list("value", flat=True).first()
    return opened(sealed) if sealed else ""
