"""Chats with their messages and token totals, messages, and who a chat is shared with."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from chat.admin.history import History
from chat.admin.markup import TOKEN_HEADERS, link, link_to_list, long_text, pretty_json, table, text_block, tokens
from chat.models import Chat, ChatAlias, ChatShare, Message, Run

SHOWN_MESSAGES = 100
SHOWN_RUNS = 50


@admin.register(Chat)
class ChatAdmin(History):
    list_display = ("__str__", "user", "organization", "project", "status", "model", "total", "last_activity_at")
    list_filter = ("status", "sharing", "origin", "is_listed", "archetype", "last_activity_at", "created_at")
    list_select_related = ("user", "organization", "project")
    search_fields = ("^title", "^user__email")
    search_help_text = "An id (of a chat, project or user), or the beginning of a title or e-mail address"
    id_fields = ("id", "project_id", "user_id")
    heavy_fields = ("metadata", "summary")
    fieldsets = (
        (None, {"fields": ("id", "title", "user", "organization", "project", "status", "summary")}),
        ("Used", {"fields": ("token_totals",)}),
        ("Said", {"fields": ("said",)}),
        ("Runs", {"fields": ("runs_made",)}),
        ("Settings", {"fields": ("model", "temperature", "archetype", "branch", "metadata")}),
        ("Shared", {"fields": ("sharing", "project_access", "shared_with")}),
        (
            "Kept",
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

    @admin.display(description="Tokens", ordering="output_tokens")
    def total(self, chat: Chat) -> str:
        """Input and output of all its runs."""
        return f"{chat.total_tokens:,}"

    @admin.display(description="Tokens")
    def token_totals(self, chat: Chat) -> SafeString:
        """What all its runs used."""
        return table(TOKEN_HEADERS, [tokens(chat)])

    @admin.display(description="Messages")
    def said(self, chat: Chat) -> SafeString:
        """Its newest messages, in order, each with a link to its own page."""
        newest = chat.messages.select_related("author", "parent", "run").order_by("-position")[:SHOWN_MESSAGES]
        rows = [_message_cells(each) for each in reversed(newest)]
        caption = f"The newest {SHOWN_MESSAGES}" if len(rows) == SHOWN_MESSAGES else ""
        shown = table(("No.", "After", "Who", "Status", "Text", "Tokens", "Run"), rows, caption=caption)
        return format_html("{}<p>{}</p>", shown, link_to_list(Message, "All messages", chat__id__exact=chat.pk))

    @admin.display(description="Runs")
    def runs_made(self, chat: Chat) -> SafeString:
        """Its newest runs."""
        rows = [
            (link(run, run.status), run.model, run.turns, *tokens(run), _when(run))
            for run in chat.runs.order_by("-created_at").defer("request")[:SHOWN_RUNS]
        ]
        shown = table(("Run", "Model", "Turns", *TOKEN_HEADERS, "Made"), rows)
        return format_html("{}<p>{}</p>", shown, link_to_list(Run, "All runs", chat__id__exact=chat.pk))

    @admin.display(description="People")
    def shared_with(self, chat: Chat) -> SafeString:
        """Who was named, and what they may do."""
        return table(("Person", "Access"), [(each.user, each.access) for each in chat.shares.select_related("user")])


@admin.register(Message)
class MessageAdmin(History):
    list_display = ("__str__", "chat", "author", "role", "status", "kind", "model", "created_at")
    list_filter = ("role", "status", "kind", "created_at")
    list_select_related = ("chat", "author")
    search_fields = ("^chat__title", "^author__email")
    search_help_text = "An id (of a message or chat), or the beginning of a chat's title or an e-mail address"
    id_fields = ("id", "chat_id")
    heavy_fields = ("content", "parts", "attachments")
    fieldsets = (
        (None, {"fields": ("id", "chat", "position", "parent", "role", "author", "status", "kind")}),
        ("Said", {"fields": ("text", "parts_shown", "attachments_shown")}),
        ("Answer", {"fields": ("model", "its_run", "usage", "error")}),
        ("Kept", {"fields": ("created_at", "updated_at")}),
    )

    @admin.display(description="Text")
    def text(self, message: Message) -> SafeString:
        """All of it, as it is."""
        return text_block(message.content)

    @admin.display(description="Parts")
    def parts_shown(self, message: Message) -> SafeString:
        """Text, reasoning, tool calls and results, in order."""
        return long_text(pretty_json(message.parts) if message.parts else "")

    @admin.display(description="Attachments")
    def attachments_shown(self, message: Message) -> SafeString:
        """What came with it."""
        return long_text(pretty_json(message.attachments) if message.attachments else "")

    @admin.display(description="Run")
    def its_run(self, message: Message) -> SafeString:
        """The run that wrote it."""
        return link(_run_of(message))


@admin.register(ChatAlias)
class ChatAliasAdmin(History):
    """Names that clients chose for chats."""

    list_display = ("external_id", "door", "user", "chat", "created_at")
    list_filter = ("door",)
    list_select_related = ("user", "chat")
    search_fields = ("=external_id", "^user__email")


@admin.register(ChatShare)
class ChatShareAdmin(History):
    list_display = ("user", "chat", "access", "created_at")
    list_filter = ("access", "created_at")
    list_select_related = ("user", "chat")
    search_fields = ("^user__email", "^chat__title")
    id_fields = ("id", "chat_id", "user_id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChatShare]:
        """Newest first."""
        return super().get_queryset(request).order_by("-created_at", "-id")


def _message_cells(message: Message) -> tuple[object, ...]:
    run = _run_of(message)
    usage = message.usage or {}
    used = f"{usage.get('input_tokens', 0):,} + {usage.get('output_tokens', 0):,}" if usage else ""
    return (
        link(message, message.position),
        message.parent.position if message.parent else "",
        f"{message.role}, {message.author}" if message.author else message.role,
        message.status,
        long_text(message.content, title=_beginning(message.content)),
        used,
        link(run, run.status) if run else "",
    )


def _beginning(text: str) -> str:
    words = " ".join(text[:200].split())
    return words if len(words) <= 80 else f"{words[:80]}..."


def _run_of(message: Message) -> Run | None:
    return getattr(message, "run", None)  # the row on the other side of a one-to-one may not be there


def _when(run: Run) -> str:
    return f"{localtime(run.created_at):%Y-%m-%d %H:%M:%S}"
