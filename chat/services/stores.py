"""Every store of what people say and are, as code: docs/deletion.md says of each how it goes, and when.

Each field of ours that takes a text stands in a store or in NO_WORDS; tests/chat/test_stores.py fails for one that
stands in neither. Stores without fields are no tables.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import Q, QuerySet

from accounts.models import ApiKey, ExternalIdentity, IdempotencyKey, Membership, ProjectMember, SignIn, User
from chat.feedback.models import Annotation, Reaction
from chat.models import (
    Attachment,
    AttachmentUse,
    Chat,
    ChatAlias,
    ChatSession,
    ChatShare,
    Compaction,
    Feedback,
    Message,
    MessageStatus,
    PullRequest,
    PullState,
    Run,
    RunEvent,
    Schedule,
    ToolCall,
    ToolGrant,
)
from chat.sent import keeping
from tools.models import McpSignIn, Memory, Preferences

Fields = Mapping[str, tuple[str, ...]]  # by table, `app.Model`


@dataclass(frozen=True)
class Store:
    """One line of docs/deletion.md."""

    name: str  # as the line begins
    fields: Fields = field(default_factory=dict)
    of: Callable[[UUID], QuerySet[Any]] | None = None  # what goes of it with a person


def found(person: UUID) -> dict[str, int]:
    """How much goes with a person, by store; stores of which nothing does are left out."""
    counts = {store.name: store.of(person).count() for store in STORES if store.of}
    return {name: count for name, count in counts.items() if count}


def named() -> Iterator[tuple[str, str]]:
    """Each field that a store or NO_WORDS names, with its table."""
    for fields in (*(store.fields for store in STORES), NO_WORDS):
        for table, names in fields.items():
            yield from ((table, name) for name in names)


def _said(person: UUID) -> QuerySet[Message]:
    theirs = Message.objects.filter(Q(chat__user=person) | Q(author=person) | Q(run__user=person))
    return theirs.exclude(status=MessageStatus.DELETED)


def _files(person: UUID) -> QuerySet[Attachment]:
    """Those that they brought, but in messages of others."""
    elsewhere = AttachmentUse.objects.exclude(message__in=_said(person)).values("attachment")
    return Attachment.objects.filter(user=person).exclude(pk__in=elsewhere)


STORES = (
    Store(
        "chats",
        {"chat.Chat": ("title", "title_folded", "summary", "metadata", "branch")},
        lambda id: Chat.objects.filter(user=id),
    ),
    Store("chat shares", {}, lambda id: ChatShare.objects.filter(Q(user=id) | Q(chat__user=id))),
    Store("links to chats", {}, lambda id: apps.get_model("chat_links", "Link").objects.filter(by=id)),
    Store("messages", {"chat.Message": ("content", "parts", "attachments", "error")}, _said),
    Store("search terms", {"chat_search.SearchEntry": ("terms",)}),
    Store("states of messages", {"chat.MessageState": ("turns",)}),
    Store(
        "compactions",
        {"chat.Compaction": ("summary",)},
        lambda id: Compaction.objects.filter(chat__user=id),
    ),
    Store("feedback", {"chat.Feedback": ("comment",)}, lambda id: Feedback.objects.filter(user=id)),
    Store("reactions", {}, lambda id: Reaction.objects.filter(user=id)),
    Store(
        "annotations",
        {"chat_feedback.Annotation": ("quote", "body")},
        lambda id: Annotation.objects.filter(user=id),
    ),
    Store("attachments: the row", {"chat.Attachment": ("name", "text_error")}, _files),
    Store("attachments: the file"),
    Store("attachment uses"),
    Store(
        "runs",
        {"chat.Run": ("request", "options", "error_message", "provider_error")},
        lambda id: Run.objects.filter(chat__user=id),
    ),
    Store("the log of a run", {"chat.RunEvent": ("events",)}, lambda id: RunEvent.objects.filter(run__chat__user=id)),
    Store("what was sent to models", {"chat_sent.SentRequest": ("agent", "data")}, keeping.of),
    Store(
        "tool calls",
        {"chat.ToolCall": ("call", "agent", "arguments", "result")},
        lambda id: ToolCall.objects.filter(run__chat__user=id),
    ),
    Store("aliases", {"chat.ChatAlias": ("external_id",)}, lambda id: ChatAlias.objects.filter(user=id)),
    Store("sessions of `/api/chat/start`", {}, lambda id: ChatSession.objects.filter(user=id)),
    Store(
        "pull requests",
        {"chat.PullRequest": ("title", "body", "branch", "base", "url")},
        lambda id: PullRequest.objects.filter(chat__user=id).exclude(state=PullState.MERGED),
    ),
    Store("documents of projects", {"tools.Document": ("name", "content")}),
    Store("versions of a document", {"tools.DocumentVersion": ("content", "note")}),
    Store("knowledge: documents", {"tools.KnowledgeDocument": ("title", "source", "error", "pages", "text")}),
    Store("knowledge: passages", {"tools.Passage": ("path", "text", "search", "vector", "bits")}),
    Store(
        "repositories of projects: the row",
        {"tools.ProjectRepository": ("remote_url", "forge_path", "token", "token_user", "error")},
    ),
    Store(
        "MCP servers",
        {
            "tools.McpServer": (
                *("name", "url", "token", "discovered", "left_out", "error"),
                *("client_id", "client_secret", "authority"),
            )
        },
    ),
    Store(
        "sign-ins at MCP servers",
        {"tools.McpSignIn": ("issuer", "client_id", "access_token", "refresh_token", "scope", "wanted")},
        lambda id: McpSignIn.objects.filter(user=id),
    ),
    Store(
        "MCP tools",
        {"tools.McpTool": ("name", "offered_as", "title", "description", "schema", "annotations", "approved")},
    ),
    Store("requests of runs that clone, build or index"),
    Store("tool policies"),
    Store("tool grants", {}, lambda id: ToolGrant.objects.filter(Q(by=id) | Q(chat__user=id))),
    Store("workflows", {"chat.Workflow": ("name",)}),
    Store("workflow versions", {"chat.WorkflowVersion": ("definition",)}),
    Store("workflow runs", {"chat.WorkflowRun": ("answers",)}),
    Store("schedules", {"chat.Schedule": ("title", "prompt", "error")}, lambda id: Schedule.objects.filter(owner=id)),
    Store("webhooks", {"chat_webhooks.Webhook": ("url",)}),
    Store("webhook events"),
    Store("webhook deliveries", {"chat_webhooks.WebhookDelivery": ("answer", "error")}),
    Store("tasks", {"chat.Task": ("title", "title_folded", "external_id")}),
    Store("characters", {"chat.Character": ("name",)}),
    Store("holds", {"chat.Hold": ("name", "reason")}),
    Store("exports: the row", {"chat_exports.Export": ("asked",)}),
    Store("exports: the file"),
    Store("kept texts", {"chat.Kept": ("data",)}),
    Store("kept files"),
    Store("git: refs"),
    Store("git: objects"),
    Store("git: `<project>.before`"),
    Store("git: the project's folder"),
    Store(
        "answers kept for an `Idempotency-Key`",
        {"accounts.IdempotencyKey": ("key", "answer")},
        lambda id: IdempotencyKey.objects.filter(user=id),
    ),
    Store(
        "the log of interventions in the admin",
        {"admin.LogEntry": ("object_repr", "change_message")},
    ),
    Store("the audit log", {"accounts.AuditEntry": ("object_id", "request_id", "ip", "detail")}),
    Store("audit chains"),
    Store("invitations", {"accounts.Invitation": ("email",)}),
    Store("sign-ins", {"accounts.SignIn": ("user_agent",)}, lambda id: SignIn.objects.filter(user=id)),
    Store(
        "people, memberships, keys, tokens",
        {
            "accounts.User": ("email", "name", "name_folded", "password", "language"),
            "accounts.ApiKey": ("name",),
            "token_blacklist.OutstandingToken": ("token",),
            "sessions.Session": ("session_data",),
        },
        lambda id: User.objects.filter(pk=id),
    ),
    Store("memberships", {}, lambda id: Membership.objects.filter(user=id)),
    Store("roles in projects", {}, lambda id: ProjectMember.objects.filter(user=id)),
    Store("API keys", {}, lambda id: ApiKey.objects.filter(user=id)),
    Store(
        "identities at a provider",
        {"accounts.ExternalIdentity": ("subject",)},
        lambda id: ExternalIdentity.objects.filter(user=id),
    ),
    Store("used assertions, states of sign-ins"),
    Store(
        "preferences",
        {"tools.Preferences": ("language", "tone", "about")},
        lambda id: Preferences.objects.filter(user=id),
    ),
    Store("remembered facts", {"tools.Memory": ("text",)}, lambda id: Memory.objects.filter(user=id)),
    Store("usage by turn and by day"),
    Store("names in the ledger", {"chat.UsageName": ("name",)}),
    Store("prices", {"chat.Price": ("accepted_by",)}),
    Store("kept answers"),
    Store("totals of `/api/metrics`"),
    Store("SQLite's file and log"),
    Store("PostgreSQL"),
    Store("Redis, memory"),
    Store("the server's log"),
)
# Names out of lists, hashes, ids and addresses of the installation's own, numbers as text; and what an organization's
# admins and operators write of the organization, which goes with it.
NO_WORDS: Fields = {
    "accounts.AuditChain": ("chain", "pruned_chain"),
    "accounts.AuditEntry": ("action", "object_type", "hash", "chain"),
    "accounts.Plan": ("name", "label", "models", "features", "limits"),
    "accounts.Organization": ("name", "name_folded", "plan", "fallbacks", "timezone"),
    "accounts.Project": ("name", "name_folded", "description"),
    "accounts.ProjectSecret": ("name", "value"),
    "accounts.IdentityProvider": (
        *("slug", "name", "issuer", "client_id", "secret", "audience", "algorithms", "assertion_secret"),
        *("public_keys", "jwks_url", "jwks", "metadata", "domains", "groups_claim", "groups"),
    ),
    "accounts.ApiKey": ("key_hash", "prefix", "scopes"),
    "accounts.IdempotencyKey": ("route", "body_hash"),
    "accounts.Invitation": ("token_hash",),
    "accounts.SignIn": ("session_key",),
    "accounts.Ticket": ("token_hash", "origin"),
    "accounts.UsedAssertion": ("assertion_hash",),
    "admin.LogEntry": ("object_id",),
    "sessions.Session": ("session_key",),
    "token_blacklist.OutstandingToken": ("jti",),
    "auth.Group": ("name",),
    "auth.Permission": ("name", "codename"),
    "contenttypes.ContentType": ("app_label", "model"),
    "chat_links.Link": ("token_hash",),
    "chat.Attachment": ("media_type", "sha256"),
    "chat.Character": ("archetype",),
    "chat.Chat": ("model", "effort", "fallbacks", "archetype", "origin"),
    "chat.ChatAlias": ("door",),
    "chat.ChatSession": ("token_hash", "model"),
    "chat.Chore": ("name", "told", "error"),
    "chat.Compaction": ("whole", "model"),
    "chat.Feedback": ("reasons",),
    "chat_feedback.Reaction": ("emoji",),
    "chat.LanguageModel": (
        *("id", "vendor", "name", "api", "base_url", "tier", "currency", "abilities", "efforts", "fallbacks"),
        *("successor", "note", "source"),
    ),
    "chat.Message": ("model", "usage"),
    "chat.Process": ("host", "kinds", "gauges"),
    "chat.PullRequest": ("forge", "head", "merged_as"),
    "chat.Run": (
        *("kind", "subject", "archetype", "model", "door", "end_reason", "error_code", "usage_status", "command"),
        "traceparent",
    ),
    "chat.Price": ("vendor", "model", "currency", "source"),
    "chat.Schedule": ("archetype", "cron", "time_zone"),
    "chat.ToolCall": ("name",),
    "chat.ToolGrant": ("tool",),
    "chat.ToolPolicy": ("pattern",),
    "chat.Total": ("name", "labels"),
    "chat.UsageDay": ("door", "purpose", "model"),
    "chat.UsageDayBefore": ("model",),
    "chat.UsageRecord": ("agent", "door", "purpose", "model", "currency", "status"),
    "chat.WorkflowRun": ("step",),
    "chat_exports.Export": ("what", "format", "error"),
    "chat_sent.SentRequest": ("model", "server"),
    "chat_webhooks.Webhook": ("events", "secret", "old_secret"),
    "chat_webhooks.WebhookEvent": ("type", "body"),
    "tools.DocumentVersion": ("call",),
    "tools.KnowledgeDocument": ("media_type", "language", "sha256", "embedded_by"),
    "tools.McpServer": ("protocol",),
    "tools.McpTool": ("digest", "approved_digest"),
    "tools.Memory": ("call",),
    "tools.Passage": ("language", "model"),
    "tools.ProjectRepository": ("default_branch",),
}
