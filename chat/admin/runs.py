"""Runs: their lists and saved views, and the page that shows one as a flight recorder does. Tool calls."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy

from accounts.admin_lists import View
from chat.admin import acting, filters
from chat.admin.content import Gated
from chat.admin.history import History
from chat.admin.markup import number, pretty_json, text_block
from chat.admin.run_page import recorded
from chat.figures.words import age, milliseconds
from chat.models import Run, ToolCall

WHY_CHARS = 120  # of a failure's reason, in a list


@admin.register(Run)
class RunAdmin(Gated):
    list_display = (
        "short_id",
        "state",
        "chat",
        "user",
        "model",
        "attempt",
        "turns",
        "total",
        "first_token",
        "took",
        "created_at",
    )
    spoken_by = ("id", "status")
    list_filter = (
        "status",
        filters.Ended,
        filters.Code,
        filters.Model,
        filters.Archetype,
        filters.Retried,
        filters.FirstToken,
        filters.Door,
        filters.Kind,
        "created_at",
    )
    list_select_related = ("chat", "user")
    search_fields = ("^user__email",)
    search_help_text = gettext_lazy(
        "An id (of a run, chat, message, project or person), or the beginning of an e-mail address"
    )
    id_fields = ("id", "chat_id", "user_id", "message_id", "input_id", "chat__project_id")
    heavy_fields = ("request", "options", "chat__summary", "chat__metadata")
    change_form_template = "admin/chat/run/change_form.html"
    views = (
        View(gettext_lazy("Running"), "status__exact=running"),
        View(gettext_lazy("Waiting"), "status__exact=waiting"),
        View(gettext_lazy("Queued"), "status__exact=queued"),
        View(gettext_lazy("Failed today"), "status__exact=failed&ended=today"),
        View(gettext_lazy("Retried"), "retried=model"),
        View(gettext_lazy("Poison"), "error_code=poison"),
        View(gettext_lazy("Slow"), f"first_token={filters.SLOW_MS}"),
        View(gettext_lazy("Mine"), "user__id__exact={user}"),
    )
    actions = ("stop", "redrive", "release")
    fieldsets = (
        (
            gettext_lazy("Asked"),
            {
                "fields": (
                    "id",
                    "input",
                    "message",
                    "model",
                    "temperature",
                    "archetype",
                    "read_from",
                    "kind",
                    "command",
                    "door",
                    "request_shown",
                    "options_shown",
                )
            },
        ),
        (gettext_lazy("Lease"), {"fields": ("owner", "lease_expires_at", "attempt", "crashes", "waits_until")}),
        (gettext_lazy("Stop"), {"fields": ("cancel_requested_at", "cancel_requested_by")}),
    )

    def get_urls(self) -> list[URLPattern]:
        """The admin's own, and the pages that ask before something is done."""
        act = path("act/<str:verb>/", self.admin_site.admin_view(self.act), name="chat_run_act")
        return [act, *super().get_urls()]

    def act(self, request: HttpRequest, verb: str) -> HttpResponse:
        """Say what will happen to the runs that the address names; do it when it is confirmed."""
        return acting.act(self, request, verb)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether this person may intervene."""
        return request.user.has_perm(acting.PERMISSION)

    @admin.action(description=gettext_lazy("Stop …"), permissions=["operate"])
    def stop(self, request: HttpRequest, chosen: QuerySet[Run]) -> HttpResponse | None:
        """Ask first."""
        return acting.ask(self, request, "stop", chosen)

    @admin.action(description=gettext_lazy("Re-drive …"), permissions=["operate"])
    def redrive(self, request: HttpRequest, chosen: QuerySet[Run]) -> HttpResponse | None:
        """Ask first."""
        return acting.ask(self, request, "redrive", chosen)

    @admin.action(description=gettext_lazy("Release lease …"), permissions=["operate"])
    def release(self, request: HttpRequest, chosen: QuerySet[Run]) -> HttpResponse | None:
        """Ask first."""
        return acting.ask(self, request, "release", chosen)

    @admin.display(description=gettext_lazy("Run"))
    def short_id(self, run: Run) -> SafeString:
        """How its id begins; all of it is on its page."""
        return format_html('<code title="{}">{}</code>', run.pk, str(run.pk)[:8])

    @admin.display(description=gettext_lazy("Status"), ordering="status")
    def state(self, run: Run) -> SafeString:
        """Its status; of a failed one the code and the reason too."""
        shown = format_html('<span class="state state-{}">{}</span>', run.status, run.get_status_display())
        if not run.error_code:
            return shown
        why = Truncator(run.error_message).chars(WHY_CHARS)
        return format_html('{} <code>{}</code><span class="why">{}</span>', shown, run.error_code, why)

    @admin.display(description=gettext_lazy("Tokens"), ordering="output_tokens")
    def total(self, run: Run) -> SafeString:
        """Input and output of all its turns."""
        return number(run.total_tokens)

    @admin.display(description=gettext_lazy("First token"), ordering="first_token_ms")
    def first_token(self, run: Run) -> str:
        """How long it took from its start."""
        return milliseconds(run.first_token_ms)

    @admin.display(description=gettext_lazy("Took"))
    def took(self, run: Run) -> str:
        """From its start to its end, or until now."""
        return age(run.started_at, run.ended_at or timezone.now())

    @admin.display(description=gettext_lazy("Request"))
    def request_shown(self, run: Run) -> SafeString:
        """What its front door was asked."""
        return run.content_gate.show(lambda: text_block(pretty_json(run.request)))  # type: ignore[attr-defined,no-any-return]

    @admin.display(description=gettext_lazy("Options"))
    def options_shown(self, run: Run) -> SafeString:
        """What the model was asked beyond what the chat has chosen."""
        return run.content_gate.show(lambda: text_block(pretty_json(run.options)))  # type: ignore[attr-defined,no-any-return]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page, with the run's head and timeline."""
        response = super().changeform_view(request, object_id, form_url, extra_context)
        shown = getattr(response, "context_data", None) or {}
        if isinstance(run := shown.get("original"), Run):
            shown.update(recorded(run, request), verbs=acting.verbs(self, request, run))
        return response


@admin.register(ToolCall)
class ToolCallAdmin(History):
    list_display = ("name", "status", "run", "agent", "took", "called_at")
    list_filter = ("status", filters.Tool, "called_at")
    list_select_related = ("run",)
    search_fields = ("=call", "^name", "^run__user__email")
    search_help_text = gettext_lazy(
        "An id (of a run, its chat or a call), or the beginning of a tool's name or an e-mail address"
    )
    id_fields = ("run_id", "run__chat_id", "run__user_id")
    spoken_by = ("name", "status")
    heavy_fields = ("arguments", "result", "run__request", "run__options", "run__error_message")
    ordering = ("-id",)
    fields = ("run", "call", "agent", "name", "status", "given", "came_back", "took", "called_at", "ended_at")
    views = (
        View(gettext_lazy("Failed"), "status__exact=failed"),
        View(gettext_lazy("Outcome unknown"), "status__exact=unknown"),
        View(gettext_lazy("Refused"), "status__exact=refused"),
        View(gettext_lazy("In flight"), "status__exact=called"),
    )

    @admin.display(description=gettext_lazy("Took"), ordering="elapsed_ms")
    def took(self, call: ToolCall) -> str:
        """From its start to its result."""
        return milliseconds(call.elapsed_ms)

    @admin.display(description=gettext_lazy("Arguments"))
    def given(self, call: ToolCall) -> SafeString:
        """As the model wrote them."""
        return text_block(pretty_json(call.arguments))

    @admin.display(description=gettext_lazy("Result"))
    def came_back(self, call: ToolCall) -> SafeString:
        """What the model was told."""
        return text_block(pretty_result(call))


def pretty_result(call: ToolCall) -> str:
    """The stored result as a person reads it; an error is text already."""
    try:
        return pretty_json(json.loads(call.result)) if call.result else ""
    except ValueError:
        return call.result
