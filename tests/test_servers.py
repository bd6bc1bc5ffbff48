"""The tests' own PostgreSQL and Redis are real."""

import psycopg
import redis

from tests.servers import Postgres, Redis


def test_postgres_comes_back_after_a_crash_with_what_was_committed() -> None:
    server = Postgres(is_durable=True)
    try:
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE kept (n int)")
            connection.execute("INSERT INTO kept VALUES (1)")
        server.restart("immediate")
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]
        assert server.version().startswith("postgres (PostgreSQL)")
    finally:
        server.close()


def test_redis_comes_back_empty_after_a_kill() -> None:
    server = Redis()
    try:
        redis.Redis.from_url(server.url()).set("a", "1")
        server.kill()
        server.start()
        assert redis.Redis.from_url(server.url()).get("a") is None
        assert server.version().startswith("Redis server")
    finally:
        server.close()
