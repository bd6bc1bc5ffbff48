"""REST for what a chat changed in its project's files, and for the files that its branch holds."""

from uuid import UUID

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from accounts.http.fields import Closed, Text
from accounts.http.rest import caller, documented, read
from chat.access import get_chat
from chat.services.changes import diff_json, diff_of, entries_of, entry_json, place_of, snapshot_of
from tools.git.diffs import CONTEXT_LINES, CONTEXT_LINES_MAX

PATCH = "text/x-diff"


class ChangedFile(serializers.Serializer[object]):
    """How one file differs. `status` is git's letter: A added, D deleted, M changed, R moved, T of another kind."""

    path = serializers.CharField()
    oldPath = serializers.CharField(allow_null=True, help_text="Where it was before; null unless it was moved.")
    status = serializers.CharField()
    additions = serializers.IntegerField(help_text="Lines; 0 where the file is too large to be compared.")
    deletions = serializers.IntegerField()
    patch = serializers.CharField(help_text="Unified diff of this file.")
    binary = serializers.BooleanField()
    truncated = serializers.BooleanField(help_text="The patch is cut, or left out because it is too large.")


class ChatDiffSerializer(serializers.Serializer[object]):
    """What a chat's branch changed since it left the default branch."""

    branch = serializers.CharField()
    base = serializers.CharField(help_text="The default branch.")
    baseCommit = serializers.CharField(help_text="With which it is compared.")
    commit = serializers.CharField(help_text="The newest of the branch.")
    fileCount = serializers.IntegerField(help_text="Of all files that differ, listed or not.")
    files = ChangedFile(many=True)
    diff = serializers.CharField(help_text="Unified diff of all files.")
    truncated = serializers.BooleanField(help_text="Files or lines are missing.")


class BranchEntrySerializer(serializers.Serializer[object]):
    """A file, a folder, or a symbolic link, which is not followed."""

    path = serializers.CharField()
    kind = serializers.ChoiceField(["file", "folder", "link"])
    bytes = serializers.IntegerField()


class DiffQuery(Closed):
    """How much of a diff."""

    path = Text(required=False, allow_blank=True, default="", max_length=1000, help_text="Only this file or folder.")
    context = serializers.IntegerField(  # type: ignore[assignment]
        required=False,
        default=CONTEXT_LINES,
        min_value=0,
        max_value=CONTEXT_LINES_MAX,
        help_text="Unchanged lines around each change.",
    )
    patch = serializers.BooleanField(required=False, default=False, help_text="As with `Accept: text/x-diff`.")


class FilesQuery(Closed):
    """Which files."""

    path = Text(required=False, allow_blank=True, default="", max_length=1000, help_text="A folder; else the project.")
    recursive = serializers.BooleanField(required=False, default=True, help_text="false: not what lies in folders.")
    after = Text(required=False, allow_blank=True, default="", max_length=1100, help_text="from `next` of a page")


class ChatDiff(APIView):
    """What the chat changed."""

    @documented("read_chat_diff", query=DiffQuery, answer=ChatDiffSerializer, conflicts=True)
    def get(self, request: Request, id: UUID) -> Response | HttpResponse:
        """Read what a chat's branch changed: files, counts and patches. With `Accept: text/x-diff`, the patch alone."""
        chat = get_chat(caller(request), id)
        query = read(DiffQuery, request.query_params)
        diff = diff_of(chat, query["path"], query["context"])
        if not query["patch"] and PATCH not in request.headers.get("Accept", ""):
            return Response(diff_json(diff))
        name = f"{diff.branch.replace('/', '-')}.patch"
        return HttpResponse(
            diff.patch,
            content_type=f"{PATCH}; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept"},
        )


class ChatFiles(APIView):
    """The files of the chat's branch."""

    @documented("list_chat_files", query=FilesQuery, page_of=BranchEntrySerializer, conflicts=True)
    def get(self, request: Request, id: UUID) -> Response:
        """List the files of a chat's branch, in the order of git."""
        chat = get_chat(caller(request), id)
        query = read(FilesQuery, request.query_params)
        found, has_more = entries_of(
            snapshot_of(chat), query["path"], recursive=query["recursive"], after=query["after"]
        )
        here = request.build_absolute_uri()
        last = place_of(found[-1]).decode(errors="replace") if has_more else ""
        return Response(
            {
                "next": replace_query_param(here, "after", last) if has_more else None,
                "previous": None,
                "results": [entry_json(each) for each in found],
            }
        )
