"""REST for exports that are written as jobs. Their files: chat.exports.views."""

from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext_noop
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http.fields import PageQuery
from accounts.http.rest import caller, created, documented, page, read, shown
from chat.exports import jobs
from chat.exports.kinds import KINDS
from chat.exports.models import Export, ExportStatus
from chat.exports.of_audit import OfAudit
from chat.exports.of_chats import OfChat
from chat.exports.of_feedback import OfFeedback
from chat.exports.of_usage import OfUsage

ALL_FORMATS = sorted({format for kind in KINDS.values() for format in kind.formats})
# Why one has failed; for codes that are not here, the last.
WHY = {
    "run_open": gettext_noop("An answer was still being written. Wait for it, or stop it, then export again."),
    "export_too_large": gettext_noop("The file would be larger than it may. Ask for less of it."),
    "pdf_too_large": gettext_noop("Setting it as PDF needs more than it may. Take Markdown or JSON."),
    "holds_confidential": gettext_noop("This chat holds something confidential: it cannot be had as a file."),
    "not_allowed": gettext_noop("Your role does not include this any more."),
    "plan_feature": gettext_noop("Your organization's plan does not include this."),
    "not_found": gettext_noop("What was to be exported is not there any more, or not for you."),
    "failed": gettext_noop("It could not be written. Try again; if that fails too, tell whoever runs this server."),
}


def why(code: str) -> str:
    """The sentence for an export that has failed, in English."""
    return WHY.get(code, WHY["failed"])


class Chosen(serializers.Serializer[Any]):
    """The two that each export has; all else as it came, as `asked`: its kind reads that, and refuses what is odd."""

    what = serializers.ChoiceField(list(KINDS))
    format = serializers.ChoiceField(
        ALL_FORMATS,
        help_text="me: zip; chat: json, markdown, pdf, text; feedback: langsmith, openai-evals, preference; "
        "else: csv, jsonl",
    )

    def to_internal_value(self, data: Any) -> Any:
        """With `asked`."""
        values = super().to_internal_value(data)
        return {**values, "asked": {name: value for name, value in data.items() if name not in values}}


class NewExport(OfChat, OfUsage, OfAudit, OfFeedback, Chosen):  # type: ignore[misc]  # `to`, of two kinds: below
    """What is to be exported, as what; and what belongs to that, as its own address takes it."""

    def get_fields(self) -> dict[str, Any]:
        """None but the two are of every kind."""
        times = {name: serializers.CharField(help_text="usage: a day; audit: a time") for name in ("from", "to")}
        fields = super().get_fields() | times
        for name in set(fields) - {"what", "format"}:
            fields[name].required = False
        return fields


class ExportErrorSerializer(serializers.Serializer[Any]):
    """Why it has failed."""

    code = serializers.CharField()
    message = serializers.CharField()


class ExportSerializer(serializers.ModelSerializer[Export]):
    """An export: how far it is, and where its file is fetched."""

    error = serializers.SerializerMethodField()
    file = serializers.SerializerMethodField()

    class Meta:
        model = Export
        fields = (
            *("id", "what", "format", "organization", "chat", "status", "done", "total", "bytes", "error", "file"),
            *("created_at", "ended_at", "expires_at"),
        )
        read_only_fields = fields
        extra_kwargs = {
            "done": {"help_text": "How many of `total` messages, entries, rows or files are written."},
            "total": {"help_text": "Null: nobody knows yet."},
            "expires_at": {"help_text": "The export and its file are kept until then."},
        }

    @extend_schema_field(ExportErrorSerializer(allow_null=True))
    def get_error(self, row: Export) -> dict[str, str] | None:
        """Null for one that has not failed."""
        return {"code": row.error, "message": why(row.error)} if row.status == ExportStatus.FAILED else None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_file(self, row: Export) -> str | None:
        """The address of the file, once it is there."""
        return reverse("export-file", args=[row.pk]) if row.status == ExportStatus.DONE else None


class Exports(APIView):
    """Exports of one's own."""

    @documented("list_exports", query=PageQuery, page_of=ExportSerializer)
    def get(self, request: Request) -> Response:
        """List those that are under way or kept, the newest first."""
        read(PageQuery, request.query_params)
        return page(request, jobs.kept(caller(request)), ExportSerializer, ordering="-created_at")

    @documented("create_export", body=NewExport, answer=ExportSerializer, status=202, conflicts=True)
    def post(self, request: Request) -> Response:
        """Begin one; its own address, as Location says, tells how far it is.

        429 while another of one's own is under way; 409 `too_many_kept_exports` where as many are kept as may.
        """
        user = caller(request)
        answer = created(
            request,
            Chosen,
            ExportSerializer,
            make=lambda body: jobs.begin(user=user, **body),
            find=lambda id: jobs.find(user, id),
        )
        answer.status_code = 202
        answer["Location"] = reverse("export-one", args=[answer.data["id"]])
        return answer


class OneExport(APIView):
    """One export."""

    @documented("read_export", answer=ExportSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """Read how far it is."""
        return shown(request, ExportSerializer, jobs.find(caller(request), id))

    @documented("delete_export", status=204)
    def delete(self, request: Request, id: UUID) -> Response:
        """Remove it with its file; one that is being written is stopped."""
        jobs.remove(caller(request), id)
        return Response(status=204)
