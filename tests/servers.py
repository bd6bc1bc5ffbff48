"""PostgreSQL and Redis for the tests: those that `manage.py chaos` starts for itself."""

from chat.ops.chaos.servers import IN_MEMORY, Postgres, Redis, free_port

__all__ = ["IN_MEMORY", "Postgres", "Redis", "free_port"]
