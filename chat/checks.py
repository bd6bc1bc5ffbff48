"""System checks: sets of settings that cannot work together, said before anything starts. docs/deploy.md explains."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from agents.installation import has_model, model_names

POSITIVE = (
    *("CHAT_LEASE_S", "CHAT_LEASE_RENEW_S", "CHAT_SCAN_S", "CHAT_COMMIT_S", "CHAT_COMMIT_ALONE_S"),
    *("CHAT_HEARTBEAT_S", "WRITE_TIMEOUT_S", "CHAT_UNSTORED_MAX_EVENTS", "CHAT_FEED_MAX_EVENTS"),
    *("CHAT_MAX_CRASHES", "DB_THREADS", "FILE_THREADS", "DB_TOOL_THREADS", "BODY_MAX_BYTES", "EXPORT_MAX_BYTES"),
    "AGENTS_BUDGET_TURN_TOKENS",
    *(
        "JSON_MAX_DEPTH",
        "JSON_MAX_VALUES",
        "ANSWER_MAX_BYTES",
        "RENDER_ANSWER_MAX_BYTES",
        "BODY_ANONYMOUS_MAX_BYTES",
        "BODY_IDLE_S",
        "BODY_TIMEOUT_S",
    ),
    *("HEAD_MAX_BYTES", "HEAD_MAX_FIELDS", "HEAD_TIMEOUT_S", "KEEP_ALIVE_S", "SOCKET_PING_S"),
    *("WAITING_MAX_BYTES", "WAITING_MAX_BYTES_PER_USER"),
    *("READY_COMMIT_LAG_S", "READY_UNCLAIMED_S", "MIGRATE_LOCK_S"),
    *("PARSING_AT_ONCE", "PARSING_TIMEOUT_S", "PARSING_CPU_S", "PARSING_MEMORY_BYTES", "PARSING_OUTPUT_MAX_BYTES"),
    "ERASE_WITHIN_S",
    *("PUSH_MAX_BYTES", "PUSH_TIMEOUT_S"),
    *("OUTWARD_MAX_BYTES", "OUTWARD_TIMEOUT_S", "OUTWARD_CONNECT_TIMEOUT_S"),
    *("CHAT_CONTEXT_MESSAGES", "CHAT_CONTEXT_TOKENS", "AGENTS_EVENT_MAX_BYTES"),
)
NOT_NEGATIVE = (
    *("CHAT_STREAMS_PER_USER", "CHAT_SOCKETS_PER_USER", "CHAT_RUNS_PER_ORGANIZATION", "CHAT_MAX_QUEUED"),
    "CHAT_SESSION_PROMPTS",
    *("CHAT_DRAIN_S", "CHAT_EXPORTS_PER_USER", "CLEANUP_EVERY_S", "COMPACTION_EVERY_S", "FOLDING_EVERY_S"),
    *("AUDIT_KEEP_DAYS", "AUDIT_SEAL_EVERY_S", "AUDIT_TELL_EVERY_S"),
    *("CONSISTENCY_EVERY_S", "CONSISTENCY_SAMPLE"),
    *("RETENTION_EVERY_S", "ERASE_AT_ONCE_S"),
    "CHAT_CONTEXT_CHARS",
)
SCHEMES = ("redis://", "rediss://", "unix://")


@register()
def check_processes(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Errors for sets that cannot work, which stop every command and so the server."""
    return [*_database(), *_redis(), *_runs(), *_memory(), *_context(), *_numbers(), *_attachments()]


@register(Tags.security, deploy=True)
def check_hosts(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Warnings for what works on one host and not on two."""
    return [*_shared_keys(), *_shared_files()]


def _database() -> Iterator[CheckMessage]:
    vendor = settings.DATABASES["default"]["ENGINE"]
    if not settings.IS_SQLITE and not vendor.endswith("postgresql"):
        hint = "Set it to sqlite:///PATH for one process, or postgres://USER:PASSWORD@HOST/NAME for any number."
        yield Error("DATABASE_URL is neither SQLite nor PostgreSQL.", hint, id="chat.E001")
    if settings.IS_SQLITE and settings.REDIS_URL:
        hint = "Set DATABASE_URL to a PostgreSQL, or take REDIS_URL away."
        yield Error("REDIS_URL is for several processes, and SQLite is for one.", hint, id="chat.E002")
    most = settings.DATABASES["default"].get("OPTIONS", {}).get("pool", {}).get("max_size", 0)
    threads = settings.DB_THREADS + settings.FILE_THREADS + settings.DB_TOOL_THREADS
    least = threads + 2  # and the log's writer, and one request
    if not settings.IS_SQLITE and most < least:
        hint = (
            f"Set DB_POOL_MAX to {least} or more: runs, files, tools and streams take {least - 1}, requests the rest."
        )
        yield Error(f"DB_POOL_MAX is {most}: requests would find no connection.", hint, id="chat.E003")


def _memory() -> Iterator[CheckMessage]:
    named = settings.MEMORY_MODEL
    if named and named != "chat" and not has_model(named):
        hint = f"Set it to chat, for each chat's own, or to one of: {', '.join(model_names())}."
        yield Error("MEMORY_MODEL is not one of the models that are offered.", hint, id="chat.E009")


def _context() -> Iterator[CheckMessage]:
    if settings.CHAT_CONTEXT_CHARS > 0:
        hint = f"Set CHAT_CONTEXT_TOKENS={settings.CHAT_CONTEXT_TOKENS}, which holds now, and take it away."
        yield Warning("CHAT_CONTEXT_CHARS is the older name of a limit that is in tokens by now.", hint, id="chat.W003")


def _attachments() -> Iterator[CheckMessage]:
    if settings.ATTACHMENTS_S3_BUCKET and not (find_spec("storages") and find_spec("boto3")):
        hint = "pip install django-storages boto3 (docs/attachments.md), or take ATTACHMENTS_S3_BUCKET away."
        yield Error("ATTACHMENTS_S3_BUCKET needs django-storages and boto3, which are not there.", hint, id="chat.E010")


def _redis() -> Iterator[CheckMessage]:
    if settings.REDIS_URL and not settings.REDIS_URL.startswith(SCHEMES):
        yield Error("REDIS_URL is no address of a Redis.", "Such as redis://HOST:6379/0.", id="chat.E004")
    if not settings.IS_SQLITE and not settings.REDIS_URL:
        hint = "Set REDIS_URL before you start a second one; or use SQLite, which needs neither."
        yield Warning("PostgreSQL without REDIS_URL is for one process.", hint, id="chat.W001")


def _runs() -> Iterator[CheckMessage]:
    if not settings.CHAT_RUN_HERE and settings.IS_SQLITE:
        hint = "SQLite is for one process, so take CHAT_RUN_HERE away; or set DATABASE_URL to a PostgreSQL."
        yield Error("CHAT_RUN_HERE is off, and nobody else can execute runs.", hint, id="chat.E005")
    if not settings.CHAT_RUN_HERE and not settings.IS_SQLITE and not settings.REDIS_URL:
        hint = "Set REDIS_URL: without it a run starts, shows and stops up to CHAT_SCAN_S late."
        yield Error("CHAT_RUN_HERE is off, and nothing tells the other processes of new runs.", hint, id="chat.E006")
    if settings.CHAT_LEASE_S < 3 * settings.CHAT_LEASE_RENEW_S:
        hint = "Make CHAT_LEASE_S at least three times CHAT_LEASE_RENEW_S: one late renewal must not lose the run."
        yield Error("Leases lapse before they are renewed.", hint, id="chat.E007")


def _numbers() -> Iterator[CheckMessage]:
    for name in POSITIVE:
        if getattr(settings, name) <= 0:
            yield Error(f"{name} must be more than 0.", id="chat.E008")
    for name in NOT_NEGATIVE:
        if getattr(settings, name) < 0:
            yield Error(f"{name} must be 0 or more.", id="chat.E008")


def _shared_keys() -> Iterator[CheckMessage]:
    kept = settings.KEPT_SECRETS
    if kept and not settings.IS_SQLITE:
        hint = "Set them in the environment of every host, unless all of them share one PARLEY_DATA."
        told = f"{', '.join(kept)} lie in PARLEY_DATA: another host would make its own, and take none of ours."
        yield Warning(told, hint, id="chat.W002")


def _shared_files() -> Iterator[CheckMessage]:
    if settings.REDIS_URL and not settings.ATTACHMENTS_S3_BUCKET and not settings.ATTACHMENTS_ARE_SHARED:
        hint = "Set ATTACHMENTS_S3_BUCKET; or, where all hosts share one PARLEY_DATA, ATTACHMENTS_ARE_SHARED=true."
        told = "Attached files lie in PARLEY_DATA: another host would not find them."
        yield Warning(told, hint, id="chat.W004")
