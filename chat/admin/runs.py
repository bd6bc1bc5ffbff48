"""Runs with their events, tool calls and usage; tool calls."""

import json
from itertools import groupby

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from chat.admin.history import History
from chat.admin.markup import EMPTY, TOKEN_HEADERS, link, long_text, pretty_json, table, tokens
from chat.admin.timeline import Row, rows_of
from chat.eventlog import stored
from chat.eventlog.rows import clean
from chat.models import Run, ToolCall, UsageRecord

SHOWN_ROWS = 1_000


@admin.register(Run)
class RunAdmin(History):
    list_display = ("id", "status", "chat", "user", "model", "archetype", "turns", "total", "first_token", "created_at")
    list_filter = ("status", "error_code", "kind", "archetype", "model", "door", "created_at")
    list_select_related = ("chat", "user")
    search_fields = ("^chat__title", "^user__email")
    search_help_text = "An id (of a run, chat or user), or the beginning of a chat's title or an e-mail address"
    id_fields = ("id", "chat_id", "user_id", "message_id", "input_id")
    heavy_fields = ("request",)
    fieldsets = (
        (None, {"fields": ("id", "status", "end_reason", "error_code", "error_message", "chat", "user")}),
        ("Used", {"fields": ("token_totals", "usage_by_turn")}),
        ("Events", {"fields": ("timeline",)}),
        ("Tool calls", {"fields": ("calls",)}),
        ("Asked", {"fields": ("input", "message", "model", "temperature", "archetype", "kind", "door", "request")}),
        ("Times", {"fields": ("created_at", "started_at", "first_token", "ended_at", "turns")}),
        ("Lease", {"fields": ("owner", "lease_expires_at", "attempt", "crashes")}),
        ("Stop", {"fields": ("cancel_requested_at", "cancel_requested_by")}),
    )

    @admin.display(description="Tokens", ordering="output_tokens")
    def total(self, run: Run) -> str:
        """Input and output of all its turns."""
        return f"{run.total_tokens:,}"

    @admin.display(description="First token", ordering="first_token_ms")
    def first_token(self, run: Run) -> str:
        """How long it took from its start."""
        return EMPTY if run.first_token_ms is None else f"{run.first_token_ms:,} ms"

    @admin.display(description="Tokens")
    def token_totals(self, run: Run) -> SafeString:
        """What all its turns used, and how sure that is."""
        return table((*TOKEN_HEADERS, "Counted"), [(*tokens(run), run.usage_status)])

    @admin.display(description="By turn")
    def usage_by_turn(self, run: Run) -> SafeString:
        """One row a turn and attempt: one that was taken back was paid for too."""
        rows = [(each.agent, each.turn, each.attempt, each.model, *tokens(each), each.status) for each in _usage(run)]
        return table(("Agent", "Turn", "Attempt", "Model", *TOKEN_HEADERS, "Counted"), rows)

    @admin.display(description="Events")
    def timeline(self, run: Run) -> SafeString:
        """Its log, one table an attempt."""
        log = stored(run.pk)
        rows = rows_of(log, clean(log, after=0))
        start = rows[0].at if rows else 0.0
        parts = [(_attempt(number, list(group), start),) for number, group in groupby(rows[:SHOWN_ROWS], _attempt_of)]
        more = f"And {len(rows) - SHOWN_ROWS:,} more rows." if len(rows) > SHOWN_ROWS else ""
        return (
            format_html("{}<p>{}</p>", format_html_join("", "{}", parts), more) if parts else format_html("{}", EMPTY)
        )

    @admin.display(description="Tool calls")
    def calls(self, run: Run) -> SafeString:
        """Each call with what it was given and what came back."""
        rows = [
            (
                link(each, each.name),
                each.agent,
                each.status,
                _milliseconds(each),
                long_text(pretty_json(each.arguments)),
                long_text(pretty_result(each)),
            )
            for each in run.tool_calls.all()
        ]
        return table(("Tool", "Agent", "Status", "Took", "Arguments", "Result"), rows)


@admin.register(ToolCall)
class ToolCallAdmin(History):
    list_display = ("name", "status", "run", "agent", "took", "called_at")
    list_filter = ("status", "name", "called_at")
    list_select_related = ("run",)
    search_fields = ("=call", "^name", "^run__user__email")
    search_help_text = "An id (of a run, its chat or a call), or the beginning of a tool's name or an e-mail address"
    id_fields = ("run_id", "run__chat_id")
    heavy_fields = ("arguments", "result")
    ordering = ("-id",)
    fields = ("run", "call", "agent", "name", "status", "given", "came_back", "took", "called_at", "ended_at")

    @admin.display(description="Took", ordering="elapsed_ms")
    def took(self, call: ToolCall) -> str:
        """From its start to its result."""
        return _milliseconds(call)

    @admin.display(description="Arguments")
    def given(self, call: ToolCall) -> SafeString:
        """As the model wrote them."""
        return format_html("<pre>{}</pre>", pretty_json(call.arguments))

    @admin.display(description="Result")
    def came_back(self, call: ToolCall) -> SafeString:
        """What the model was told."""
        return format_html("<pre>{}</pre>", pretty_result(call))


def pretty_result(call: ToolCall) -> str:
    """The stored result as a person reads it; an error is text already."""
    try:
        return pretty_json(json.loads(call.result)) if call.result else ""
    except ValueError:
        return call.result


def _usage(run: Run) -> QuerySet[UsageRecord]:
    return run.usage_records.all()


def _attempt_of(row: Row) -> int:
    return row.attempt


def _attempt(number: int, rows: list[Row], start: float) -> SafeString:
    cells = [(f"+{row.at - start:.3f} s", row.seq, row.agent, _what(row), row.brief, _long(row)) for row in rows]
    headers = ("At", "Seq", "Agent", "What", "Detail", "Text")
    return table(headers, cells, caption=f"Attempt {number}" if number else "Before its first attempt")


def _what(row: Row) -> SafeString:
    return format_html("<del>{}</del> taken back", row.what) if row.is_taken_back else format_html("{}", row.what)


def _long(row: Row) -> object:
    return long_text(row.long) if row.long else ""


def _milliseconds(call: ToolCall) -> str:
    return EMPTY if call.elapsed_ms is None else f"{call.elapsed_ms:,} ms"
