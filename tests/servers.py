"""PostgreSQL, Redis and PgBouncer for the tests: those that `manage.py chaos` starts for itself."""

from chat.ops.chaos.pooler import BEHIND, SESSIONS, PgBouncer, make_ready
from chat.ops.chaos.servers import IN_MEMORY, Postgres, Redis, free_port

__all__ = ["BEHIND", "IN_MEMORY", "SESSIONS", "PgBouncer", "Postgres", "Redis", "free_port", "make_ready"]
