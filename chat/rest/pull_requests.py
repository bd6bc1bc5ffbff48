"""REST for pull requests: their JSON, reading and closing. Opening and merging ask other servers: chat.pulls.views."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import NotFound
from accounts.http.fields import PageQuery
from accounts.http.rest import caller, documented, page, read, shown
from accounts.models import Project, User
from chat.models import PullRequest, PullState
from chat.rest.serializers import Key
from chat.services import pull_requests
from tools.git.diffs import FileDiff
from tools.git.review import Review

FIELDS: tuple[str, ...] = (
    *("id", "project", "chat", "forge", "number", "url", "title", "body", "draft", "branch", "base", "head"),
    *("state", "merged_as", "author", "closed_by", "created_at", "updated_at", "closed_at"),
)
MORE = ("mergeable", "conflicts", "files")


class PullRequestSerializer(serializers.ModelSerializer[PullRequest]):
    """A chat's branch, put forward for merging. `url` is its page: the forge's, else ours."""

    url = serializers.SerializerMethodField()
    draft = serializers.BooleanField(source="is_draft", read_only=True)

    serializer_related_field = Key

    class Meta:
        model = PullRequest
        fields = FIELDS
        read_only_fields = fields

    def get_url(self, pull: PullRequest) -> str:
        """Where people open it."""
        return pull_requests.page_of(pull)


class PullFileSerializer(serializers.Serializer[Any]):
    """A file that it changes; `status` is one letter of git."""

    path = serializers.CharField()
    oldPath = serializers.SerializerMethodField(help_text="Where it was before; null unless it was moved.")
    status = serializers.CharField()
    additions = serializers.IntegerField()
    deletions = serializers.IntegerField()

    def get_oldPath(self, file: FileDiff) -> str | None:
        """As in a chat's diff."""
        return file.old_path if file.old_path != file.path else None


class PullRequestDetailSerializer(PullRequestSerializer):
    """A pull request with what it brings. `mergeable` is null where its commits are gone, or too large."""

    mergeable = serializers.SerializerMethodField()
    conflicts = serializers.SerializerMethodField()
    files = serializers.SerializerMethodField()

    class Meta(PullRequestSerializer.Meta):
        fields = (*FIELDS, *MORE)
        read_only_fields = fields

    def get_mergeable(self, pull: PullRequest) -> bool | None:
        """Whether nothing stands in its way here."""
        seen = self._review(pull)
        return None if seen is None or seen.is_too_large else not seen.conflicts

    def get_conflicts(self, pull: PullRequest) -> list[str]:
        """Paths that both sides changed."""
        seen = self._review(pull)
        return list(seen.conflicts) if seen else []

    def get_files(self, pull: PullRequest) -> list[dict[str, Any]]:
        """What it changes."""
        seen = self._review(pull)
        return [dict(PullFileSerializer(each).data) for each in seen.files] if seen else []

    def _review(self, pull: PullRequest) -> Review | None:
        """Read once."""
        if not hasattr(self, "_seen"):
            self._seen = self.context["review"] if "review" in self.context else pull_requests.review_of(pull)
        found: Review | None = self._seen
        return found


class PullQuery(PageQuery):
    """Which pull requests."""

    project = serializers.UUIDField(required=False)
    chat = serializers.UUIDField(required=False, help_text="That this chat put forward.")
    state = serializers.ChoiceField(PullState.choices, required=False)


class Pulls(APIView):
    """The pull requests of the projects one sees."""

    @documented("list_pull_requests", query=PullQuery, page_of=PullRequestSerializer)
    def get(self, request: Request) -> Response:
        """List pull requests, newest first."""
        query = read(PullQuery, request.query_params)
        return page(request, _pulls(caller(request), query), PullRequestSerializer, ordering="-created_at")


class OnePull(APIView):
    """One pull request."""

    @documented("read_pull_request", answer=PullRequestDetailSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """Read a pull request, with what it changes. One at a forge is as it was when it was last opened from here."""
        return shown(request, PullRequestDetailSerializer, pull_requests.get_pull_request(caller(request), id))


class PullClosing(APIView):
    """Closing one."""

    @documented("close_pull_request", answer=PullRequestSerializer, conflicts=True)
    def post(self, request: Request, id: UUID) -> Response:
        """Close a pull request without merging it; the chat's branch stays. Needs deploy. 409 for one at a forge."""
        user = caller(request)
        pull = pull_requests.get_pull_request(user, id)
        return shown(request, PullRequestSerializer, pull_requests.close_pull_request(user=user, pull=pull))


def detail_json(pull: PullRequest, seen: Review | None) -> dict[str, Any]:
    """The JSON of one with its review, for views of other kinds."""
    return dict(PullRequestDetailSerializer(pull, context={"review": seen}).data)


def _pulls(user: User, query: dict[str, Any]) -> QuerySet[PullRequest]:
    """Those that the query asks for. Raises NotFound for a project that one does not see."""
    found = PullRequest.objects.visible_to(user)
    if "project" in query:
        if not Project.objects.visible_to(user).filter(pk=query["project"]).exists():
            raise NotFound
        found = found.filter(project=query["project"])
    if "chat" in query:
        found = found.filter(chat=query["chat"])
    if "state" in query:
        found = found.filter(state=query["state"])
    return found
