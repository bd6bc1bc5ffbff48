"""Chats with their messages and token totals, messages, and who a chat is shared with."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import admin
from django.db.models import Case, CharField, F, QuerySet, Value, When
from django.db.models.functions import Length
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.admin_lists import View
from chat.admin import filters
from chat.admin.content import Gated, content_view, opened
from chat.admin.history import History
from chat.admin.markup import TOKEN_HEADERS, link, link_to_list, long_text, pretty_json, table, text_block, tokens
from chat.figures.words import clock
from chat.figures.words import count as in_full
from chat.models import Chat, ChatAlias, ChatShare, Message, Run

SHOWN_MESSAGES = 100
SHOWN_RUNS = 50


@admin.register(Chat)
class ChatAdmin(Gated):
    chat_path = "pk"
    list_display = ("called", "user", "organization", "project", "status", "model", "total", "last_activity_at")
    list_filter = (
        "status",
        "sharing",
        filters.Origin,
        "is_listed",
        filters.Archetype,
        "last_activity_at",
        "created_at",
    )
    list_select_related = ("user", "organization", "project")
    search_fields = ("^user__email",)
    search_help_text = gettext_lazy(
        "An id (of a chat, project, organization or person), or the beginning of an e-mail address"
    )
    id_fields = ("id", "project_id", "organization_id", "user_id")
    heavy_fields = ("metadata", "summary")
    views = (
        View(gettext_lazy("Archived"), "status__exact=archived"),
        View(gettext_lazy("Shared with a project"), "sharing__exact=project"),
        View(gettext_lazy("Mine"), "user__id__exact={user}"),
    )
    fieldsets = (
        (None, {"fields": ("id", "title_shown", "user", "organization", "project", "status")}),
        (gettext_lazy("Used"), {"fields": ("token_totals",)}),
        (gettext_lazy("Said"), {"fields": ("said", "summary_shown")}),
        (gettext_lazy("Runs"), {"fields": ("runs_made",)}),
        (
            gettext_lazy("Settings"),
            {"fields": ("model", "temperature", "effort", "fallbacks", "archetype", "branch", "metadata_shown")},
        ),
        (gettext_lazy("Shared"), {"fields": ("sharing", "project_access", "shared_with", "level")}),
        (
            gettext_lazy("Kept"),
            {
                "fields": (
                    "origin",
                    "character",
                    "is_listed",
                    "expires_at",
                    "created_at",
                    "updated_at",
                    "last_activity_at",
                )
            },
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        """The admin's own, and the page that asks why content shall be shown."""
        ask = path("<uuid:chat_id>/content/", self.admin_site.admin_view(self.content), name="chat_chat_content")
        return [ask, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Chat]:
        """The chats; those whose content is shown to who asks with their titles."""
        title = Case(When(pk__in=opened(request), then=F("title")), default=Value(""), output_field=CharField())
        chats: QuerySet[Chat] = super().get_queryset(request)
        return chats.annotate(shown_title=title)

    @admin.display(description=gettext_lazy("Chat"))
    def called(self, chat: Chat) -> str:
        """Its title where its content is shown, else its id."""
        return chat.shown_title or str(chat)  # type: ignore[attr-defined]  # an annotation

    @admin.display(description=gettext_lazy("title"))
    def title_shown(self, chat: Chat) -> SafeString:
        """What a person, or a model that read along, wrote."""
        return chat.content_gate.show(lambda: format_html("{}", chat.title))  # type: ignore[attr-defined,no-any-return]

    def content(self, request: HttpRequest, chat_id: UUID) -> HttpResponse:
        """Ask for a reason, and show what was said for a while."""
        return content_view(self.admin_site, request, chat_id)

    @admin.display(description=gettext_lazy("Tokens"), ordering="output_tokens")
    def total(self, chat: Chat) -> str:
        """Input and output of all its runs."""
        return in_full(chat.total_tokens)

    @admin.display(description=gettext_lazy("Tokens"))
    def token_totals(self, chat: Chat) -> SafeString:
        """What all its runs used."""
        return table(TOKEN_HEADERS, [tokens(chat)])

    @admin.display(description=gettext_lazy("Messages"))
    def said(self, chat: Chat) -> SafeString:
        """Its newest messages, in order, each with a link to its own page."""
        is_open = chat.content_gate.is_open  # type: ignore[attr-defined]
        newest = chat.messages.select_related("author", "parent", "run").annotate(chars=Length("content"))
        newest = newest.order_by("-position").defer("parts", "attachments", "run__request", "parent__content")
        found = list((newest if is_open else newest.defer("content"))[:SHOWN_MESSAGES])
        rows = [_message_cells(each, is_open) for each in reversed(found)]
        caption = _("The newest %(count)s") % {"count": SHOWN_MESSAGES} if len(rows) == SHOWN_MESSAGES else ""
        headers = (_("No."), _("After"), _("Who"), _("Status"), _("Text"), _("Tokens"), _("Run"))
        shown = table(headers, rows, caption=caption)
        return format_html("{}<p>{}</p>", shown, link_to_list(Message, _("All messages"), chat__id__exact=chat.pk))

    @admin.display(description=gettext_lazy("Summary"))
    def summary_shown(self, chat: Chat) -> SafeString:
        """What its older messages were boiled down to."""
        return chat.content_gate.show(lambda: text_block(chat.summary))  # type: ignore[attr-defined,no-any-return]

    @admin.display(description=gettext_lazy("Metadata"))
    def metadata_shown(self, chat: Chat) -> SafeString:
        """What its client keeps with it."""
        hidden = chat.content_gate  # type: ignore[attr-defined]
        return hidden.show(lambda: text_block(pretty_json(chat.metadata)))  # type: ignore[no-any-return]

    @admin.display(description=gettext_lazy("Runs"))
    def runs_made(self, chat: Chat) -> SafeString:
        """Its newest runs."""
        rows = [
            (link(run, run.status), run.error_code or "-", run.model, run.turns, *tokens(run), clock(run.created_at))
            for run in chat.runs.order_by("-created_at").defer("request", "options")[:SHOWN_RUNS]
        ]
        shown = table((_("Run"), _("Code"), _("Model"), _("Turns"), *TOKEN_HEADERS, _("Made")), rows)
        return format_html("{}<p>{}</p>", shown, link_to_list(Run, _("All runs"), chat__id__exact=chat.pk))

    @admin.display(description=gettext_lazy("People"))
    def shared_with(self, chat: Chat) -> SafeString:
        """Who was named, and what they may do."""
        return table(
            (_("Person"), _("Access")), [(each.user, each.access) for each in chat.shares.select_related("user")]
        )


@admin.register(Message)
class MessageAdmin(Gated):
    list_display = ("__str__", "chat", "author", "role", "status", "kind", "model", "created_at")
    list_filter = ("role", "status", "kind", "created_at")
    list_select_related = ("chat", "author")
    search_fields = ("^author__email",)
    search_help_text = gettext_lazy("An id (of a message, chat or person), or the beginning of an e-mail address")
    id_fields = ("id", "chat_id", "author_id")
    spoken_by = ("role", "position", "chat")
    heavy_fields = ("content", "parts", "attachments")
    ordering = ("-created_at", "-id")
    views = (
        View(gettext_lazy("Failed"), "status__exact=failed"),
        View(gettext_lazy("Stopped"), "status__exact=cancelled"),
        View(gettext_lazy("Deleted"), "status__exact=deleted"),
    )
    fieldsets = (
        (None, {"fields": ("id", "chat", "position", "parent", "role", "author", "status", "kind")}),
        (gettext_lazy("Said"), {"fields": ("text", "parts_shown", "attachments_shown")}),
        (gettext_lazy("Answer"), {"fields": ("model", "its_run", "usage", "error")}),
        (gettext_lazy("Kept"), {"fields": ("created_at", "updated_at")}),
    )

    @admin.display(description=gettext_lazy("Text"))
    def text(self, message: Message) -> SafeString:
        """All of it, as it is."""
        return _gated(message, lambda: text_block(message.content), _chars(len(message.content)))

    @admin.display(description=gettext_lazy("Parts"))
    def parts_shown(self, message: Message) -> SafeString:
        """Text, reasoning, tool calls and results, in order."""
        return _gated(message, lambda: long_text(pretty_json(message.parts) if message.parts else ""))

    @admin.display(description=gettext_lazy("Attachments"))
    def attachments_shown(self, message: Message) -> SafeString:
        """What came with it."""
        return _gated(message, lambda: long_text(pretty_json(message.attachments) if message.attachments else ""))

    @admin.display(description=gettext_lazy("Run"))
    def its_run(self, message: Message) -> SafeString:
        """The run that wrote it."""
        return link(_run_of(message))


@admin.register(ChatAlias)
class ChatAliasAdmin(History):
    """Names that clients chose for chats."""

    is_plumbing = True
    list_display = ("external_id", "door", "user", "chat", "created_at")
    list_filter = (filters.Door,)
    list_select_related = ("user", "chat")
    search_fields = ("=external_id", "^user__email")
    id_fields = ("chat_id", "user_id")
    ordering = ("-id",)


@admin.register(ChatShare)
class ChatShareAdmin(History):
    list_display = ("user", "chat", "access", "created_at")
    list_filter = ("access", "created_at")
    list_select_related = ("user", "chat")
    search_fields = ("^user__email",)
    id_fields = ("id", "chat_id", "user_id")
    spoken_by = ("user", "access")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChatShare]:
        """Newest first."""
        return super().get_queryset(request).order_by("-created_at", "-id")


def _gated(message: Message, render: Callable[[], SafeString], hidden: str = "") -> SafeString:
    return message.content_gate.show(render, hidden)  # type: ignore[attr-defined,no-any-return]


def _chars(count: int) -> str:
    return ngettext("%(count)s character", "%(count)s characters", count) % {"count": in_full(count)}


def _message_cells(message: Message, is_open: bool) -> tuple[object, ...]:
    run = _run_of(message)
    usage = message.usage or {}
    used = f"{in_full(usage.get('input_tokens', 0))} + {in_full(usage.get('output_tokens', 0))}" if usage else ""
    length = _chars(message.chars)  # type: ignore[attr-defined]  # an annotation
    return (
        link(message, message.position),
        message.parent.position if message.parent else "",
        f"{message.role}, {message.author}" if message.author else message.role,
        message.status,
        long_text(message.content, title=_beginning(message.content)) if is_open else length,
        used,
        link(run, run.status) if run else "",
    )


def _beginning(text: str) -> str:
    words = " ".join(text[:200].split())
    return words if len(words) <= 80 else f"{words[:80]}..."


def _run_of(message: Message) -> Run | None:
    return getattr(message, "run", None)  # the row on the other side of a one-to-one may not be there
