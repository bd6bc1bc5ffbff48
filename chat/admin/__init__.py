"""The admin's view of chats: what was said, done to say it, and used by it. Characters and budgets are edited."""

from chat.admin import audit, budgets, characters, chats, chores, logs, people, processes, runs, tasks, usage

__all__ = ["audit", "budgets", "characters", "chats", "chores", "logs", "people", "processes", "runs", "tasks", "usage"]
