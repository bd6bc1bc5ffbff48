"""PostgreSQL and Redis for the tests: those that `manage.py chaos` starts for itself."""

from chat.ops.chaos.servers import Postgres, Redis, free_port

__all__ = ["Postgres", "Redis", "free_port"]
