"""REST for a project's repository."""

from collections.abc import Mapping
from typing import IO, Any
from uuid import UUID

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import Invalid
from accounts.http.fields import Closed, Text
from accounts.http.rest import caller, documented, read
from accounts.http.secret_fields import SecretBody, SecretShown
from chat.services import repositories
from chat.services.repositories import Shown, find_project
from tools.models import Forge, ProjectRepository, RepositoryState

URL_MAX_CHARS = 1_000
DEPTH_MAX = 1_000_000


class RepositoryError(serializers.Serializer[Any]):
    """Why the newest clone or fetch failed."""

    code = serializers.CharField()
    message = serializers.CharField()


class RepositorySerializer(serializers.ModelSerializer[ProjectRepository]):
    """A project's repository, without its token."""

    state = serializers.ChoiceField(RepositoryState.choices, read_only=True)
    token = SecretShown()
    error = RepositoryError(allow_null=True, read_only=True)
    run = serializers.SerializerMethodField(help_text="The run that is cloning or fetching it; null where none is.")

    class Meta:
        model = ProjectRepository
        fields = (
            "project",
            "state",
            "run",
            "default_branch",
            "remote_url",
            "forge",
            "forge_path",
            "token",
            "token_user",
            "fetched_at",
            "bytes",
            "files",
            "error",
        )
        read_only_fields = fields

    def get_run(self, row: ProjectRepository) -> UUID | None:
        """The run's id."""
        found: UUID | None = self.context["run"]
        return found


class RunBegun(serializers.Serializer[Any]):
    """The run that was begun: watch it at /api/runs/{id}/events."""

    run = serializers.UUIDField()


class RemoteBody(Closed):
    """What both may say of where the repository lies."""

    forge = serializers.ChoiceField(Forge.choices, required=False, help_text="guessed from the URL, else none")
    forge_path = Text(required=False, allow_blank=True, max_length=300, help_text="owner/name at the forge")
    token = SecretBody(required=False, help_text="that opens it; stored sealed, and never shown again")
    token_user = Text(required=False, allow_blank=True, max_length=100, help_text="the name that goes with the token")

    def validate_token_user(self, name: str) -> str:
        """The name. Raises ValidationError."""
        if not name.isascii() or not name.isprintable() or ":" in name:
            raise serializers.ValidationError("Expected letters, digits and signs of ASCII, without a colon.")
        return name


class CloneBody(RemoteBody):
    """What is cloned."""

    url = Text(max_length=URL_MAX_CHARS, help_text="https, without a name or a secret in it")
    branch = Text(required=False, allow_blank=True, max_length=100, help_text="else the server's default branch")
    depth = serializers.IntegerField(
        required=False, min_value=0, max_value=DEPTH_MAX, help_text="so many commits of its history; 0: all of it"
    )
    replace = serializers.BooleanField(required=False, help_text="put it in the place of a repository that is there")


class RepositoryBody(RemoteBody):
    """What may be changed."""

    remote_url = Text(required=False, allow_blank=True, max_length=URL_MAX_CHARS)


class UploadQuery(Closed):
    """How a zip is taken."""

    replace = serializers.BooleanField(required=False, help_text="put it in the place of a repository that is there")


class NoBody(Closed):
    """Nothing."""


class ZipParser(BaseParser):
    """The request as it is: the body is read where it is stored."""

    media_type = "application/zip"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The stream."""
        return stream


class Repository(APIView):
    """A project's repository."""

    @documented("read_repository", answer=RepositorySerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """Where it comes from, how large it is, and what became of the newest clone or fetch."""
        place = find_project(caller(request), id)
        answer = _shown(repositories.shown(place))
        if not repositories.may_change(caller(request), place):
            answer.data["token"]["hint"] = ""  # whether there is one is for all who read
        return answer

    @documented("change_repository", body=RepositoryBody, answer=RepositorySerializer)
    def patch(self, request: Request, id: UUID) -> Response:
        """Change where it is fetched from and pushed to. Needs admin."""
        place = find_project(caller(request), id)
        return _shown(repositories.change(user=caller(request), project=place, **read(RepositoryBody, request.data)))


class Clone(APIView):
    """Cloning."""

    @documented("clone_repository", body=CloneBody, answer=RunBegun, status=202, conflicts=True)
    def post(self, request: Request, id: UUID) -> Response:
        """Clone a repository into the project. Needs admin."""
        place = find_project(caller(request), id)
        run = repositories.start_clone(user=caller(request), project=place, **read(CloneBody, request.data))
        return Response({"run": str(run.pk)}, status=202)


class Fetch(APIView):
    """Fetching."""

    @documented("fetch_repository", answer=RunBegun, status=202, conflicts=True)
    def post(self, request: Request, id: UUID) -> Response:
        """Fetch the default branch, and move it forward. Needs admin."""
        run = repositories.start_fetch(user=caller(request), project=find_project(caller(request), id))
        return Response({"run": str(run.pk)}, status=202)


A_ZIP: Any = {"application/zip": OpenApiTypes.BINARY}


class Upload(APIView):
    """Uploading."""

    parser_classes = (ZipParser,)
    body_bounds = ("UPLOAD_MAX_BYTES", "UPLOAD_TIMEOUT_S")  # config.body

    @documented(
        "upload_repository",
        body=A_ZIP,
        query=UploadQuery,
        answer=RepositorySerializer,
        makes=True,
        conflicts=True,
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Make the files of a zip the project's repository. Needs admin."""
        place = find_project(caller(request), id)
        repositories.require_admin(caller(request), place)  # before the body is looked at
        query = read(UploadQuery, request.query_params)
        body: Any = request.data  # what ZipParser gives
        if not hasattr(body, "read"):
            raise Invalid("The body is empty: send a zip, as application/zip.")
        return _shown(repositories.upload(user=caller(request), project=place, body=body, **query), status=201)


def _shown(found: Shown, status: int = 200) -> Response:
    return Response(RepositorySerializer(found.row, context={"run": found.run}).data, status=status)


PLACE = "api/projects/<uuid:id>/repository/"
urls = [
    path(PLACE, Repository.as_view(), name="repository"),
    path(f"{PLACE}clone", Clone.as_view(), name="repository-clone"),
    path(f"{PLACE}fetch", Fetch.as_view(), name="repository-fetch"),
    path(f"{PLACE}upload", Upload.as_view(), name="repository-upload"),
]
