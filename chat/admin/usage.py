"""Tokens, turn by turn, and the sums of what the list shows."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from chat.admin.history import History
from chat.admin.markup import TOKEN_HEADERS, table
from chat.models import UsageDay, UsageRecord

COUNTS = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")


@admin.register(UsageRecord)
class UsageRecordAdmin(History):
    list_display = ("created_at", "user", "project", "model", "turn", *COUNTS, "total", "status")
    list_filter = ("created_at", "model", "status")
    list_select_related = ("user", "organization", "project")
    search_fields = ("^user__email", "^project__name", "^organization__name")
    search_help_text = "An id (of a run, chat, user, project or organization), or the beginning of a name or e-mail"
    id_fields = ("run_id", "run__chat_id", "user_id", "project_id", "organization_id")
    ordering = ("-id",)
    change_list_template = "admin/chat/usagerecord/change_list.html"

    @admin.display(description="Total")
    def total(self, record: UsageRecord) -> str:
        """Input and output together."""
        return f"{record.input_tokens + record.output_tokens:,}"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with the sums by model of all that the filters leave above it."""
        response = super().changelist_view(request, extra_context)
        shown = getattr(response, "context_data", None) or {}
        if "cl" in shown:
            shown["sums"] = sums_by_model(shown["cl"].queryset)
        return response


def sums_by_model(records: QuerySet[UsageRecord]) -> SafeString:
    """Tokens of these records, a row a model and one for all."""
    sums = {name: Sum(name) for name in COUNTS}
    rows: list[dict[str, Any]] = [dict(row) for row in records.order_by().values("model").annotate(**sums)]
    rows.sort(key=lambda row: -(row["input_tokens"] + row["output_tokens"]))
    if len(rows) > 1:
        rows.append({"model": "All"} | {name: sum(row[name] for row in rows) for name in COUNTS})
    return table(("Model", *TOKEN_HEADERS), [(row["model"], *_cells(row)) for row in rows])


def _cells(row: dict[str, Any]) -> list[str]:
    total = row["input_tokens"] + row["output_tokens"]
    return [f"{count:,}" for count in (*(row[name] for name in COUNTS), total)]


@admin.register(UsageDay)
class UsageDayAdmin(History):
    list_display = ("day", "organization", "project", "user", "model", "runs", "failed", *COUNTS)
    list_select_related = ("user", "organization", "project")
    search_fields = ("^user__email",)
