"""The admin's view of chats: what was said, done to say it, used by it. Characters, budgets and models are edited."""

from chat.admin import (
    audit,
    budgets,
    characters,
    chats,
    chores,
    documents,
    language_models,
    logs,
    people,
    policies,
    processes,
    pull_requests,
    repositories,
    runs,
    tasks,
    usage,
)

__all__ = [
    "audit",
    "budgets",
    "characters",
    "chats",
    "chores",
    "documents",
    "language_models",
    "logs",
    "people",
    "policies",
    "processes",
    "pull_requests",
    "repositories",
    "runs",
    "tasks",
    "usage",
]
