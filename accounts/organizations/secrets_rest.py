"""REST for the secrets of a project: they go in, and of each only its name and its end come out."""

import re
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http.fields import Closed, PageQuery, Text
from accounts.http.rest import caller, created, documented, page, read, shown
from accounts.http.secret_fields import SecretBody, SecretShown
from accounts.models import Project, ProjectSecret
from accounts.organizations import secrets
from accounts.organizations.rest import Pages, found

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class ProjectSecretSerializer(serializers.ModelSerializer[ProjectSecret]):
    """A secret of a project, without the secret."""

    value = SecretShown()

    class Meta:
        model = ProjectSecret
        fields = ("id", "project", "name", "value", "created_at", "updated_at")
        read_only_fields = fields


class ProjectSecretBody(Closed):
    value = SecretBody(allow_blank=False)


class NewProjectSecretBody(ProjectSecretBody):
    name = Text(max_length=40, help_text="by which tools ask for it, such as billing")

    def validate_name(self, name: str) -> str:
        """The name. Raises ValidationError."""
        if not NAME.fullmatch(name):
            raise serializers.ValidationError("Expected lower case letters, digits and _, a letter first.")
        return name


class Secrets(Pages):
    """Secrets of a project."""

    @documented("projects_secrets_list", answer=ProjectSecretSerializer(many=True))
    def get(self, request: Request, project: UUID) -> Response:
        """All of them, by name and last characters. Needs admin."""
        read(PageQuery, request.query_params)
        return page(request, _secrets(request, project), ProjectSecretSerializer, ordering="created_at")

    @documented(
        "projects_secrets_create", body=NewProjectSecretBody, answer=ProjectSecretSerializer, makes=True, conflicts=True
    )
    def post(self, request: Request, project: UUID) -> Response:
        """Store a secret. Needs admin."""
        place = _place(request, project)

        def make(body: dict[str, Any]) -> ProjectSecret:
            return secrets.add_secret(actor=caller(request), project=place, **body)

        rows = _secrets(request, project)
        return created(request, NewProjectSecretBody, ProjectSecretSerializer, make, lambda id: found(rows, id))


class OneSecret(APIView):
    """One of them."""

    @documented("projects_secrets_partial_update", body=ProjectSecretBody, answer=ProjectSecretSerializer)
    def patch(self, request: Request, project: UUID, id: UUID) -> Response:
        """Put another value in its place. Needs admin."""
        secret = found(_secrets(request, project), id)
        body = read(ProjectSecretBody, request.data, partial=True)
        if body:
            secret = secrets.change_secret(actor=caller(request), secret=secret, value=body["value"])
        return shown(request, ProjectSecretSerializer, secret)

    @documented("projects_secrets_destroy", status=204)
    def delete(self, request: Request, project: UUID, id: UUID) -> Response:
        """Forget it. Needs admin."""
        secrets.remove_secret(actor=caller(request), secret=found(_secrets(request, project), id))
        return Response(status=204)


def _place(request: Request, project: UUID) -> Project:
    """The project, to whoever may see its secrets. Raises NotFound, NotAllowed."""
    place = found(Project.objects.visible_to(caller(request)), project)
    secrets.require_secrets(caller(request), place)
    return place


def _secrets(request: Request, project: UUID) -> QuerySet[ProjectSecret]:
    return ProjectSecret.objects.filter(project=_place(request, project)).select_related("project")
