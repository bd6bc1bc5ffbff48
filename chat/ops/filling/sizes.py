"""How much room tables take, with their indexes. Sync."""

from django.db import connection

# FTS5 keeps what messages are found by in tables of its own, which are counted with the one that they are of.
ON_SQLITE = """
    SELECT CASE WHEN s.name LIKE 'chat_search_%' THEN 'chat_search_searchentry' ELSE coalesce(m.tbl_name, s.name) END
      AS owner, sum(s.pgsize) FROM dbstat AS s LEFT JOIN sqlite_master AS m ON m.name = s.name
    WHERE s.aggregate = 1 GROUP BY owner
"""
ON_POSTGRES = """
    SELECT relname, pg_total_relation_size(oid) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


def bytes_of_tables() -> dict[str, int]:
    """table: bytes on disk, the largest first. Reads the whole file of SQLite."""
    with connection.cursor() as cursor:
        cursor.execute(ON_POSTGRES if connection.vendor == "postgresql" else ON_SQLITE)
        found = {name: int(size) for name, size in cursor.fetchall()}
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))
