"""Where a project's repository comes from, and what became of fetching it."""

from django.db import models

from accounts.models import Project, Seer


class RepositoryState(models.TextChoices):
    EMPTY = "empty"  # nobody has put anything there; its first use makes it
    READY = "ready"
    CLONING = "cloning"
    FAILED = "failed"  # the last clone; nothing of it is left


class Forge(models.TextChoices):
    """Who keeps the repository at `remote_url`, and so how a pull request is opened there."""

    GITHUB = "github"
    GITLAB = "gitlab"
    FORGEJO = "forgejo"  # and Gitea
    NONE = "none"  # no forge: pull requests are reviewed and merged here


class ProjectRepositoryQuerySet(models.QuerySet["ProjectRepository"]):
    def visible_to(self, user: Seer) -> "ProjectRepositoryQuerySet":
        """Those of the projects the user can see."""
        return self.filter(project__in=Project.objects.visible_to(user))


class ProjectRepository(models.Model):
    """A project's repository as its people see it. The objects are in the bare repository on disk (tools.git)."""

    project = models.OneToOneField(Project, models.CASCADE, primary_key=True, related_name="+")
    state = models.CharField(max_length=8, choices=RepositoryState.choices, default=RepositoryState.EMPTY)
    default_branch = models.CharField(max_length=255, blank=True)
    remote_url = models.CharField(max_length=1000, blank=True)  # https, without a name or a secret in it
    forge = models.CharField(max_length=8, choices=Forge.choices, default=Forge.NONE)
    forge_path = models.CharField(max_length=300, blank=True)  # owner/name; of GitLab, with all groups
    token = models.TextField(blank=True, editable=False)  # by accounts.secrets.seal; never shown
    token_user = models.CharField(max_length=100, blank=True)  # the name that git gives with it; empty: the forge's own
    fetched_at = models.DateTimeField(null=True, blank=True)
    bytes = models.PositiveBigIntegerField(default=0)  # on disk
    files = models.PositiveIntegerField(default=0)  # of the default branch
    error = models.JSONField(null=True, blank=True)  # of what failed last: {code, message}
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ProjectRepositoryQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "project"]
        verbose_name_plural = "project repositories"

    def __str__(self) -> str:
        return f"repository of {self.project_id}"
