"""The admin's view of chats: what was said, what was done to say it, and what it used. Only characters are edited."""

from chat.admin import audit, budgets, characters, chats, chores, logs, processes, runs, tasks, usage

__all__ = ["audit", "budgets", "characters", "chats", "chores", "logs", "processes", "runs", "tasks", "usage"]
