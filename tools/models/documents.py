"""A project's document: one JSON value that people and agents change, version by version."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Project, Seer, User

MAIN = "main"


class DocumentQuerySet(models.QuerySet["Document"]):
    def visible_to(self, user: Seer) -> "DocumentQuerySet":
        """Those of the projects the user can see."""
        return self.filter(project__in=Project.objects.visible_to(user))


class Document(models.Model):
    """As it is now. `content` is JSON text: a database's own JSON would keep another order of names."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    name = models.CharField(max_length=40, default=MAIN)
    content = models.TextField()
    version = models.PositiveIntegerField(default=0)
    bytes = models.PositiveIntegerField(default=0)  # of the content in UTF-8
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        ordering = ["project", "name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="document_name_once")]

    def __str__(self) -> str:
        return f"{self.name} of {self.project_id}, version {self.version}"


class DocumentVersionQuerySet(models.QuerySet["DocumentVersion"]):
    def visible_to(self, user: Seer) -> "DocumentVersionQuerySet":
        """Those of the documents the user can see."""
        return self.filter(document__in=Document.objects.visible_to(user))


class DocumentVersion(models.Model):
    """What the document was at a version, and who made it so. The newest are kept."""

    document = models.ForeignKey(Document, models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    content = models.TextField()
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    run_id = models.UUIDField(null=True, blank=True)  # a plain id: tools know no runs
    call = models.CharField(max_length=200, blank=True)  # of that run, which made it: the same call makes none again
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DocumentVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["document", "version"], name="document_version_once"),
            models.UniqueConstraint(
                fields=["document", "run_id", "call"], condition=~Q(call=""), name="document_call_once"
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.version} of {self.document_id}"
